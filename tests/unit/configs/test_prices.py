"""What models cost, and whose price counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.errors import ConfigurationError
from configs.prices import Price, load_prices


def test_the_default_models_have_prices_and_the_embedded_one_is_free(tmp_path: Path) -> None:
    prices = load_prices(tmp_path)
    for model in ("openai:gpt-4.1", "openai:o3", "openai:gpt-4o-mini"):
        assert (price := prices.of(model)) is not None
        assert 0 < (price.cached_input or 0) < price.input < price.output
    local = prices.of("local:smollm2-135m")
    assert local is not None
    assert local.cost(10**6, 10**6) == 0


def test_an_unknown_model_has_no_price_and_a_date_changes_none(tmp_path: Path) -> None:
    prices = load_prices(tmp_path)
    assert prices.of("openai:gpt-4.1-2025-04-14") == prices.of("openai:gpt-4.1")
    for unknown in ("openai:gpt-4.1-huge", "azure:gpt-4.1", "openai:", "scripted"):
        assert prices.of(unknown) is None


def test_a_users_own_price_wins_and_may_be_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("openai:gpt-4.1: {input: 1, output: 2}\nazure:*: {input: 3, output: 4}\n")
    prices = load_prices(tmp_path)
    assert prices.of("openai:gpt-4.1-2025-04-14") == Price(input=1, output=2)
    assert prices.of("azure:my-deployment") == Price(input=3, output=4)
    assert (prices.of("openai:o3") or Price(input=0, output=0)).input == 2


def test_a_call_costs_by_input_cached_input_and_output() -> None:
    assert Price(input=2, cached_input=0.5, output=8).cost(1_000_000, 500_000, 400_000) == pytest.approx(1.2 + 0.2 + 4)
    assert Price(input=2, output=8).cost(1_000_000, 0, 400_000) == pytest.approx(2)


@pytest.mark.parametrize(
    "text",
    ["- a", "m: 3", "m: {input: -1, output: 1}", "m: {input: 1}", "m: {input: 1, output: x, y: 2}", "{", "m: [a"],
)
def test_what_is_no_price_is_refused_with_the_files_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "prices.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"prices\.yaml: .*takes `provider:name") as refused:
        load_prices(tmp_path)
    assert "\n" not in str(refused.value)
