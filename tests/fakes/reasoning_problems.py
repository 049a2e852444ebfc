"""Problems with exact answers from reasoning-gym; its generators are loaded without the libraries of the others."""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

from tests.fakes.real_files import wheel

VERSION = "0.1.25"
ORIGIN = f"reasoning-gym {VERSION}"


def equations(count: int) -> list[tuple[str, str, str]]:
    """Equation, unknown and its value; without those the generator reduced to 0 = 0."""
    module = _module("algebra.simple_equations")
    made = module.SimpleEquationsDataset(module.SimpleEquationsConfig(seed=11, size=count))
    told = [(each["metadata"]["equation"], each["metadata"]["variable"], str(each["answer"])) for each in made]
    return [each for each in told if each[1] in each[0]]


def sums(count: int) -> list[tuple[str, str]]:
    """Expression and value."""
    module = _module("arithmetic.basic_arithmetic")
    made = module.BasicArithmeticDataset(module.BasicArithmeticDatasetConfig(seed=11, size=count))
    return [(each["metadata"]["expression"], str(each["answer"])) for each in made]


def _module(name: str) -> Any:
    """A module of it, in packages that are not run themselves: they import every generator."""
    inside = ["reasoning_gym", *name.split(".")[:-1]]
    for depth in range(1, len(inside) + 1):
        full = ".".join(inside[:depth])
        if full not in sys.modules:
            package = types.ModuleType(full)
            package.__path__ = [str(wheel("reasoning-gym", VERSION).joinpath(*inside[:depth]))]
            sys.modules[full] = package
    return importlib.import_module(f"reasoning_gym.{name}")
