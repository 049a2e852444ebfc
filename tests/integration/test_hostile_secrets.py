"""Keys planted in every place where the agent's own process has them, looked for wherever code and tools can look.

The servers are the bundled ones with the bundled configuration, as processes of their own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.tools import BaseTool

from configs.settings import Settings, load_settings
from tests.fakes.mcp_servers.running import by_name
from tools.caller import CALLER, Caller
from tools.client import open_tools

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
MARK = "kanarienvogel"
KEYS = {
    name: f"{MARK}-{name.replace('_', '-')}-0123456789"
    for name in (
        "openai_api_key", "azure_openai_api_key", "serpapi_api_key", "jina_api_key", "chunkr_api_key",
        "assemblyai_api_key", "e2b_api_key", "jupyter_token", "mcp_token",
    )
}  # fmt: skip
DATABASE = f"postgresql://memento:{MARK}-database@127.0.0.1:9/none"
VISION = {"openai_api_key", "azure_openai_api_key"}
NEEDS: dict[str, set[str]] = {
    "math": set(),
    "datetime": set(),
    "text": set(),
    "spreadsheet": set(),
    "search": {"serpapi_api_key"},
    "crawl": {"jina_api_key"},
    "documents": {*VISION, "assemblyai_api_key", "chunkr_api_key"},
    "image": VISION,
    "audio": {"openai_api_key", "assemblyai_api_key"},
    "video": {*VISION, "assemblyai_api_key"},
    "code": {"e2b_api_key", "jupyter_token"},
}
"""The keys of each server: those of the services that its own tools use, or choose."""
LOOK = """
import os, re, sys
open("control.txt", "w").write("kanarien" + "vogel")
found = []
def look(path, limit=3_000_000):
    try:
        with open(path, "rb") as file:
            if re.search(rb"MARK", file.read(limit)):
                found.append(path)
    except OSError:
        pass
for top, folders, names in os.walk("/"):
    folders[:] = [each for each in folders if top != "/" or each not in ("sys", "usr", "proc")]
    folders[:] = [each for each in folders if os.path.join(top, each) not in (sys.prefix, sys.base_prefix)]
    for name in names:
        path = os.path.join(top, name)
        if os.path.isfile(path):
            look(path)
for process in os.listdir("/proc"):
    if process.isdigit():
        for name in ("environ", "cmdline", "maps", "mountinfo"):
            look(f"/proc/{process}/{name}")
        for folder in ("fd", "task"):
            try:
                found += [each for each in os.listdir(f"/proc/{process}/{folder}") if re.search("MARK", each)]
            except OSError:
                pass
found += [name for name, value in os.environ.items() if re.search("MARK", value)]
os.remove("control.txt")
"found", found, "of", len(os.environ)
"""


@dataclass(frozen=True)
class Bench:
    """The tools of all servers, and where they were started."""

    tools: dict[str, BaseTool]
    settings: Settings
    home: Path

    async def call(self, tool: str, **arguments: Any) -> str:
        config: Any = {"configurable": {CALLER: Caller("mine", "task")}}
        return str(await self.tools[tool].ainvoke(arguments, config))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's folder with secrets in all the usual files, the agent's home in it."""
    person = tmp_path_factory.mktemp("person")
    for name in (".env", ".bashrc", ".ssh/id_ed25519", ".aws/credentials", "memento/.env", "memento/mcp.json.old"):
        (person / name).parent.mkdir(exist_ok=True)
        (person / name).write_text(f"KEY={MARK}-in-a-file\n")
    return person


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(place: Path) -> AsyncIterator[Bench]:
    given = [f"{name}={value}" for name, value in KEYS.items()]
    home = place / "memento"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(place))
        patch.setenv("AWS_SECRET_ACCESS_KEY", f"{MARK}-of-the-environment")
        patch.setenv("LANGSMITH_API_KEY", f"{MARK}-of-langsmith")
        overrides = [f"home={home}", f"database_url={DATABASE}", "vision_model=none", *given]
        settings = await asyncio.to_thread(load_settings, None, overrides)
        async with open_tools(settings) as box:
            await box.start()
            assert box.failures() == {}
            yield Bench(await by_name(box), settings, home)


def servers() -> dict[str, str]:
    """The environment of each tool server that this process has started, as the kernel tells it."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            if f"\nPPid:\t{os.getpid()}\n" in (folder / "status").read_text():
                command = (folder / "cmdline").read_bytes().decode().split("\0")
                if "-m" in command and command[3].startswith("tools.servers."):
                    found[command[3].rpartition(".")[2]] = (folder / "environ").read_bytes().decode()
        except OSError:
            continue
    return found


async def test_each_server_gets_its_own_keys_and_no_others(bench: Bench) -> None:
    environments = await asyncio.to_thread(servers)
    assert set(environments) == set(NEEDS)
    for name, environment in environments.items():
        has = {key for key, value in KEYS.items() if value in environment}
        assert has == NEEDS[name], name
        assert environment.count(MARK) == len(has), f"{name} has a key that is no setting"


async def test_code_finds_no_key_on_the_whole_file_system(bench: Bench) -> None:
    found = await bench.call("run_python", code=LOOK.replace("MARK", "kanarien" + "[v]ogel"), seconds=100)
    (only,) = found.partition("[")[2].partition("]")[0].split(", ")
    assert only.endswith("/control.txt'"), "its own file, and so it did look"
    command = "env; cat /proc/*/environ; cat ~/.env .env /etc/shadow; ls -a ~ ..; echo looked"
    told = await bench.call("run_shell", command=command)
    assert MARK not in told
    assert "looked" in told


@pytest.mark.parametrize("path", [".env", "memento/.env", ".ssh/id_ed25519", "memento/journal.jsonl"])
async def test_code_reads_no_file_of_the_person_by_any_path(bench: Bench, path: str) -> None:
    place = bench.home.parent
    names = [str(place / path), f"~/{path}", f"/proc/1/root{place / path}", f"/proc/self/cwd/../../../{path}"]
    names += ["../" * 9 + str(place / path).lstrip("/"), f"/workspace/../../../{path}", f"/proc/1/cwd/../../../{path}"]
    code = f"""
import os
told = []
for name in {names!r}:
    try:
        told.append(open(os.path.expanduser(name)).read())
    except OSError as error:
        told.append(type(error).__name__)
told"""
    told = await bench.call("run_python", code=code)
    assert MARK not in told
    assert told.count("Error") == len(names), told


async def test_nothing_that_was_kept_holds_a_key(bench: Bench) -> None:
    """After the tests above: workspaces, logs, listings and caches."""
    await bench.call("run_python", code="open('mine.txt', 'w').write('kept')")
    files = await asyncio.to_thread(lambda: [each for each in bench.home.rglob("*") if each.is_file()])
    planted = {bench.home / ".env", bench.home / "mcp.json.old"}
    assert any(each.name == "mine.txt" for each in files)
    for each in set(files) - planted:
        assert MARK.encode() not in await asyncio.to_thread(each.read_bytes), each
