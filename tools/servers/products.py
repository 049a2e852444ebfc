"""Products without a sign, as in xy = 6 or x(x + 1): letters that stand alone elsewhere are factors here."""

from __future__ import annotations

import ast
from collections.abc import Sequence

_USUAL = frozenset("xyz")


def with_products(trees: Sequence[ast.expr], named: frozenset[str], words: frozenset[str]) -> list[ast.expr]:
    """The trees of equations that belong together, with `xy` made `x*y` where that is what it must mean.

    Args:
        named: unknowns that the caller named.
        words: names of functions and constants, which are never products.

    Raises:
        ValueError: a name may be a product or not.
    """
    nodes = [node for tree in trees for node in ast.walk(tree)]
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    alone = {node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in called}
    letters = {name for name in alone | named if len(name) == 1}
    change = _Products(frozenset(letters), named | words)
    return [change.visit(tree) for tree in trees]


class _Products(ast.NodeTransformer):
    def __init__(self, letters: frozenset[str], kept: frozenset[str]) -> None:
        self._letters = letters
        self._kept = kept

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _product(self._factors(node))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return _product(self._factors(node))

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        node.right = self.visit(node.right)
        if not isinstance(node.op, ast.Pow):
            node.left = self.visit(node.left)
            return node
        *before, last = self._factors(node.left)  # of ab**2 only b is squared
        return _product([*before, ast.BinOp(last, ast.Pow(), node.right)])

    def _factors(self, node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.Name) and self._is_product(node.id):
            return [ast.Name(letter, ast.Load()) for letter in node.id]
        if not isinstance(node, ast.Call):
            return [node if isinstance(node, ast.Name) else self.visit(node)]
        node.args = [self.visit(each) for each in node.args]
        multiplied = isinstance(node.func, ast.Name) and node.func.id in self._letters and len(node.args) == 1
        return [node.func, node.args[0]] if multiplied else [node]

    def _is_product(self, name: str) -> bool:
        if not 2 <= len(name) <= 4 or not name.isalpha() or name in self._kept:
            return False
        known = [letter in self._letters | _USUAL for letter in name]
        if all(known) or (len(name) == 2 and any(known)):
            return True
        if len(name) == 3 and self._letters & set(name):
            raise ValueError(f"{name} may be a product or a name; write a product as {'*'.join(name)}")
        return False


def _product(factors: list[ast.expr]) -> ast.expr:
    first, *others = factors
    for each in others:
        first = ast.BinOp(first, ast.Mult(), each)
    return first
