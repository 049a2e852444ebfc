"""One stateful API of the Berkeley function calling leaderboard as an MCP server.

`bfcl.py PACKAGE CLASS LOG [SCENARIO]`: the folder with bfcl_eval, the name of the class, a file to which each call is
appended as a line of JSON, and a file with the state to begin with. `load_scenario` begins anew. Answers are written
as the package's own executor writes them. No library but the package, so that it starts in no time.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any

TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": "string", "list": "array"}


class Api:
    def __init__(self, package: Path, name: str, log: Path) -> None:
        sys.path.insert(0, str(package))
        backend = importlib.import_module("bfcl_eval.constants.executable_backend_config")
        self._class = getattr(importlib.import_module(backend.CLASS_FILE_PATH_MAPPING[name]), name)
        self._stateless = name in backend.STATELESS_CLASSES
        self._docs = package / "bfcl_eval/data/multi_turn_func_doc" / backend.MULTI_TURN_FUNC_DOC_FILE_MAPPING[name]
        self._log = log
        self.load({})

    def load(self, scenario: dict[str, Any]) -> str:
        self._instance = self._class()
        if not self._stateless:
            self._instance._load_scenario(copy.deepcopy(scenario), long_context=False)
        return "loaded"

    def tools(self) -> list[dict[str, Any]]:
        lines = self._docs.read_text(encoding="utf-8").splitlines()
        scenario = {"type": "object", "properties": {"scenario": {"type": "object"}}, "required": ["scenario"]}
        return [
            {"name": "load_scenario", "description": "Begin anew.", "inputSchema": scenario},
            *(
                {"name": each["name"], "description": each["description"], "inputSchema": schema(each["parameters"])}
                for each in map(json.loads, lines)
            ),
        ]

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        if name == "load_scenario":
            return self.load(arguments["scenario"])
        said = f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(said) + "\n")
        methods = dict(inspect.getmembers(self._instance, predicate=inspect.ismethod))
        try:
            given = methods[name](**arguments)
        except Exception as error:  # noqa: BLE001  as the package does; the answer says what went wrong
            return f"Error during execution: {error}"
        return given if isinstance(given, str) else written(given)


def written(given: Any) -> str:
    if not isinstance(given, dict):
        return str(given)
    try:
        return json.dumps(given)
    except TypeError:
        return str(given)


def schema(told: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema from the one of the package, which has types of its own."""
    kept = {key: value for key, value in told.items() if key in ("description", "required", "enum")}
    kept["type"] = TYPES.get(told.get("type", "string"), told.get("type", "string"))
    if "properties" in told:
        kept["properties"] = {name: schema(value) for name, value in told["properties"].items()}
    if "items" in told:
        kept["items"] = schema(told["items"])
    return kept


def main() -> None:
    package, name, log, *scenario = sys.argv[1:]
    api = Api(Path(package), name, Path(log))
    if scenario:
        api.load(json.loads(Path(scenario[0]).read_text(encoding="utf-8")).get(name, {}))
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        method, params = message["method"], message.get("params") or {}
        result: dict[str, Any] = {}
        if method == "initialize":
            about = {"capabilities": {"tools": {}}, "serverInfo": {"name": name, "version": "1"}}
            result = {"protocolVersion": params["protocolVersion"], **about}
        elif method == "tools/list":
            result = {"tools": api.tools()}
        elif method == "tools/call":
            result = {"content": [{"type": "text", "text": api.call(params["name"], params.get("arguments") or {})}]}
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
