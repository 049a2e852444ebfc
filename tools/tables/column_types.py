"""Which type of DuckDB holds the values of a column, and how each is written for it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import cached_property

from tools.tables.book import Scalar
from tools.tables.values import as_text

ABSENT = frozenset(("-", "--", "#n/a", "n/a", "na", "nan", "none", "null"))
"""What people write where a number is missing."""
COMMAS = "Note: numbers with a decimal comma were read as numbers: 1.234,50 is 1234.50"
_INTEGER = re.compile(r"[+-]?(0|[1-9]\d{0,17})", re.ASCII)
_NUMBER = re.compile(r"[+-]?((0|[1-9]\d{0,17})(\.\d+)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WITH_COMMA = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "BOOLEAN"), (float, "DOUBLE"), (datetime, "TIMESTAMP"), (date, "DATE"), (time, "TIME"),
    (timedelta, "INTERVAL"),
)  # fmt: skip


class ColumnType:
    """The narrowest type that holds all values seen; texts that are all numbers or dates count as such.

    Texts that say that a number is missing are none in a column that holds numbers or dates otherwise. With decimal
    commas, a column of which all values are numbers and one has a comma is read with them, and so are columns beside it
    whose points all stand between thousands.
    """

    def __init__(self, *, decimal_commas: bool = False) -> None:
        self._kinds: set[str] = set()
        self._comma_kinds: set[str] | None = set() if decimal_commas else None
        self._any_comma = self._any_point = False
        self._absent: Counter[str] = Counter()

    def see(self, value: Scalar) -> None:
        """Take a value into account."""
        if value is None:
            return
        if isinstance(value, str) and _is_absent(value):
            self._absent[value] += 1
            return
        self._kinds.add(_kind(value))
        if self._comma_kinds is not None:
            text = str(value)
            if _WITH_COMMA.fullmatch(text):
                self._comma_kinds.add(_kind(_with_point(text)))
                self._any_comma = self._any_comma or "," in text
                self._any_point = self._any_point or "." in text
            else:
                self._comma_kinds = None

    @property
    def proves_commas(self) -> bool:
        """Whether all values are numbers and one has a decimal comma."""
        return self._any_comma and self._comma_kinds is not None

    def beside_commas(self) -> None:
        """Take points for those between thousands, where another column has decimal commas."""
        self._any_comma = self._any_comma or self._any_point

    @cached_property
    def _commas(self) -> bool:
        return self.proves_commas

    @cached_property
    def name(self) -> str:
        """As DuckDB calls it. Asked once all values are seen."""
        return _narrowest(self._comma_kinds if self._commas and self._comma_kinds is not None else self._kinds)

    @cached_property
    def _as_written(self) -> bool:
        return self.name == "VARCHAR" or not (self._absent or self._commas)

    def stored(self, value: Scalar) -> str | None:
        """A value as text that DuckDB reads as this type; None where there is none."""
        if value is None:
            return None
        if isinstance(value, str):
            if self._as_written:
                return value
            if _is_absent(value):
                return None
            return _with_point(value) if self._commas else value
        if isinstance(value, datetime) and self.name == "TIMESTAMP":
            return value.isoformat(" ")
        if isinstance(value, float) and self.name == "DOUBLE":
            return repr(value)
        return as_text(value)

    def notes(self, column: str) -> list[str]:
        """What a reader of results must know of the column of that name."""
        said = [COMMAS] * self._commas
        if self._absent and self.name != "VARCHAR":
            (text, _), *_ = self._absent.most_common(1)
            said.append(
                f"Note: {self._absent.total():,} values such as {text!r} in column {column!r} were read as NULL"
            )
        return said


def type_of(values: Iterable[Scalar], decimal_commas: bool = False) -> str:
    """The type of a column of these values."""
    column = ColumnType(decimal_commas=decimal_commas)
    for value in values:
        column.see(value)
    return column.name


def _narrowest(kinds: set[str]) -> str:
    if kinds <= {"BIGINT"}:
        return "BIGINT" if kinds else "VARCHAR"
    if kinds <= {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    if kinds <= {"DATE", "TIMESTAMP"}:
        return "TIMESTAMP" if "TIMESTAMP" in kinds else "DATE"
    return next(iter(kinds)) if len(kinds) == 1 else "VARCHAR"


def _is_absent(text: str) -> bool:
    return len(text) <= 4 and text.casefold() in ABSENT


def _with_point(text: str) -> str:
    return text.replace(".", "").replace(",", ".") if _WITH_COMMA.fullmatch(text) else text


def _kind(value: Scalar) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return next(name for kind, name in _KINDS if isinstance(value, kind))
    text = str(value)
    if not text[-1:].isdigit():  # numbers, dates and times all end in one
        return "VARCHAR"
    if _INTEGER.fullmatch(text):
        return "BIGINT"
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return "DOUBLE"
    if _DATE.fullmatch(text) and _is_date(text):
        return "DATE"
    return "TIMESTAMP" if _STAMP.fullmatch(text) and _is_date(text) else "VARCHAR"


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
