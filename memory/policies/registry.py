"""The policies by name. A new policy is one file and one entry here (and its name in `configs.settings.PolicyName`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from configs.settings import PolicyName
from memory.policies.bandit import SlateBandit
from memory.policies.base import CasePolicy, PolicyOptions
from memory.policies.cosine import CosineCases
from memory.policies.cosine_success import CosineSuccess
from memory.policies.none import NoCases
from memory.policies.parametric import Parametric
from memory.policies.random_cases import RandomCases
from memory.policies.recent import RecentCases
from memory.policies.soft_q import SoftQ

POLICIES: Mapping[PolicyName, Callable[[PolicyOptions], CasePolicy]] = {
    "none": lambda options: NoCases(),
    "random": RandomCases,
    "recent": lambda options: RecentCases(),
    "cosine": lambda options: CosineCases(),
    "cosine-success": lambda options: CosineSuccess(),
    "soft-q": SoftQ,
    "bandit": SlateBandit,
    "parametric": Parametric,
}


def make_policy(name: PolicyName, options: PolicyOptions) -> CasePolicy:
    """A fresh policy that has learned nothing yet."""
    return POLICIES[name](options)
