"""The MCP server `math`: exact everyday arithmetic, equations and units. Run as `python -m tools.servers.math`."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

from tools.sandbox.jobs import JobLimits, run_job
from tools.servers.expression import evaluate
from tools.servers.extras import need
from tools.servers.numbers import Number, exact_context, round_half_up, shown
from tools.servers.serving import serve
from tools.servers.units import converted

SOLVE_LIMITS = JobLimits(seconds=20.0)
ANGLES = re.compile(r"\b(sin|cos|tan)\s*\((?!\s*(radians|\d+(\.\d+)?\s*(°|deg)))")
RADIANS = "(angles are in radians; of degrees: sin(30 deg))"
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
    result = shown(evaluate(expression))
    return f"{result} {RADIANS}" if ANGLES.search(expression) else result


async def solve(equations: str, unknowns: str = "") -> str:
    """Solve equations, systems or inequalities, such as x**2 = 2 or x + y = 5; x - y = 1."""
    await asyncio.to_thread(need, "sympy", "math")
    given = {"equations": equations, "unknowns": unknowns}
    async with run_job("tools.servers.solving:solve_text", {}, given, SOLVE_LIMITS) as result:
        return str(result.value)


def convert_units(value: Number, from_unit: str, to_unit: str) -> str:
    """Convert a value between units, such as 5 mile/hour to m/s or 20 degC to degF."""
    return converted(value, from_unit, to_unit)


TOOLS: dict[str, Callable[..., Any]] = {
    "add": add,
    "sub": sub,
    "multiply": multiply,
    "divide": divide,
    "round": round_number,
    "percent": percent,
    "calculate": calculate,
    "solve": solve,
    "convert_units": convert_units,
}

if __name__ == "__main__":
    serve("math", TOOLS)
