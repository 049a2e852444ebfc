"""What models cost: configs/prices.yaml, and a user's own MEMENTO_HOME/prices.yaml, which wins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from configs.errors import ConfigurationError

FILE_NAME = "prices.yaml"
FORM = "takes `provider:name: {input: DOLLARS, cached_input: DOLLARS, output: DOLLARS}` lines, per million tokens"
DATE = re.compile(r"-20\d\d-\d\d-\d\d$")
MILLION = 1_000_000


class Price(BaseModel):
    """US dollars per million tokens. `max_output`: the most tokens of one reply, where that is known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    input: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    output: float = Field(ge=0)
    max_output: int | None = Field(default=None, ge=1)

    def cost(self, input_tokens: float, output_tokens: float, cached_tokens: float = 0) -> float:
        """US dollars for one call; `cached_tokens` are a part of `input_tokens`."""
        cached = min(cached_tokens, input_tokens)
        cached_price = self.input if self.cached_input is None else self.cached_input
        dollars = (input_tokens - cached) * self.input + cached * cached_price + output_tokens * self.output
        return dollars / MILLION


@dataclass(frozen=True, slots=True)
class Prices:
    """The known prices: the user's own, then the bundled ones. `own_file` is where a user adds one."""

    own: Mapping[str, Price]
    bundled: Mapping[str, Price]
    own_file: str

    def of(self, model: str) -> Price | None:
        """The price of a `provider:name`; None where it is not known.

        Its own name goes before the name without a date, names before patterns, the user's file before ours.
        """
        names = dict.fromkeys([model, DATE.sub("", model)])
        for prices in (self.own, self.bundled):
            for name in names:
                if name in prices:
                    return prices[name]
            for pattern, price in prices.items():
                if fnmatchcase(model, pattern):
                    return price
        return None


def load_prices(home: Path) -> Prices:
    """Read both files. Blocks.

    Raises:
        ConfigurationError: the user's file cannot be read or holds what is no price.
    """
    bundled = files("configs").joinpath(FILE_NAME).read_text(encoding="utf-8")
    path = home / FILE_NAME
    try:
        own = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        own = ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not readable: {type(error).__name__}") from None
    return Prices(_parsed(own, str(path)), _parsed(bundled, FILE_NAME), str(path))


def _parsed(text: str, origin: str) -> dict[str, Price]:
    try:
        lines: Any = yaml.safe_load(text) or {}
    except (RecursionError, yaml.YAMLError):
        raise ConfigurationError(f"{origin}: not readable as YAML; {FORM}") from None
    if not isinstance(lines, dict):
        raise ConfigurationError(f"{origin}: {FORM}")
    return {str(pattern): _price(str(pattern), line, origin) for pattern, line in lines.items()}


def _price(pattern: str, line: Any, origin: str) -> Price:
    try:
        return Price.model_validate(line)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join([pattern, *(str(part) for part in fault["loc"])])
        raise ConfigurationError(f"{origin}: {place}: {fault['msg']}; {FORM}") from None
