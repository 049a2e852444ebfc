"""Arithmetic expressions as people and models write them, evaluated exactly and without risk.

simpleeval walks the syntax tree; here it knows numbers, arithmetic and a few functions, nothing else: no names of
Python, no attributes, no texts, no lists, no comparisons.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from decimal import Decimal, DecimalException, DivisionByZero, InvalidOperation, Underflow, localcontext
from functools import partial
from typing import Any

from simpleeval import InvalidExpression, SimpleEval  # type: ignore[import-untyped]  # it ships no types

from tools.servers.numbers import WORKING_DIGITS, exact_context, round_half_up
from tools.servers.real_functions import REAL_FUNCTIONS
from tools.servers.written import as_python

MAX_LENGTH = 500
MAX_EXPONENT = 1000
MAX_FACTORIAL = 500
MAX_BINOMIAL = 2000
MAX_WHOLE = 10**15
ROOT_DIGITS = 100


def evaluate(expression: str) -> Decimal:
    """The value of an expression such as "4.35 * 12", "2^10", "15% of 80", "sqrt(2)", "round(7/3, 2)".

    Raises:
        ValueError: it cannot be read, or not be calculated; the message is one clear line.
    """
    if len(expression) > MAX_LENGTH:
        raise ValueError(f"the expression is longer than {MAX_LENGTH} characters")
    text = as_python(expression)
    try:
        with localcontext(exact_context()) as context:
            context.Emax = WORKING_DIGITS - 1  # so whole numbers are exact, or too large
            context.Emin = -context.Emax
            context.traps[Underflow] = True
            return _decimal(_Arithmetic(text).eval(text))
    except Underflow:
        raise ValueError("the result is too close to zero") from None
    except (DivisionByZero, ZeroDivisionError):
        raise ValueError("division by zero") from None
    except InvalidOperation:
        raise ValueError("that has no result among the real numbers") from None
    except (DecimalException, OverflowError):
        raise ValueError("the result is too large") from None
    except (RecursionError, MemoryError):
        raise ValueError("the expression is nested too deeply") from None
    except (InvalidExpression, SyntaxError, TypeError, KeyError, AttributeError):
        raise ValueError(
            f"cannot read {expression[:80]!r}; write numbers with + - * / ** ( ), such as (2 + 3) * 4"
        ) from None


class _Arithmetic(SimpleEval):  # type: ignore[misc]  # simpleeval ships no types
    def __init__(self, text: str) -> None:
        super().__init__(operators=dict(_OPERATORS), functions=dict(_FUNCTIONS), names={"pi": _PI, "e": _E})
        kept: tuple[type[ast.AST], ...] = (ast.Expr, ast.UnaryOp, ast.BinOp, ast.Call, ast.Name)
        self.nodes: dict[type[ast.AST], Callable[..., Any]] = {kind: self.nodes[kind] for kind in kept}
        self.nodes[ast.Constant] = partial(_constant, text)


def _constant(text: str, node: ast.Constant) -> Decimal:
    """A number as it is written; as Python's float it would be rounded, 0 or infinite."""
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise InvalidExpression("only numbers")
    whole = isinstance(node.value, int)
    number = Decimal(node.value if whole else ast.get_source_segment(text, node) or str(node.value))
    if number.adjusted() > MAX_EXPONENT:
        raise OverflowError
    if number != 0 and number.adjusted() < -MAX_EXPONENT:
        raise Underflow
    return number


def _decimal(value: Any) -> Decimal:
    if not isinstance(value, Decimal):
        raise InvalidExpression("not a number")
    return value


def _divide(a: Decimal, b: Decimal) -> Decimal:
    if b == 0:
        raise ZeroDivisionError
    return a / b


def _floor_divide(a: Decimal, b: Decimal) -> Decimal:
    return _floor(_divide(a, b))


def _modulo(a: Decimal, b: Decimal) -> Decimal:
    """As in mathematics and Python: the sign of b, where Decimal's own % takes the sign of a."""
    return a - b * _floor_divide(a, b)


def _power(a: Decimal, b: Decimal) -> Decimal:
    if abs(b) > MAX_EXPONENT:
        raise OverflowError
    if a == 0 and b < 0:
        raise ZeroDivisionError
    if b != int(b):
        with localcontext() as context:
            context.prec = ROOT_DIGITS
            root = a**b
            context.prec = ROOT_DIGITS - 10
            return +root  # 8 ** (1/3) is 2
    return Decimal(1) if b == 0 else a**b


def _floor(a: Decimal) -> Decimal:
    return a.to_integral_value("ROUND_FLOOR")


def _ceil(a: Decimal) -> Decimal:
    return a.to_integral_value("ROUND_CEILING")


def _round(a: Decimal, places: Decimal = Decimal(0)) -> Decimal:
    return round_half_up(a, places)


def _factorial(a: Decimal) -> Decimal:
    if a > MAX_FACTORIAL:
        raise OverflowError
    if a < 0 or a != int(a):
        raise InvalidOperation
    return +Decimal(math.factorial(int(a)))


def _whole(a: Decimal) -> int:
    if a < 0 or a != int(a):
        raise InvalidOperation
    if a > MAX_WHOLE:
        raise OverflowError
    return int(a)


def _binomial(n: Decimal, k: Decimal) -> Decimal:
    if n > MAX_BINOMIAL:
        raise OverflowError
    return +Decimal(math.comb(_whole(n), _whole(k)))


_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
_E = Decimal("2.71828182845904523536028747135266249775724709369995957496696763")
_OPERATORS: dict[type[ast.AST], Callable[..., Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
    ast.FloorDiv: _floor_divide,
    ast.Mod: _modulo,
    ast.Pow: _power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: dict[str, Callable[..., Decimal]] = {
    "abs": abs,
    "min": lambda a, *more: min((a, *more)),
    "max": lambda a, *more: max((a, *more)),
    "sum": lambda *values: sum(values, Decimal(0)),
    "round": _round,
    "floor": _floor,
    "ceil": _ceil,
    "sqrt": lambda a: a.sqrt(),
    "pow": _power,
    "factorial": _factorial,
    "radians": lambda a: a * _PI / 180,
    "degrees": lambda a: a * 180 / _PI,
    "gcd": lambda *values: Decimal(math.gcd(*map(_whole, values))),
    "lcm": lambda *values: +Decimal(math.lcm(*map(_whole, values))),
    **dict.fromkeys(("binomial", "comb"), _binomial),
    **dict.fromkeys(("mean", "average"), lambda *values: sum(values, Decimal(0)) / len(values)),
    **REAL_FUNCTIONS,
}
