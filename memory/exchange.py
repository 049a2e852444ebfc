"""Cases as JSONL: the original's two formats in, our own in and out. A bad line is reported and the rest goes on.

- `{"question", "plan", "reward"}` and `{"case", "plan", "case_label"}`: the original's; the plan is JSON text.
- `{"format": "memento-case/1", "case": {...}, "archived", "episode", "origin"}`: ours; export and import give the same
  bank. `origin` says where a case came from whose outcome only an import vouches for; it lowers trust, never raises it.

A file is not believed: the id of a case has to be that of its text, and sizes, times and step ids are checked.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from configs.errors import InvalidInputError
from memory.case import Case, Reward, Step, case_id
from memory.entries import Entries, Entry
from memory.episode import Episode
from memory.events import IMPORTED
from memory.jsonl_lines import check_length, file_lines
from memory.private_files import replacing

LABELS: dict[str, Reward] = {"positive": 1, "negative": 0}
TASK_CHARS = 100_000
PLAN_STEPS = 200
DAY = 86_400.0
_ORIGIN = re.compile(r"(import(:.{1,300})?)?", re.DOTALL)
_FENCE = re.compile(r"^\s*```\w*\s*\n?(.*?)\n?\s*```\s*$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line that could not be imported, and why in a few words."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of an import: cases added, known before, given twice, and lines that could not be used."""

    added: int = 0
    known: int = 0
    duplicates: int = 0
    rejected: tuple[RejectedLine, ...] = ()


class _Exported(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal["memento-case/1"] = "memento-case/1"
    case: Case
    archived: bool = False
    episode: Episode | None = None
    origin: str = ""


def export_lines(entries: Entries) -> Iterator[str]:
    """One line a case, in the order of the bank, without line ends."""
    for entry in entries.values():
        origin = entry.origin if entry.case.reward_source == IMPORTED else ""
        yield _Exported(
            case=entry.case, archived=entry.archived, episode=entry.episode, origin=origin
        ).model_dump_json()


def export_file(entries: Entries, path: Path) -> int:
    """Write every case to a file, readable by its owner only; how many there were.

    The file is written as a whole or not at all, but for pipes and devices.

    Raises:
        InvalidInputError: the file cannot be written.
    """
    try:
        with _written(path) as file:
            file.writelines(f"{line}\n".encode() for line in export_lines(entries))
    except OSError as error:
        raise InvalidInputError(f"cannot write {path}: {error.strerror}") from error
    return len(entries)


def _written(path: Path) -> AbstractContextManager[BinaryIO]:
    """Where a link leads is replaced, not the link; what is below /dev may be a file that a shell holds open."""
    if path.exists() and (not path.is_file() or Path("/dev") in path.absolute().parents):
        return path.open("wb")
    return replacing(Path(os.path.realpath(path)))


def read_file(path: Path, namespace: str) -> tuple[list[Entry], ImportReport]:
    """The entries of a JSONL file, see `read_lines`.

    Raises:
        InvalidInputError: the file cannot be read, or is no regular one.
    """
    return read_lines(file_lines(path), namespace)


def read_lines(lines: Iterable[bytes], namespace: str) -> tuple[list[Entry], ImportReport]:
    """Entries of JSONL in any of the formats; the report counts duplicates and names the lines left out.

    Args:
        lines: UTF-8 text; blank lines are skipped.
        namespace: of cases in the original's formats; ours carry their own.
    """
    entries: dict[str, Entry] = {}
    rejected: list[RejectedLine] = []
    duplicates = 0
    now = time.time()
    for number, line in enumerate(lines, start=1):
        try:
            check_length(line)
            if not line.strip():
                continue
            entry = _read_line(line, namespace, now)
        except ValueError as error:
            rejected.append(RejectedLine(number, _reason(error)))
            continue
        earlier = entries.setdefault(entry.case.id, entry)
        if earlier.case.reward != entry.case.reward:
            rejected.append(RejectedLine(number, "same task and plan as an earlier line, with the other outcome"))
        elif earlier is not entry:
            duplicates += 1
    return list(entries.values()), ImportReport(duplicates=duplicates, rejected=tuple(rejected))


def parse_plan(plan: Any) -> tuple[Step, ...]:
    """The steps of a plan in the original's form: an object or a list, also as JSON text, fenced or with words around.

    Steps whose ids repeat are numbered by place.

    Raises:
        ValueError: there is no plan to be found, or it has more than PLAN_STEPS steps.
    """
    if isinstance(plan, str):
        plan = _json_inside(plan)
    steps = plan.get("plan") if isinstance(plan, dict) else plan
    if not isinstance(steps, list) or not steps:
        raise ValueError("plan: no list of steps")
    if len(steps) > PLAN_STEPS:
        raise ValueError(f"plan: more than {PLAN_STEPS} steps")
    return _told_apart(tuple(_step(step, place) for place, step in enumerate(steps, start=1)))


def _read_line(line: bytes, namespace: str, now: float) -> Entry:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not a JSON object") from None
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    if "format" in row:
        return _ours(_Exported.model_validate_json(line), namespace, now)
    return Entry(_original(row, namespace, now))


def _ours(exported: _Exported, namespace: str, now: float) -> Entry:
    case = exported.case
    if case.namespace != namespace:
        raise ValueError(f"is of namespace {case.namespace!r}, not {namespace!r}")
    _check_size("case.task", case.task, case.plan)
    if len({step.id for step in case.plan}) < len(case.plan):
        raise ValueError("case.plan: two steps have one id")
    if case.id != case_id(case.task, case.plan, case.run_id, case.namespace):
        raise ValueError("its id is not that of its text")
    if not 0 <= case.created_at <= now + DAY:
        case = case.model_copy(update={"created_at": now})
    if not _ORIGIN.fullmatch(exported.origin):
        raise ValueError(f"origin: got {exported.origin[:40]!r}, takes import or import:NAME")
    return Entry(case, archived=exported.archived, episode=exported.episode, origin=exported.origin)


def _check_size(key: str, task: str, plan: Sequence[Any]) -> None:
    if len(task) > TASK_CHARS:
        raise ValueError(f"{key}: longer than {TASK_CHARS} characters")
    if len(plan) > PLAN_STEPS:
        raise ValueError(f"plan: more than {PLAN_STEPS} steps")


def _original(row: dict[str, Any], namespace: str, now: float) -> Case:
    task_key, reward_key = ("case", "case_label") if "case" in row else ("question", "reward")
    missing = [key for key in (task_key, "plan", reward_key) if key not in row]
    if missing:
        raise ValueError(f"lacks {' and '.join(missing)}")
    task = row[task_key]
    if not isinstance(task, str) or not task.strip():
        raise ValueError(f"{task_key}: takes a text")
    reward, plan = _reward(reward_key, row[reward_key]), parse_plan(row["plan"])
    _check_size(task_key, task, plan)
    return Case(
        id=case_id(task, plan, "", namespace),
        task=task,
        plan=plan,
        reward=reward,
        reward_source="import",
        namespace=namespace,
        created_at=now,
    )


def _reward(key: str, value: Any) -> Reward:
    if key == "case_label" and isinstance(value, str) and value in LABELS:
        return LABELS[value]
    if key == "reward" and isinstance(value, int | float) and value in (0, 1):
        return 1 if value else 0
    takes = "positive or negative" if key == "case_label" else "0 or 1"
    raise ValueError(f"{key}: got {str(value)[:40]!r}, takes {takes}")


def _step(step: Any, place: int) -> Step:
    fields = step if isinstance(step, dict) else {}
    description = fields.get("description")
    if not isinstance(description, str) or not description.strip():
        raise ValueError(f"plan: step {place} has no description")
    number, before = fields.get("id"), fields.get("depends_on")
    return Step(
        id=int(number) if isinstance(number, int) or (isinstance(number, str) and number.isdecimal()) else place,
        description=description,
        depends_on=tuple(one for one in before if isinstance(one, int)) if isinstance(before, list) else (),
    )


def _told_apart(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps as they are; if ids repeat, numbered by place, and dependencies go to the first step of an id."""
    place_of = {step.id: place for place, step in reversed(list(enumerate(steps, start=1)))}
    if len(place_of) == len(steps):
        return steps
    return tuple(
        step.model_copy(
            update={"id": place, "depends_on": tuple(place_of[one] for one in step.depends_on if one in place_of)}
        )
        for place, step in enumerate(steps, start=1)
    )


def _json_inside(text: str) -> Any:
    fenced = _FENCE.match(text)
    body = fenced.group(1) if fenced else text
    start = min((at for at in (body.find("{"), body.find("[")) if at >= 0), default=-1)
    if start < 0:
        raise ValueError("plan: no JSON in it")
    try:
        return json.JSONDecoder().raw_decode(body, start)[0]
    except (ValueError, RecursionError):
        raise ValueError("plan: broken JSON") from None


def _reason(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    return str(error)
