"""LangChain's agent-chat-ui, unchanged, in headless Chromium against `langgraph dev`.

Only where the environment variable CHAT_UI names a folder: the interface is fetched and built there with npm, which
takes a minute, and the pictures are left in its `shots`. `make chat-ui` does it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory.journal import replay
from tests.fakes.browser import CHROMIUM, Page, browser
from tests.fakes.chat_ui import built, served
from tests.fakes.langgraph_server import ASSISTANT, Server, langgraph_dev
from tests.fakes.one_call import rules
from tests.fakes.openai_server import OpenAIServer
from tests.project_files import ROOT

FOLDER = os.environ.get("CHAT_UI", "") and str(ROOT / os.environ["CHAT_UI"])
pytestmark = [
    pytest.mark.skipif(not FOLDER or CHROMIUM is None, reason="needs CHAT_UI=FOLDER, npm and Chromium"),
    pytest.mark.timeout(600),
]
FIRST_ARGUMENT = "[...document.querySelectorAll('textarea')].find(each => each.value === '{value}')"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """As a chat interface needs it: the steps are messages, and one thing waits at a time."""
    knobs = {"APPROVAL": "plan,tools", "SHOW_STEPS": "true", "PARALLELISM": "1", "JUDGE_MODEL": "none"}
    variables = {f"MEMENTO_{name}": value for name, value in knobs.items()}
    with OpenAIServer(rules()) as model, langgraph_dev(tmp_path, model.url, **variables) as running:
        yield running


@pytest.fixture
def page(server: Server, tmp_path: Path) -> Iterator[Page]:
    with served(built(Path(FOLDER))) as address, browser(tmp_path / "profile") as opened:
        opened.go(f"{address}?apiUrl={server.url}&assistantId={ASSISTANT}")
        yield opened


def ask(page: Page, text: str) -> None:
    page.type_into("textarea", text)
    page.press_enter()


def shot(page: Page, name: str) -> None:
    folder = Path(FOLDER) / "shots"
    folder.mkdir(exist_ok=True)
    page.picture(folder / f"{name}.png")


def wait_for_argument(page: Page, value: str) -> None:
    page.wait(f"!!{FIRST_ARGUMENT.format(value=value)}")


def test_questions_tool_calls_approvals_and_answers(page: Page, server: Server) -> None:
    ask(page, "What is 48 times 37?")
    page.wait_for("Edit/Accept")
    assert "No earlier case is like this." in page.text()
    shot(page, "1-a-plan-waits")
    page.click("Accept")
    wait_for_argument(page, "48")
    shot(page, "2-a-call-waits")
    page.click("Accept")
    page.wait_for("Subtask 1 done: 1776")
    page.wait("!document.body.innerText.includes('Cancel')")
    text = page.text()
    assert text.index("What is 48 times 37?") < text.index("Plan:") < text.index("Tool Result: multiply")
    assert text.index("Tool Result: multiply") < text.index("gave 1776") < text.index("Subtask 1 done: 1776")
    shot(page, "3-the-answer")

    ask(page, "And ten times ten?")
    page.wait_for("Edit/Accept")
    shot(page, "4-the-second-plan-waits")
    page.click("Accept")
    wait_for_argument(page, "48")
    page.evaluate(f"{FIRST_ARGUMENT.format(value='48')}.id = 'first'")
    page.type_into("#first", "10")
    page.evaluate(f"{FIRST_ARGUMENT.format(value='37')}.id = 'second'")
    page.type_into("#second", "10")
    shot(page, "5-the-second-call-edited")
    page.click("Submit")
    page.wait_for("Subtask 1 done: 100")
    page.wait("!document.body.innerText.includes('Cancel')")
    shot(page, "6-the-second-answer")

    ask(page, "Once more?")
    page.wait_for("Edit/Accept")
    page.click("Accept")
    wait_for_argument(page, "48")
    page.type_into("[placeholder='Your response here...']", "too dear")
    page.click("Send Response")
    page.wait_for("a person rejected this call: too dear")
    page.wait("!document.body.innerText.includes('Cancel')")
    shot(page, "7-rejected")
    assert [entry.case.answer for entry in replay(server.home).entries.values()] == ["1776", "100", "nothing"]
