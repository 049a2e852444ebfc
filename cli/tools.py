"""`memento tools`: what the executor can use, and calling one by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import print_json, print_table, print_text, reserved_stdout, say
from cli.printable import one_line

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from configs.settings import Settings

app = typer.Typer(help="The MCP tools the executor can use.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Every tool of every MCP server that starts."""
    from cli.background import run

    settings = settings_of(context, config, overrides)
    with reserved_stdout():
        listed, failures = run(_list(settings))
    if as_json:
        print_json({"tools": listed, "failures": failures})
    else:
        rows = [(tool["name"], _signature(tool["parameters"]), one_line(tool["description"])) for tool in listed]
        print_table(["tool", "arguments", "what it does"], rows, widest=2)
    for server, reason in failures.items():
        say(f"tool server {server} is not there: {reason}", "yellow")


@app.command()
def call(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As listed by tools list.")],
    arguments: Annotated[str, typer.Argument(metavar="JSON", help='Its arguments: \'{"a": 2, "b": 3}\'.')] = "{}",
    files: Annotated[
        list[Path] | None, typer.Option("--file", help="Copied into the workspace first; named there by its last name.")
    ] = None,
    thread: Annotated[
        str, typer.Option("--thread", help="Whose workspace and variables; a run's id reaches the files of that run.")
    ] = "default",
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Call one tool and print what it returns. Files lie in MEMENTO_HOME/workspaces/THREAD."""
    from cli.background import run

    given = _parsed(arguments)
    settings = settings_of(context, config, overrides)
    with reserved_stdout():
        result = run(_call(settings, name, given, thread, files or []))
    if as_json:
        print_json({"name": name, "arguments": given, "result": result})
    else:
        print_text(result)


async def _list(settings: Settings) -> tuple[list[dict[str, Any]], dict[str, str]]:
    from tools.client import open_tools

    async with open_tools(settings) as box:
        tools = await box.tools()
        return [_described(tool) for tool in tools], box.failures()


async def _call(settings: Settings, name: str, arguments: dict[str, Any], thread: str, files: list[Path]) -> str:
    from configs.errors import InvalidInputError
    from graph.workspaces import Workspaces, folder_name
    from tools.caller import CALLER, Caller
    from tools.client import open_tools

    await Workspaces(settings.home, settings.workspace_bytes).add(thread, files)
    async with open_tools(settings) as box:
        tools = {tool.name: tool for tool in await box.tools()}
        if name not in tools:
            missing = "".join(f"; tool server {server} is not there: {why}" for server, why in box.failures().items())
            raise InvalidInputError(f"there is no tool {name[:100]!r}; there are {', '.join(sorted(tools))}{missing}")
        caller = Caller(workspace=folder_name(thread))
        return str(await tools[name].ainvoke(arguments, {"configurable": {CALLER: caller}}))


def _described(tool: BaseTool) -> dict[str, Any]:
    from langchain_core.utils.function_calling import convert_to_openai_tool

    function = convert_to_openai_tool(tool)["function"]
    return {
        "name": tool.name,
        "description": function.get("description", ""),
        "parameters": function.get("parameters", {}),
    }


def _parsed(text: str) -> dict[str, Any]:
    from configs.errors import InvalidInputError

    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"the arguments are no JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidInputError('the arguments take a JSON object, such as {"a": 2}')
    return value


def _signature(parameters: dict[str, Any]) -> str:
    required = parameters.get("required", [])
    return ", ".join(name if name in required else f"{name}=…" for name in parameters.get("properties", {}))
