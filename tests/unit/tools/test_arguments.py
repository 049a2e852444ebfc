"""Arguments that a model sent a little wrong."""

from __future__ import annotations

from typing import Any

import pytest

from configs.errors import ToolCallError
from tools.arguments import fit_arguments

SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "number"},
        "i": {"type": "integer"},
        "s": {"type": "string"},
        "b": {"type": "boolean"},
        "l": {"type": "array"},
        "o": {"type": "object"},
        "any": {"anyOf": [{"type": "string"}, {"type": "number"}]},
    },
}


@pytest.mark.parametrize(
    ("given", "fitted"),
    [
        ({"n": "48", "i": " -3 "}, {"n": 48, "i": -3}),
        ({"n": "4.35", "i": "007"}, {"n": 4.35, "i": 7}),
        ({"n": "1e3", "i": 3.0}, {"n": 1000.0, "i": 3}),
        ({"n": "1e999", "i": "three"}, {"n": "1e999", "i": "three"}),
        ({"n": "1,200", "i": 3.5}, {"n": "1,200", "i": 3.5}),
        ({"n": "12345678901234567890"}, {"n": 12345678901234567890}),
        ({"s": 48, "b": "True"}, {"s": "48", "b": True}),
        ({"s": True, "b": "yes"}, {"s": True, "b": "yes"}),
        ({"l": "[1, 2]", "o": '{"a": 1}'}, {"l": [1, 2], "o": {"a": 1}}),
        ({"l": '{"a": 1}', "o": "no"}, {"l": '{"a": 1}', "o": "no"}),
        ({"any": "48", "unknown": "48"}, {"any": "48", "unknown": "48"}),
    ],
)
def test_what_plainly_fits_is_made_to_fit(given: dict[str, Any], fitted: dict[str, Any]) -> None:
    result = fit_arguments("t", SCHEMA, given)
    assert result == fitted
    assert [type(value) for value in result.values()] == [type(value) for value in fitted.values()]


def test_a_missing_argument_is_named_with_what_the_tool_takes() -> None:
    schema = {"properties": {"start": {"type": "string"}, "end": {}}, "required": ["start", "end"]}
    with pytest.raises(ToolCallError) as raised:
        fit_arguments("days", schema, {"from": "x", "end": "y"})
    assert str(raised.value) == "days: missing: start; unknown: from; it takes days(start: string, end)"


@pytest.mark.parametrize("schema", [{}, {"properties": None}, {"properties": {"a": True}}, {"required": None}])
def test_odd_schemas_pass_arguments_on(schema: dict[str, Any]) -> None:
    assert fit_arguments("t", schema, {"a": "1"}) == {"a": "1"}
