"""What tools fetch: checked at every hop, bounded, and quiet about the local network."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from httpcore import AsyncNetworkStream

from configs.errors import ToolCallError
from tests.conftest import SettingsFactory
from tests.fakes.raw_web import InventedNetwork, RawWeb, raw_web, redirect, response
from tests.fakes.tls import TLS, made_certificate
from tools.egress import Egress, private_hosts

PUBLIC = "93.184.216.34"


def local(web: RawWeb) -> Egress:
    """An egress that may reach the test's server, by that one host and port."""
    return Egress([("127.0.0.1", web.port)])


def url(web: RawWeb, path: str = "/") -> str:
    return f"http://127.0.0.1:{web.port}{path}"


async def refusal(egress: Egress, address: str) -> str:
    with pytest.raises(ToolCallError) as raised:
        await egress.fetch(address)
    return str(raised.value)


async def test_a_page_comes_as_it_was_sent() -> None:
    page = response("schön".encode("latin-1"), content_type='Text/HTML; charset="ISO-8859-1"', x_one="1")
    async with raw_web({"/page": page}) as web:
        fetched = await local(web).fetch(
            url(web, "/page?a=b#c"), headers={"Accept": "text/html", "Host": "evil", "TE": "x"}
        )
        missing = await local(web).fetch(url(web, "/missing"))
    assert (fetched.status, fetched.media_type, fetched.charset) == (200, "text/html", "ISO-8859-1")
    assert fetched.data.decode("latin-1") == "schön"
    assert fetched.url == url(web, "/page?a=b")
    assert fetched.headers["x-one"] == "1"
    assert (missing.status, missing.data) == (404, b"nothing here")
    head = web.heads[0].decode().lower()
    assert f"host: 127.0.0.1:{web.port}\r\n" in head
    assert "accept: text/html\r\n" in head
    assert "accept-encoding: gzip\r\n" in head
    assert not any(word in head for word in ("evil", "te: x", "referer", "cookie"))


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "0177.0.0.1",
            "2130706433",
            "[::1]",
            "127.0.0.1",
            "localhost",
            "localhost.",
        ),
        *(
            "127.0.0.1.",
            "[::ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "0.0.0.0",  # noqa: S104  an address to refuse
            "[::]",
        ),
        *("169.254.169.254", "metadata.google.internal", "10.0.0.1", "LOCALHOST", "a.localhost"),
    ],
)
async def test_no_spelling_of_loopback_or_the_local_network_is_reached(host: str) -> None:
    async with raw_web({"/": response(b"secret")}) as web:
        message = await refusal(Egress(), f"http://{host}:{web.port}/")
    assert message.startswith("refused: ")
    assert web.heads == []


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], ["10.0.0.5"], [PUBLIC, "169.254.169.254"], ["64:ff9b::7f00:1"], ["fd00::1"], []]
)
async def test_every_answer_of_a_name_must_be_public(answers: list[str]) -> None:
    network = InventedNetwork({"inside.example": [answers]})
    message = await refusal(Egress(network=network), "http://inside.example/")
    assert message == await refusal(Egress(network=network), "http://inside.example:81/")
    assert message == "refused: inside.example cannot be found, or is not a public host"
    assert network.dialled == []
    unknown = await refusal(Egress(network=network), "http://unknown.example/")
    assert unknown == message.replace("inside", "unknown")


async def test_a_name_that_changes_its_answer_is_connected_to_the_one_that_was_checked() -> None:
    async with raw_web({"/": response(b"hello")}) as web:
        network = InventedNetwork({"rebinding.example": [[PUBLIC], ["127.0.0.1"]]}, web.port)
        egress = Egress(network=network)
        assert (await egress.fetch("http://rebinding.example/")).data == b"hello"
        assert network.lookups == ["rebinding.example"]
        assert network.dialled == [(PUBLIC, 80)]
        assert b"Host: rebinding.example\r\n" in web.heads[0].replace(b"host:", b"Host:")
        assert "not a public host" in await refusal(egress, "http://rebinding.example/")
        assert network.dialled == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    "location",
    [
        *("http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/", "http://localhost:1/", "//[::1]/"),
        *("http://inside.example/", "file:///etc/passwd", "http://user:pw@open.example/", "http://2130706433/"),
        *("gopher://open.example/", "http://metadata.google.internal/"),
    ],
)
async def test_redirects_are_refused_at_the_hop(location: str) -> None:
    async with raw_web(
        {"/": redirect("/two"), "/two": redirect("http://other.example/three"), "/three": redirect(location)}
    ) as web:
        names = {"open.example": [[PUBLIC]], "other.example": [["1.1.1.1"]], "inside.example": [["10.0.0.7"]]}
        network = InventedNetwork(names, web.port)
        message = await refusal(Egress(network=network), "http://open.example/")
    assert message.startswith("refused: ")
    assert not any(part in message for part in ("169.254", "127.0.0.1", "::1", "10.0.0.7", "pw"))
    assert web.paths == ["/", "/two", "/three"]
    assert {address for address, _ in network.dialled} == {PUBLIC, "1.1.1.1"}


async def test_five_redirects_and_no_more() -> None:
    chain = {f"/{n}": redirect(f"/{n + 1}", status) for n, status in enumerate((301, 302, 303, 307, 308))}
    async with raw_web({**chain, "/5": response(b"end"), "/loop": redirect("/loop")}) as web:
        fetched = await local(web).fetch(url(web, "/0"))
        assert (fetched.data, fetched.url) == (b"end", url(web, "/5"))
        assert await refusal(local(web), url(web, "/loop")) == "127.0.0.1 redirects more than 5 times"
    assert web.paths.count("/loop") == 6


async def test_credentials_stay_with_their_host() -> None:
    async with raw_web({"/": redirect("/same"), "/same": redirect("http://b.example/"), "/b": b""}) as web:
        network = InventedNetwork({"a.example": [[PUBLIC]], "b.example": [["1.1.1.1"]]}, web.port)
        sent = {"Authorization": "Bearer s3cret", "Cookie": "c=1", "X-Api-Key": "k", "Accept": "text/html"}
        with pytest.raises(ToolCallError, match="redirects"):
            await Egress(network=network).fetch("http://a.example/", headers=sent)
    first, same, other = web.heads[:3]
    for head in (first, same):
        assert b"Bearer s3cret" in head
    assert b"b.example" in other
    assert not any(secret in other for secret in (b"s3cret", b"c=1", b"api-key"))
    assert b"text/html" in other
    assert not any(b"referer" in head.lower() for head in web.heads)


async def test_a_proxy_of_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_web({"/": response(b"direct")}) as web, raw_web({}) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.delenv("no_proxy")
        assert (await local(web).fetch(url(web))).data == b"direct"
        assert "not a public host" in await refusal(local(web), f"http://127.0.0.1:{proxy.port}/")
    assert proxy.heads == []


@pytest.fixture(scope="module")
def tls() -> TLS:
    return made_certificate("secure.example")


@pytest.fixture
async def secure(tls: TLS) -> AsyncIterator[RawWeb]:
    async with raw_web({"/": response(b"private")}, tls.server) as web:
        yield web


async def test_tls_verifies_the_name_of_the_url_and_not_the_address(secure: RawWeb, tls: TLS) -> None:
    network = InventedNetwork({"secure.example": [[PUBLIC]], "other.example": [[PUBLIC]]}, secure.port)
    egress = Egress(network=network, certificates=tls.client)
    assert (await egress.fetch("https://secure.example/")).data == b"private"
    assert tls.names == ["secure.example"]
    assert network.dialled == [(PUBLIC, 443)]
    wrong = await refusal(egress, "https://other.example/")
    assert wrong == "other.example: its certificate cannot be verified"
    assert await refusal(Egress(network=network), "https://secure.example/") == wrong.replace("other", "secure")


async def test_credentials_stay_with_their_port_and_with_tls(tls: TLS) -> None:
    sent = {"Authorization": "Bearer s3cret"}
    port = {"/": redirect("http://secure.example:81/there"), "/there": response(b"end")}
    plain = {"/": redirect("http://secure.example/there")}
    async with raw_web(plain, tls.server) as secure, raw_web(port) as other:

        class ByPort(InventedNetwork):
            async def dial(self, address: str, port: int, seconds: float) -> AsyncNetworkStream:
                self.port = secure.port if port == 443 else other.port
                return await super().dial(address, port, seconds)

        egress = Egress(network=ByPort({"secure.example": [[PUBLIC]]}), certificates=tls.client)
        for address in ("http://secure.example/", "https://secure.example/"):
            assert (await egress.fetch(address, headers=sent)).data == b"end"
    assert [b"s3cret" in head for head in (*secure.heads, *other.heads)] == [True, True, False, False]
    assert other.paths == ["/", "/there", "/there"]


async def test_an_address_that_does_not_answer_is_passed_over() -> None:
    async with raw_web({"/": response(b"here")}) as web:

        class OneDown(InventedNetwork):
            async def dial(self, address: str, port: int, seconds: float) -> AsyncNetworkStream:
                if address == "1.1.1.1":
                    raise OSError("down")
                return await super().dial(address, port, seconds)

        network = OneDown({"a.example": [["1.1.1.1", PUBLIC]], "down.example": [["1.1.1.1"]]}, web.port)
        assert (await Egress(network=network).fetch("http://a.example/")).data == b"here"
        assert await refusal(Egress(network=network), "http://down.example/") == "down.example does not answer"


def test_private_hosts_are_pairs() -> None:
    assert private_hosts("wiki.example:8080, [::1]:9000,127.0.0.1:80") == {
        ("wiki.example", 8080),
        ("::1", 9000),
        ("127.0.0.1", 80),
    }
    assert private_hosts("") == frozenset()


async def test_settings_open_exactly_what_they_name(settings: SettingsFactory) -> None:
    async with raw_web({"/": response(b"wiki")}) as web, raw_web({"/": response(b"other")}) as other:
        egress = Egress.of(settings(private_hosts=f"localhost:{web.port}"))
        assert (await egress.fetch(f"http://localhost:{web.port}/")).data == b"wiki"
        for host, port in (
            ("localhost", other.port),
            ("127.0.0.1", web.port),
            ("127.1", web.port),
            ("[::1]", web.port),
        ):
            assert (await refusal(egress, f"http://{host}:{port}/")).startswith("refused: ")
    assert (len(web.heads), other.heads) == (1, [])
