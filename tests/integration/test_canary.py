"""Keys are found nowhere: planted in the environment and in mcp.json, returned by a tool, sent to every observer."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from tests.conftest import ROOT, RunMemento
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.scenario import plan_reply, tool_reply
from tests.fakes.sink import Sink

OPENAI, OWN = "kanarienvogel-of-the-endpoint-1", "kanarienvogel-of-the-server-2"
SHAPED = "ghp_" + "Kanarienvogel3" * 2
RULES = [
    {"when": "^system: You judge", "reply": {"content": '{"verdict": "correct", "reason": "it is"}'}},
    {"when": "(?s)^system: You plan.*Result 1: ", "reply": {"content": '{"final_answer": "nothing to tell"}'}},
    {"when": "^system: You plan", "reply": plan_reply("Leak it.")},
    {"when": "(?s)^Subtask: Leak.*^tool: ", "reply": {"content": "leaked"}},
    {"when": "^Subtask: Leak", "reply": tool_reply(("leak", {}), ("fail", {}))},
]


def test_a_planted_key_is_found_nowhere(run_memento: RunMemento, home: Path, tmp_path: Path) -> None:
    keys = {"OWN_KEY": OWN, "OTHER": OPENAI, "SHAPED": SHAPED}
    program = str(ROOT / "tests/fakes/mcp_servers/leaky.py")
    server = {"command": sys.executable, "args": [program], "env": keys}
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"leaky": server}}))
    with OpenAIServer(RULES) as model, Sink() as collector, Sink() as langsmith:
        environment = {
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": OPENAI,
            "MEMENTO_MCP_CONFIG": str(config),
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true",
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": langsmith.url,
            "LANGSMITH_API_KEY": "key-of-langsmith",
            "LANGSMITH_PROJECT": "canary",
        }
        asked = run_memento("ask", "What do you know?", "--thread", "canary", env=environment)
        shown = [
            run_memento("runs", "show", "canary", *more, env=environment) for more in ((), ("--json",), ("--events",))
        ]
        seen_by_the_model = json.dumps([each.text for each in model.requests])
    assert (asked.returncode, asked.stdout) == (0, "nothing to tell\n"), asked.stderr
    told = "".join(each.stdout + each.stderr for each in [asked, *shown])
    trace = (home / "traces" / "canary.jsonl").read_text()
    places = {
        "output": told.encode(),
        "trace": trace.encode(),
        "spans": collector.everything(),
        "langsmith": langsmith.everything(),
        "the model's requests": seen_by_the_model.encode(),
        **{str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()},
    }
    assert {"checkpoints.sqlite", "journal.jsonl"} <= set(places)
    for name, content in places.items():
        assert OPENAI.encode() not in content, name
        assert OWN.encode() not in content, name
    for name in ("output", "trace", "spans", "langsmith"):
        assert SHAPED.encode() not in places[name], name
        assert b"[redacted:" in places[name], f"{name} was shown the result"
    assert trace.count("[redacted:known-secret]") >= 4
    names = set(re.findall(rb'"name": ?"([^"]+)"', langsmith.everything()))
    assert {b"memento", b"plan", b"execute", b"reflect", b"ChatOpenAI", b"leak"} <= names
    assert b"canary" in langsmith.everything()


def test_observers_that_are_not_there_neither_fail_nor_hold_up_a_run(run_memento: RunMemento) -> None:
    with OpenAIServer(
        [*RULES[:2], {"when": "^system: You plan", "reply": {"content": '{"final_answer": "4"}'}}]
    ) as model:
        dead = "http://127.0.0.1:9"
        environment = {
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": OPENAI,
            "OTEL_EXPORTER_OTLP_ENDPOINT": dead,
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": dead,
            "LANGSMITH_API_KEY": "key-of-langsmith",
        }
        asked = run_memento("ask", "What is 2 + 2?", "--quiet", env=environment, timeout=60)
    assert (asked.returncode, asked.stdout) == (0, "4\n"), asked.stderr
    assert len(asked.stderr.splitlines()) <= 3, "a line for each of them, not one for each batch"
    assert "Traceback" not in asked.stderr
    assert "key-of-langsmith" not in asked.stderr
