"""The tools that no other test tries on real data: each called once through the tool layer on a published table."""

from __future__ import annotations

import asyncio
import csv
import time
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

from graph.workspaces import Workspaces
from tests.conftest import SettingsFactory
from tests.fakes.media_files import slide_file
from tests.fakes.tool_table import Row, note
from tests.fakes.workbooks import tables
from tools.client import open_tools

FILE, ORIGIN = "seattle-weather.csv", "vega_datasets 0.9.0"
PICTURE = "monty-truth.png"
"""Of python-pptx 1.0.2."""
RAIN, WARM = 10.9, 10.6
"""Millimetres and degrees of 2012-01-02, the table's second day."""
CALLS: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("math", "add", {"a": RAIN, "b": WARM}, "21.5", "10.9 + 10.6"),
    ("math", "sub", {"a": RAIN, "b": WARM}, "0.3", "exact, where binary fractions give 0.3000000000000007"),
    ("math", "multiply", {"a": RAIN, "b": 3}, "32.7", "three such days"),
    ("math", "divide", {"a": 109, "b": 10}, "10.9", "the value of the table"),
    ("math", "round", {"number": RAIN, "digits": 0}, "11", "halves go up"),
    ("math", "percent", {"percent": 50, "number": RAIN}, "5.45", "half of it"),
    ("math", "convert_units", {"value": RAIN, "from_unit": "mm", "to_unit": "inch"}, "0.429", "10.9 / 25.4"),
    ("datetime", "days_between", {"start": "2012-01-01", "end": "2015-12-31"}, "1460", "rows of the table less one"),
    ("datetime", "add_days", {"date": "2012-01-01", "days": 1460}, "2015-12-31", "the table's last day"),
    ("datetime", "add_months", {"date": "2012-01-31", "months": 1}, "2012-02-29", "a leap year"),
    ("datetime", "weekday", {"date": "2012-01-01"}, "Sunday", "as Python's calendar says"),
    ("datetime", "minutes_between", {"start": "09:15", "end": "11:00"}, "105", "counted by hand"),
    ("datetime", "add_minutes", {"time": "2012-01-01 23:50", "minutes": 25}, "2012-01-02 00:15", "over midnight"),
    ("datetime", "convert_timezone", {"time": "2012-07-01 12:00", "from_timezone": "Los Angeles",
     "to_timezone": "Berlin"}, "2012-07-01 21:00", "nine hours in summer"),
    ("datetime", "now", {"timezone": "UTC"}, f"{date.today():%Y-}", "this year"),
    ("text", "count_words", {"text": "drizzle rain snow"}, "3", "kinds of weather in the table"),
    ("text", "count_characters", {"text": "drizzle"}, "7", "letters"),
    ("text", "count_letter", {"text": "drizzle", "letter": "z"}, "2", "letters"),
    ("text", "reverse", {"text": "drizzle"}, "elzzird", "letter by letter"),
    ("text", "uppercase", {"text": "drizzle"}, "DRIZZLE", "capitals"),
    ("text", "lowercase", {"text": "Drizzle"}, "drizzle", "small letters"),
    ("text", "sort_words", {"text": "sun, fog, rain"}, "fog, rain, sun", "the alphabet"),
    ("text", "replace", {"text": "drizzle", "old": "zz", "new": "s"}, "drisle", "one piece"),
    ("code", "list_files", {}, FILE, "the file is there"),
    ("code", "read_file", {"path": FILE, "start": 2, "lines": 1}, "2012", "the second line"),
    ("code", "run_shell", {"command": f"tail -n +2 {FILE} | wc -l"}, "1461", "as the csv module counts"),
    ("code", "write_file", {"path": "note.txt", "text": "drizzle"}, "note.txt", "named in the answer"),
    ("code", "edit_file", {"path": "note.txt", "old": "drizzle", "new": "rain"}, "note.txt", "named in the answer"),
    ("code", "workspace_info", {}, "Python", "versions and limits"),
    ("documents", "extract_file", {"path": f"table.zip!/{FILE}", "to": "out.csv"}, "out.csv", "named in the answer"),
    ("image", "describe_image", {"path": PICTURE}, "PNG", "its kind"),
]  # fmt: skip


async def test_each_gives_what_is_known(home: Path, settings: SettingsFactory, tmp_path: Path) -> None:
    given = await asyncio.to_thread(_given, tmp_path)
    made = settings(vision_model="none")
    await Workspaces(made.home).add("default", given)
    async with open_tools(made) as box:
        tools = {tool.name: tool for tool in await box.tools()}
        for server, tool, arguments, expected, check in CALLS:
            started = time.monotonic()
            answer = str(await tools[tool].ainvoke(arguments))
            assert expected in answer, (tool, answer)
            told = ", ".join(f"{name}={value}" for name, value in arguments.items()) or "(nothing)"
            note(Row(server, tool, told, ORIGIN, answer, check, time.monotonic() - started))


def test_the_calls_are_of_that_table() -> None:
    rows = list(csv.DictReader((tables() / FILE).read_text(encoding="utf-8").splitlines()))
    assert (float(rows[1]["precipitation"]), float(rows[1]["temp_max"]), len(rows)) == (RAIN, WARM, 1461)


def _given(folder: Path) -> list[Path]:
    source = tables() / FILE
    with zipfile.ZipFile(folder / "table.zip", "w") as archive:
        archive.write(source, FILE)
    return [source, folder / "table.zip", slide_file(PICTURE)]
