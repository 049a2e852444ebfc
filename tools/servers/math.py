"""The MCP server `math`: exact everyday arithmetic. Run as `python -m tools.servers.math`."""

from collections.abc import Callable

from tools.servers.expression import evaluate
from tools.servers.numbers import Number, exact_context, round_half_up, shown
from tools.servers.serving import serve

EXACT = exact_context()


def add(a: Number, b: Number) -> str:
    """Add two numbers: a + b."""
    return shown(EXACT.add(a, b))


def sub(a: Number, b: Number) -> str:
    """Subtract: a - b."""
    return shown(EXACT.subtract(a, b))


def multiply(a: Number, b: Number) -> str:
    """Multiply two numbers: a * b."""
    return shown(EXACT.multiply(a, b))


def divide(a: Number, b: Number) -> str:
    """Divide: a / b."""
    if b == 0:
        raise ValueError("division by zero")
    return shown(EXACT.divide(a, b))


def round_number(number: Number, digits: int = 0) -> str:
    """Round a number to so many digits after the point; halves go up."""
    return shown(round_half_up(number, digits))


def percent(percent: Number, number: Number) -> str:
    """So many percent of a number: percent / 100 * number."""
    return shown(EXACT.multiply(percent, number).scaleb(-2, EXACT))


def calculate(expression: str) -> str:
    """Calculate an expression, such as (2 + 3) * 4 or 15% of 80."""
    return shown(evaluate(expression))


TOOLS: dict[str, Callable[..., str]] = {
    "add": add,
    "sub": sub,
    "multiply": multiply,
    "divide": divide,
    "round": round_number,
    "percent": percent,
    "calculate": calculate,
}

if __name__ == "__main__":
    serve("math", TOOLS)
