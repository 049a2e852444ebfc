"""What the doctor says about models."""

from __future__ import annotations

import pytest

from cli.doctor import line_of
from cli.doctor_checks import Check
from cli.doctor_models import azure, local_model, models_by_provider, openai_endpoint, openai_key
from tests.conftest import SettingsFactory
from tests.fakes.openai_server import OpenAIServer

KEY = "sk-canary-0123456789"


def test_each_provider_is_asked_for_the_models_in_use(settings: SettingsFactory) -> None:
    made = settings(planner_model="openai:a", executor_model="openai:a", judge_model="none")
    assert models_by_provider(made) == {"openai": ["a"]}
    assert models_by_provider(settings(config="local")) == {"local": ["smollm2-135m"]}


def test_the_key_is_reported_and_never_shown(settings: SettingsFactory) -> None:
    assert openai_key(settings()).stops
    assert not openai_key(settings(openai_base_url="http://127.0.0.1:1")).stops
    check = openai_key(settings(openai_api_key=KEY))
    assert check.status == "ok" and "canary" not in repr(check)


def test_an_endpoint_that_lists_the_models_is_ok(settings: SettingsFactory) -> None:
    with OpenAIServer([], api_key=KEY) as server:
        check = openai_endpoint(settings(openai_base_url=server.url, openai_api_key=KEY), ["gpt-4.1", "o3"])
        assert (check.status, check.fix) == ("ok", "")
        unknown = openai_endpoint(settings(openai_base_url=server.url, openai_api_key=KEY), ["gpt-9"])
        assert unknown.status == "missing" and "gpt-9" in unknown.detail and "gpt-4.1" in unknown.fix
        wrong = openai_endpoint(settings(openai_base_url=server.url, openai_api_key="sk-wrong-123456"), ["o3"])
        assert wrong.status == "broken" and "OPENAI_API_KEY" in wrong.fix and "wrong-1" not in repr(wrong)


def test_an_endpoint_that_is_not_there_is_broken(settings: SettingsFactory) -> None:
    check = openai_endpoint(settings(openai_base_url="http://127.0.0.1:9/v1", openai_api_key=KEY), ["o3"])
    assert check.status == "broken" and "OPENAI_BASE_URL" in check.fix


def test_without_key_and_address_nothing_is_asked(settings: SettingsFactory) -> None:
    assert openai_endpoint(settings(), ["o3"]).status == "missing"


def test_the_embedded_model_is_missing_until_it_was_fetched(settings: SettingsFactory) -> None:
    check = local_model(settings(), "smollm2-135m")
    assert check.status == "missing" and check.stops and "memento demo" in check.fix
    assert local_model(settings(), "llama").status == "broken"


def test_azure_names_what_is_not_set(settings: SettingsFactory) -> None:
    (check,) = azure(settings(azure_openai_api_key=KEY), ["mine"])
    assert "AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_VERSION" in check.detail and check.stops
    whole = settings(
        azure_openai_api_key=KEY,
        azure_openai_endpoint="https://x.openai.azure.com",
        azure_openai_api_version="2025-03-01-preview",
    )
    assert [check.status for check in azure(whole, ["mine"])] == ["ok"]


@pytest.mark.parametrize(
    ("check", "line"),
    [
        (Check("key", "ok", "is set", "unused"), "ok      key              is set"),
        (Check("key", "missing", "is not set", "set it"), "missing key              is not set → set it"),
    ],
)
def test_a_line_says_how_to_mend_what_is_not_ok(check: Check, line: str) -> None:
    assert line_of(check).plain == line


def test_only_what_is_needed_stops_a_question() -> None:
    assert Check("home", "broken", "").stops
    assert not Check("search", "missing", "", needed=False).stops
    assert not Check("sandbox", "unused", "").stops
