"""The shape of the project: who may import whom, how long a thought may be, what no file holds."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project_files import PACKAGES, ROOT, committed_files, package_files, python_files, tree_of

SHARED_GRAPH = frozenset({"graph.state", "graph.context", "graph.events", "graph.identity"})
BELOW_GRAPH = frozenset({"configs", "memory", "tools", "nodes"})
MAY_IMPORT = {
    "configs": frozenset[str](),
    "memory": frozenset({"configs"}),
    "tools": frozenset({"configs", "memory.minilm"}),
    "nodes": frozenset({"configs", "memory"}) | SHARED_GRAPH,
    "graph": BELOW_GRAPH,
    "evaluation": BELOW_GRAPH | {"graph"},
    "cli": BELOW_GRAPH | {"graph", "evaluation"},
    "benchmarks": BELOW_GRAPH | {"graph", "evaluation", "tests"},
}
"""The import table of the architecture; a package may always import itself."""

SETS_STRICT_MSGPACK = (Path("nodes/__init__.py"), "graph")
"""The one import beside the table: it runs graph/__init__.py, which must come before langgraph."""

FORBIDDEN_NAMES = frozenset({"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "misc.py", "manager.py"})
MACHINE_PATHS = re.compile(r"(?<![\w.$}~-])/(?:root|work|home/[a-z]\w*|Users/\w+)/")
INDEX_ADDRESSES = re.compile(r"--(?:extra-)?index[-]url|--find-links|--trusted-host|https?://[^\s\"']*/simple\b")
MAX_FILE_LINES, MAX_FUNCTION_LINES = 300, 60


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, also inside functions; `from a import b` gives `a.b`."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def is_allowed(package: str, name: str) -> bool:
    allowed = MAY_IMPORT[package] | {package}
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)


def test_every_package_keeps_to_the_import_table() -> None:
    ours = {*MAY_IMPORT, "tests"}
    broken = [
        f"{path}:{line}: {path.parts[0]} may not import {name}"
        for path in package_files()
        for line, name in imported(path)
        if name.split(".")[0] in ours and not is_allowed(path.parts[0], name) and (path, name) != SETS_STRICT_MSGPACK
    ]
    assert not broken, "\n".join(broken)


def test_only_graph_and_nodes_know_langgraph() -> None:
    """Their __init__.py makes checkpoints safe before langgraph is imported; the rest need not know it."""
    broken = [
        f"{path}:{line}: {name}"
        for path in package_files()
        if path.parts[0] not in {"graph", "nodes"}
        for line, name in imported(path)
        if name.split(".")[0] == "langgraph"
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("package", "name", "allowed"),
    [
        ("configs", "memory.case.Case", False),
        ("memory", "configs.errors", True),
        ("memory", "tools.client", False),
        ("nodes", "graph.state.Task", True),
        ("nodes", "graph.services.Services", False),
        ("nodes", "tools.client", False),
        ("graph", "nodes.plan.Planner", True),
        ("graph", "cli.main", False),
        ("graph", "tests.fakes", False),
        ("cli", "evaluation.report", True),
        ("evaluation", "cli.ask", False),
    ],
)
def test_the_table_says_what_the_architecture_says(package: str, name: str, allowed: bool) -> None:
    assert is_allowed(package, name) is allowed


def reads_of_the_environment(tree: ast.Module) -> Iterator[int]:
    """Lines that read os.environ or os.getenv; setting one variable is no read."""
    written = [node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "setdefault"]
    written += [n.value for n in ast.walk(tree) if isinstance(n, ast.Subscript) and not isinstance(n.ctx, ast.Load)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node not in written:
            if ast.unparse(node) in {"os.environ", "os.environb", "os.getenv"}:
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (node.lineno for alias in node.names if alias.name in {"environ", "environb", "getenv"})


def test_only_settings_read_the_environment() -> None:
    readers = [
        f"{path}:{line}"
        for path in package_files()
        if path.parts[0] != "benchmarks" and path != Path("configs/settings.py")
        for line in reads_of_the_environment(tree_of(path))
    ]
    assert not readers, readers


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("os.environ['A']", True),
        ("dict(os.environ)", True),
        ("os.getenv('A')", True),
        ("from os import environ", True),
        ("os.environ['A'] = 'b'", False),
        ("os.environ.setdefault('A', 'b')", False),
        ("os.getcwd()", False),
    ],
)
def test_what_counts_as_reading_the_environment(code: str, reads: bool) -> None:
    assert bool(list(reads_of_the_environment(ast.parse(code)))) is reads


def test_no_file_has_two_concerns() -> None:
    lengths = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in python_files()}
    long = {str(path): lines for path, lines in lengths.items() if lines > MAX_FILE_LINES}
    assert not long, f"longer than {MAX_FILE_LINES} lines: {long}"


def test_no_function_is_more_than_one_thought() -> None:
    long = [
        f"{path}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1}"
        for path in python_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
    ]
    assert not long, f"longer than {MAX_FUNCTION_LINES} lines: {long}"


def test_files_are_named_for_their_concern() -> None:
    assert not [str(path) for path in committed_files() if path.name in FORBIDDEN_NAMES]


def test_test_folders_are_no_packages() -> None:
    """An __init__.py in tests/unit/tools would shadow our tools (see addopts in pyproject.toml)."""
    folders = ("tests/unit", "tests/integration", "tests/contracts")
    assert not [str(p) for p in committed_files() if p.name == "__init__.py" and str(p).startswith(folders)]


def test_every_module_says_what_it_is() -> None:
    without = [str(path) for path in python_files() if tree_of(path).body and not ast.get_docstring(tree_of(path))]
    assert not without, without


def test_every_package_has_a_readme() -> None:
    files = set(committed_files())
    used = {path.parts[0] for path in package_files()}
    assert used == set(MAY_IMPORT) == set(PACKAGES)
    assert not [package for package in sorted(used) if Path(package, "README.md") not in files]


def test_no_file_knows_this_machine_or_an_index() -> None:
    found = []
    for path in committed_files():
        if path == Path("tests/unit/test_structure.py"):
            continue
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if MACHINE_PATHS.search(line) or INDEX_ADDRESSES.search(line):
                found.append(f"{path}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


URL, WORK = "url", "work"
"""Apart from their words, so that these lines are not what they test for."""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("cd /root/project", True),
        (f"path = '/{WORK}/data'", True),
        ("/home/ann/.memento", True),
        (f"--extra-index-{URL} https://download.example/whl/cpu", True),
        ("https://example.org/simple", True),
        (f"see docs/{WORK}/plan.md", False),
        (f"~/root/x and $HOME/{WORK}/x", False),
        ("/home/", False),
        ("http://host/v1", False),
    ],
)
def test_what_counts_as_a_machine_path_or_an_index(line: str, found: bool) -> None:
    assert bool(MACHINE_PATHS.search(line) or INDEX_ADDRESSES.search(line)) is found


def test_every_extra_that_make_installs_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (named,) = re.findall(r"--editable '\.\[([^\]]+)\]'", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert set(named.split(",")) <= set(project["optional-dependencies"])
