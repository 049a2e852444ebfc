"""docs/tools.md holds what a test run saw: every tool, and enough real documents."""

from __future__ import annotations

import json
import re

from tests.project_files import ROOT
from tests.tool_page import MARK, PAGE

ROW = re.compile(r"^\| (\w+) \| (.*?) \| ", re.MULTILINE)


def test_every_tool_and_many_documents_stand_in_the_table() -> None:
    listed = json.loads((ROOT / "tools" / "servers" / "listings.json").read_text(encoding="utf-8"))
    rows = ROW.findall(PAGE.read_text(encoding="utf-8").partition(MARK)[2])
    missing = {tool["name"] for each in listed.values() for tool in each["tools"]} - {tool for tool, _ in rows}
    assert not missing
    documents = [given for tool, given in rows if tool == "read_document"]
    formats = {found[1] for given in documents if (found := re.search(r"\.(\w+)(?:$|\W)", given))}
    assert len(documents) >= 40 and len(formats) >= 15, (len(documents), sorted(formats))
