"""The policies by name. A new policy is one file and one entry here (and its name in `configs.settings.PolicyName`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from configs.settings import PolicyName
from memory.policies.base import CasePolicy
from memory.policies.cosine import CosineCases
from memory.policies.cosine_success import CosineSuccess
from memory.policies.none import NoCases
from memory.policies.random_cases import RandomCases
from memory.policies.recent import RecentCases

POLICIES: Mapping[PolicyName, Callable[[int], CasePolicy]] = {
    "none": lambda seed: NoCases(),
    "random": RandomCases,
    "recent": lambda seed: RecentCases(),
    "cosine": lambda seed: CosineCases(),
    "cosine-success": lambda seed: CosineSuccess(),
}


def make_policy(name: PolicyName, seed: int) -> CasePolicy:
    """A fresh policy; `seed` decides whatever it draws at random."""
    return POLICIES[name](seed)
