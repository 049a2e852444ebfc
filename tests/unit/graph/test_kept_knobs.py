"""The knobs a run was started with, as its checkpoints carry them."""

from __future__ import annotations

import json

import pytest

from configs.errors import ConfigurationError
from graph.context import Context, resolve
from graph.kept_knobs import KEY, kept_context, metadata_of
from tests.conftest import SettingsFactory


def test_what_was_kept_comes_back_whatever_the_settings_are_now(settings: SettingsFactory) -> None:
    begun = resolve(Context(top_k=7), settings(max_steps=3, policy="recent"))
    kept = kept_context(metadata_of(begun), Context(policy="none"))
    now = resolve(kept, settings(max_steps=9, policy="bandit", top_k=1))
    assert now == begun.model_copy(update={"policy": "none"})


def test_runs_of_earlier_versions_have_none(settings: SettingsFactory) -> None:
    assert kept_context(None, None) == kept_context({"step": 1}, Context()) == Context()


def test_a_knob_that_is_gone_is_left_out_and_a_wrong_one_named() -> None:
    assert kept_context({KEY: json.dumps({"gone": 1, "top_k": 2})}, None) == Context(top_k=2)
    with pytest.raises(ConfigurationError, match="started with top_k=9999, which is not taken any more"):
        kept_context({KEY: json.dumps({"top_k": 9999})}, None)
    assert kept_context({KEY: json.dumps({"top_k": 9999})}, Context(top_k=1)) == Context(top_k=1)
