"""What a run may change, and what it falls back to."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from graph.context import Context, Knobs, resolve
from tests.conftest import SettingsFactory

GIVEN = {
    "planner_model": "local:a",
    "executor_model": "azure:b",
    "judge_model": "none",
    "policy": "none",
    "top_k": 0,
    "max_cycles": 1,
    "max_steps": 200,
    "parallelism": 1,
    "max_llm_calls": 5,
    "max_tokens": 1000,
    "max_cost_usd": 0.5,
    "max_seconds": 60.0,
    "max_tool_seconds": 0.5,
    "approval": "plan, add",
    "show_steps": True,
}


@pytest.mark.parametrize("context", [None, Context()])
def test_an_open_context_is_the_settings(context: Context | None, settings: SettingsFactory) -> None:
    configured = settings(top_k=7, policy="random", max_cycles=9)
    assert resolve(context, configured).model_dump() == {name: getattr(configured, name) for name in Knobs.model_fields}


@pytest.mark.parametrize("name", GIVEN)
def test_one_given_knob_changes_itself_alone(name: str, settings: SettingsFactory) -> None:
    configured = settings()
    changed = resolve(Context.model_validate({name: GIVEN[name]}), configured).model_dump()
    assert changed == {**resolve(None, configured).model_dump(), name: GIVEN[name]}


def test_zero_is_a_value_and_not_an_open_knob(settings: SettingsFactory) -> None:
    assert resolve(Context(top_k=0), settings(top_k=7)).top_k == 0


def test_every_knob_can_be_left_open_and_is_described() -> None:
    assert set(Context.model_fields) == set(Knobs.model_fields)
    for name, field in Context.model_fields.items():
        assert field.default is None, name
        assert field.description, name
    assert set(Context.model_json_schema()["properties"]) == set(GIVEN)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("planner_model", "gpt-4.1"),
        ("executor_model", "none"),
        ("judge_model", "x:y"),
        ("policy", "best"),
        ("top_k", -3),
        ("top_k", 65),
        ("max_cycles", 0),
        ("max_cycles", 101),
        ("max_steps", 0),
        ("max_steps", 201),
        ("parallelism", 0),
        ("max_llm_calls", 0),
        ("max_tokens", 0),
        ("max_cost_usd", 0),
        ("max_seconds", -1),
        ("max_tool_seconds", 0),
        ("approval", ""),
        ("unknown", 1),
    ],
)
def test_what_a_form_may_not_hold(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        Context.model_validate({name: value})


@pytest.mark.parametrize("name", Context.model_fields)
def test_the_form_and_the_settings_take_the_same_values(name: str, settings: SettingsFactory) -> None:
    accepted = getattr(settings(), name)
    assert getattr(Context.model_validate({name: accepted}), name) == accepted


def test_a_context_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Context().top_k = 1  # type: ignore[misc]  # what is tested
