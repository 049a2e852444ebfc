"""Which URLs and addresses tools may go to."""

from __future__ import annotations

import pytest

from configs.errors import ToolCallError
from tools.egress_addresses import is_local_name, is_public, target_of


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",  # noqa: S104  an address to refuse
            "100.64.0.1",
        ),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1"),
        *("203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1"),
        *("2001:db8::1", "100::1", "3fff::1", "5f00::1", "4000::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::1.1.1.1", "::ffff:0:127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "64:ff9b:1::101:101"),
        *("2002:7f00:1::", "2002:101:101::", "2001::1", "2001:0:4136:e378:8000:63bf:80ff:fffe"),
        *("2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1", "no address", ""),
    ],
)
def test_addresses_that_are_not_of_the_open_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTPS://Example.COM.:443/a b?q=ü#part", "https://example.com/a%20b?q=%C3%BC"),
        ("http://bücher.example:8080/", "http://xn--bcher-kva.example:8080/"),
        (" http://1.1.1.1/\n", "http://1.1.1.1/"),
        ("http://[2606:4700:0::1111]/", "http://[2606:4700::1111]/"),
        ("http://127。0。0。1/", "http://127.0.0.1/"),
    ],
)
def test_a_url_has_one_reading(url: str, read: str) -> None:
    assert target_of(url).url == read


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "ftp://a.example/", "gopher://a.example/", "data:text/html,x", "javascript:alert(1)"),
        *("//a.example/", "a.example/x", "", "http://", "http:///x", "view-source:http://a.example/"),
        *("http://user:pw@a.example/", "http://user@a.example/", "http://a.example\\@b.example/"),
        *(
            "http://127.1/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://2130706433/",
            "http://127.0.0.1.nip.0x1/",
        ),
        *("http://0x7f.0.0.1/", "http://017700000001/", "http://127.0.1", "http://127.000.000.001/", "http://1/"),
        *("http://ex%61mple.com/", "http://%31%32%37.0.0.1/", "http://[::1%25eth0]/", "http://[::1", "http://[x]/"),
        *(
            "http://ⓛocalhost/",
            "http://a..example/",
            "http://a.example:99999/",
            "http://a.example:0/",
            "http://a.example:x/",
        ),
        *("http://a.example/\r\nX: y", "http://a.example/\0", "http://a.example/" + "x" * 9000, "http://" + "a" * 300),
    ],
)
def test_refused_urls(url: str) -> None:
    with pytest.raises(ToolCallError, match=r"^refused: "):
        target_of(url)


def test_relative_redirects_are_read_against_the_page() -> None:
    base = target_of("https://a.example/x/y?z")
    assert target_of("../b?c", base).url == "https://a.example/b?c"
    assert target_of("//b.example/d", base).url == "https://b.example/d"
    with pytest.raises(ToolCallError):
        target_of("file:///etc/passwd", base)


@pytest.mark.parametrize(
    ("name", "local"),
    [
        *(
            (name, True)
            for name in ("localhost", "a.localhost", "printer.local", "metadata.google.internal", "ip6-loopback")
        ),
        *((name, False) for name in ("a.example", "localhost.example", "internal.example")),
    ],
)
def test_names_of_the_local_network(name: str, local: bool) -> None:
    assert is_local_name(name) is local
