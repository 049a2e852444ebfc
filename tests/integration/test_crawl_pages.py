"""The crawl server on pages that nobody here wrote: documentation of Debian, applications of npm packages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from configs.errors import ToolCallError
from tests.fakes.crawl_server import Crawl, crawl_server
from tests.fakes.tool_table import Row, note
from tests.fakes.web_folder import Site, debian_pages, npm_package, web_folder
from tools.web.html_page import read_text

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
TODO = "todomvc 0.1.1 (npm)"
PYTHON, POSTGRES = "python3.11-doc (Debian)", "postgresql-doc-15 (Debian)"


@dataclass(frozen=True, slots=True)
class Web:
    """The sites, and the server that reads them."""

    sites: dict[str, Site]
    crawl: Crawl

    def url(self, origin: str, path: str) -> str:
        return self.sites[origin].url(path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Web]:
    home = await asyncio.to_thread(tmp_path_factory.mktemp, "home")
    with ExitStack() as stack:
        sites = await asyncio.to_thread(_sites, stack)
        async with crawl_server(home, [site.host for site in sites.values()]) as crawl:
            yield Web(sites, crawl)
        await asyncio.to_thread(stack.close)


def _sites(stack: ExitStack) -> dict[str, Site]:
    folders = {
        PYTHON: debian_pages("python3.11", "python3.11-doc"),
        POSTGRES: debian_pages("postgresql-doc-15", "postgresql-doc-15"),
        TODO: npm_package("todomvc", "0.1.1"),
        "jstree 3.3.17 (npm)": npm_package("jstree", "3.3.17"),
        "dygraphs 2.2.2 (npm)": npm_package("dygraphs", "2.2.2"),
        "jsoneditor 10.4.3 (npm)": npm_package("jsoneditor", "10.4.3"),
    }
    return {origin: stack.enter_context(web_folder(folder)) for origin, folder in folders.items()}


@pytest.mark.parametrize(
    ("origin", "path", "texts"),
    [
        (PYTHON, "library/datetime.html", ["# `datetime` — Basic date and time types", "days=64, seconds=29156"]),
        (PYTHON, "library/json.html", ["JavaScript Object Notation", "```python3\n>>> import json"]),
        (PYTHON, "whatsnew/3.11.html", ["Python 3.11 is between 10-60% faster than Python 3.10"]),
        (POSTGRES, "functions-math.html", ["`+` *`numeric_type`* → `numeric_type`", "`2 + 3` → `5`"]),
        (POSTGRES, "sql-select.html", ["SELECT, TABLE, WITH — retrieve rows from a table or view"]),
        (POSTGRES, "datatype-numeric.html", ["| `smallint` | 2 bytes | small-range integer | -32768 to +32767 |"]),
    ],
)  # fmt: skip
async def test_documentation(web: Web, origin: str, path: str, texts: list[str]) -> None:
    text = await web.crawl.page(web.url(origin, path))
    assert text.startswith("Title: ")
    assert f"Address: {web.url(origin, path)}" in text
    assert "browser" not in text.split("\n\n")[0]
    for each in texts:
        assert each in text, text
    await asyncio.to_thread(
        note, Row("crawl", "crawl_page", path, origin, text.splitlines()[0], f"holds {texts[-1]!r}", web.crawl.seconds)
    )


@pytest.mark.parametrize(
    ("origin", "path", "absent", "texts"),
    [
        (PYTHON, "search.html?q=dataclass", "36 page(s)", ["found 36 page(s) matching the search query"]),
        (TODO, "examples/react/", "creating user interfaces", ["library for creating user interfaces"]),
        (TODO, "examples/mithril/", "client-side MVC", ["Mithril is a client-side MVC framework", "# todos"]),
        (TODO, "examples/dojo/index.html", "saves you time", ["Dojo saves you time and scales with"]),
        (TODO, "examples/emberjs/", "ambitious", ["A framework for creating ambitious web applications."]),
        ("jstree 3.3.17 (npm)", "demo/basic/index.html", "nothing", ["- Root node\n  - Child node 1"]),
        ("dygraphs 2.2.2 (npm)", "_site/tests/dygraph.html", "07 May", ["07 May"]),
        ("jsoneditor 10.4.3 (npm)", "examples/02_viewer.html", "object {", ["Hello World"]),
    ],
)  # fmt: skip
async def test_pages_that_scripts_make(web: Web, origin: str, path: str, absent: str, texts: list[str]) -> None:
    plain = await web.crawl.page(web.url(origin, path), render="never")
    text = await web.crawl.page(web.url(origin, path))
    assert absent not in plain
    assert "Note: Read in a browser." in text
    for each in texts:
        assert each in text, text
    known = f"holds {texts[0]!r}, which only its scripts write"
    await asyncio.to_thread(
        note, Row("crawl", "crawl_page", path, f"{origin}, JavaScript", text.splitlines()[0], known, web.crawl.seconds)
    )


async def test_a_long_page_is_read_part_by_part(web: Web) -> None:
    """Together the parts are what a reader of the whole file gets."""
    url = web.url(PYTHON, "library/datetime.html")
    start, parts = 0, []
    while True:
        head, _, body = (await web.crawl.page(url, start=start)).partition("\n\n")
        text, more, rest = body.partition("\n[cut here; read on with start=")
        parts.append(text)
        assert "\nPart: characters " in head
        if not more:
            break
        start = int(rest.removesuffix("]"))
    file = Path("/usr/share/doc/python3.11/html/library/datetime.html")
    whole = read_text(await asyncio.to_thread(file.read_text, "utf-8"), url)["markdown"]
    assert "".join("".join(parts).split()) == "".join(whole.split())
    with pytest.raises(ToolCallError, match="start is beyond its end"):
        await web.crawl.page(url, start=10**6)


@pytest.mark.parametrize(
    ("paths", "query", "answer"),
    [
        ([(POSTGRES, "runtime-config-connection.html")], "default of max_connections", "is typically 100 connections"),
        ([(POSTGRES, "functions-datetime.html")], "delay execution for five minutes", "pg_sleep_for('5 minutes');"),
        ([(PYTHON, "library/datetime.html"), (PYTHON, "library/dataclasses.html")], "frozen emulates read-only",
         "assigning to fields will generate an exception. This emulates read-only frozen"),
        ([(POSTGRES, "limits.html")], "maximum columns per table", "| columns per table | 1,600 |"),
    ],
)  # fmt: skip
async def test_only_what_answers_the_query(web: Web, paths: list[tuple[str, str]], query: str, answer: str) -> None:
    urls = [web.url(*each) for each in paths]
    text = await web.crawl.extract(*urls, query=query, max_tokens=400)
    assert answer in text, text
    assert len(text) < 400 * 4 + 600
    await _quotes_are_on_the_pages(text, urls, web)
    given, origin = f"{', '.join(path for _, path in paths)}; {query}", paths[0][0]
    await asyncio.to_thread(
        note,
        Row(
            "crawl", "crawl_extract", given, origin, answer[:80], "quoted word for word, found there", web.crawl.seconds
        ),
    )


async def _quotes_are_on_the_pages(text: str, urls: list[str], web: Web) -> None:
    """Every quote stands where its heading says, in the text that crawl_page gives from there."""
    found = 0
    for block in text.split("\n\n["):
        head, _, quote = block.partition("]\n")
        place = head.rpartition("start=")[2]
        if not place.isdecimal():
            continue
        first = quote.split("\n\n")[0].strip()
        shown = [await web.crawl.page(url, start=int(place)) for url in urls if await _reaches(web, url, int(place))]
        assert any(first in " ".join(page.split("\n\n", 1)[1:]) for page in shown), first
        found += 1
    assert found


async def _reaches(web: Web, url: str, place: int) -> bool:
    try:
        await web.crawl.page(url, start=place)
    except ToolCallError:
        return False
    return True


async def test_a_budget_is_kept_and_nothing_is_made_up(web: Web) -> None:
    url = web.url(PYTHON, "library/datetime.html")
    sizes = [len(await web.crawl.extract(url, query="time zone offset", max_tokens=tokens)) for tokens in (100, 1000)]
    assert sizes[0] < 100 * 4 + 400 < sizes[1] < 1000 * 5
    text = await web.crawl.extract(url, query="giraffe zebra")
    assert text.startswith("Nothing on the page answers that")


async def test_one_of_several_pages_that_is_missing_is_told(web: Web) -> None:
    urls = [web.url(PYTHON, "library/json.html"), web.url(PYTHON, "nowhere.html")]
    text = await web.crawl.extract(*urls, query="json dump file")
    assert f"Not read: {urls[1]}: 127.0.0.1 answered 404 (Not Found)" in text
    with pytest.raises(ToolCallError, match=r"\A127.0.0.1 answered 404 \(Not Found\)\Z"):
        await web.crawl.extract(urls[1], query="json")


async def test_a_pdf_on_the_web_is_read_by_the_reader_of_documents(web: Web) -> None:
    url = web.url("dygraphs 2.2.2 (npm)", "_site/datahandler-proposal.pdf")
    text = await web.crawl.page(url)
    assert "DataHandler" in text, text
    await asyncio.to_thread(
        note,
        Row(
            "crawl",
            "crawl_page",
            "datahandler-proposal.pdf",
            "dygraphs 2.2.2 (npm)",
            text[:60],
            "holds 'DataHandler'",
            web.crawl.seconds,
        ),
    )
