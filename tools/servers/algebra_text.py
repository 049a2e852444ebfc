"""Equations as people write them, read into SymPy without ever evaluating text as Python.

SymPy's own parsers call `eval`. Here the syntax tree is walked and only numbers, names, arithmetic, a few functions
and comparisons are taken; sizes are bounded before anything is calculated.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import Any

from tools.servers.products import with_products
from tools.servers.signs import plain_signs

CONSTANTS = {"pi": "pi", "e": "E", "E": "E", "I": "I", "i": "I"}
UNKNOWN = "\N{BULLET}"
MAX_LENGTH = 500
MAX_EQUATIONS = 10
MAX_EXPONENT = 100
MAX_DIGITS = 50
MAX_NODES = 300
_SYMBOLS = str.maketrans({"≤": "<=", "≥": ">=", "≠": "!="})
_TWO_WAYS = re.compile(r"/\s*\d+(?:\.\d+)?[A-Za-z(]")
_IMPLIED = re.compile(r"(?<![A-Za-z_\d.])(\d+(?:\.\d+)?)\s*(?=[A-Za-z_(])(?![eE][+-]?\d)|(?<=\))\s*(?=[A-Za-z_\d(])")
_SINGLE_EQUAL = re.compile(r"(?<![<>=!])=(?!=)")
FUNCTIONS = frozenset(
    (
        "sqrt", "cbrt", "exp", "log", "ln", "log10", "sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan",
        "sinh", "cosh", "tanh", "abs", "factorial", "floor", "ceiling",
    )
)  # fmt: skip
"""What may be called, besides min and max."""


def system(texts: Sequence[str], unknowns: frozenset[str] = frozenset()) -> tuple[list[Any], list[Any]]:
    """The SymPy relations that texts state, `x**2 - 4 = 0`, `2x + 1 < 7`; without a sign, `= 0` is meant.

    Args:
        unknowns: names that stand for unknowns even where they usually name a number, such as e and i.

    Returns:
        The relations, and what is divided by in them, which must not be zero.

    Raises:
        ValueError: one cannot be read; the message is one clear line.
    """
    import sympy

    trees = [_tree(text) for text in texts]
    try:
        trees = with_products(trees, unknowns, FUNCTIONS | frozenset(CONSTANTS) | {"min", "max"})
    except RecursionError:
        raise _unreadable(texts[0]) from None
    relations, divisors = [], []
    for text, tree in zip(texts, trees, strict=True):
        try:
            made = _value(_renamed(tree, unknowns))
            divided = [n.right for n in ast.walk(tree) if isinstance(n, ast.BinOp) and type(n.op) is ast.Div]
            divisors += [each for each in map(_value, divided) if each.free_symbols]
        except (TypeError, RecursionError, KeyError, AttributeError):
            raise _unreadable(text) from None
        is_relation = isinstance(made, sympy.core.relational.Relational)
        relations.append(made if is_relation else sympy.Eq(made, 0, evaluate=False))
    return relations, divisors


def _tree(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise ValueError(f"an equation has at most {MAX_LENGTH} characters")
    plain = _SINGLE_EQUAL.sub("==", plain_signs(text.strip().rstrip("?.")).translate(_SYMBOLS))
    if _TWO_WAYS.search(plain):
        raise ValueError("a/b(c) and a/bx can be read in two ways; write (a/b)*x or a/(b*x)")
    plain = _IMPLIED.sub(lambda match: f"{match[1] or ''}*", plain)
    try:
        tree = ast.parse(plain.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _unreadable(text) from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise ValueError("the equation has too many parts")
    return tree.body


def _renamed(tree: ast.expr, unknowns: frozenset[str]) -> ast.expr:
    """The tree with a mark at the names that are unknowns here."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in unknowns & set(CONSTANTS):
            node.id = f"{UNKNOWN}{node.id}"
    return tree


def _unreadable(text: str) -> ValueError:
    return ValueError(f"cannot read {text[:80]!r}; write it as 3*x + 2*y = 7 or x**2 < 4")


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return _number(node)
    if isinstance(node, ast.Name):
        return _symbol(node.id)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _SIGNS:
        return _SIGNS[type(node.op)](_value(node.operand))
    if isinstance(node, ast.BinOp):
        return _operated(node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _called(node.func.id, [_value(each) for each in node.args])
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _compared(node)
    raise TypeError


def _number(node: ast.Constant) -> Any:
    import sympy

    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise TypeError
    text = repr(node.value)
    if len(text) > MAX_DIGITS or text in ("inf", "nan"):
        raise ValueError(f"a number has at most {MAX_DIGITS} digits")
    return sympy.Rational(text)


def _symbol(name: str) -> Any:
    import sympy

    if name in CONSTANTS:
        return getattr(sympy, CONSTANTS[name])
    if name.startswith(UNKNOWN):
        return sympy.Symbol(name.removeprefix(UNKNOWN))
    if len(name) > 20 or not re.fullmatch(r"[^\W\d_]\w*", name) or name in FUNCTIONS:
        raise TypeError
    return sympy.Symbol(name)


def _operated(node: ast.BinOp) -> Any:
    import sympy

    left, right = _value(node.left), _value(node.right)
    if isinstance(node.op, ast.Pow):
        if right.is_number and (not right.is_real or abs(right) > MAX_EXPONENT):
            raise ValueError(f"an exponent is at most {MAX_EXPONENT}")
        if left.is_number and right.is_Integer and len(str(left)) * abs(int(right)) > 2000:
            raise ValueError("the numbers are too large")
        return _bounded(left**right)
    if isinstance(node.op, ast.Div) and right == 0:
        raise ValueError("division by zero")
    operation = _OPERATIONS.get(type(node.op))
    if operation is None:
        raise TypeError
    return _bounded(sympy.sympify(operation(left, right)))


def _bounded(value: Any) -> Any:
    """The value, unless powers of powers have made an exponent out of bounds."""
    import sympy

    if any(each.exp.is_number and abs(each.exp) > MAX_EXPONENT for each in value.atoms(sympy.Pow)):
        raise ValueError(f"an exponent is at most {MAX_EXPONENT}")
    return value


def _called(name: str, arguments: list[Any]) -> Any:
    import sympy

    if name in ("min", "max") and arguments:
        return (sympy.Min if name == "min" else sympy.Max)(*arguments)
    if name not in FUNCTIONS or len(arguments) != 1:
        raise TypeError
    (argument,) = arguments
    if name == "factorial" and argument.is_number and not 0 <= argument <= MAX_EXPONENT:
        raise ValueError(f"a factorial is taken of numbers from 0 to {MAX_EXPONENT}")
    if name == "log10":
        return sympy.log(argument, 10)
    return getattr(sympy, {"abs": "Abs", "ln": "log"}.get(name, name))(argument)


def _compared(node: ast.Compare) -> Any:
    import sympy

    kinds: dict[type[ast.cmpop], Any] = {
        ast.Eq: sympy.Eq, ast.NotEq: sympy.Ne, ast.Lt: sympy.Lt, ast.LtE: sympy.Le, ast.Gt: sympy.Gt, ast.GtE: sympy.Ge,
    }  # fmt: skip
    return kinds[type(node.ops[0])](_value(node.left), _value(node.comparators[0]), evaluate=False)


_SIGNS: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: lambda a: -a, ast.UAdd: lambda a: a}
_OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
