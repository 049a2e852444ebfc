"""Whose namespace a caller gets: never another's, and never a shared one by accident."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from langgraph_sdk.auth.types import StudioUser
from starlette.authentication import UnauthenticatedUser

from configs.errors import InvalidInputError
from graph.identity import namespace_for, namespace_of
from tests.conftest import SettingsFactory

HASH = "id-0123456789abcdef0123456789abcdef"
IDENTITIES = [
    "alice", "Alice", "alice ", "al.ice", "a", "", "bob@example.org", "bob.example.org", "ü", "u\u0308", "\ud800",
    "x" * 56, "x" * 57, "x" * 5000, "../default", "default", HASH, f"{HASH}0", "a\0b", "a\nb", "ID-" + HASH[3:],
]  # fmt: skip


@pytest.mark.parametrize("base", ["default", "team.a", "b" * 63, "b" * 64, "b" * 28 + ".x"])
def test_no_two_identities_share_a_namespace(settings: SettingsFactory, base: str) -> None:
    ours = settings(namespace=base)
    given = [namespace_for(identity, ours) for identity in IDENTITIES]
    names = [name.removeprefix(f"{base}.").removeprefix(f"{base[:28]}.") for name in given]
    identities = {*IDENTITIES, *given, *names}  # also of those who call themselves as another is kept
    assert len({namespace_for(identity, ours) for identity in identities}) == len(identities)
    assert given[IDENTITIES.index("")] == base
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name) for name in given)


def test_what_an_identity_gives_never_changes(settings: SettingsFactory) -> None:
    """Namespaces are kept in banks, so their names are for ever."""
    assert namespace_for("alice", settings()) == "default.alice"
    assert namespace_for("bob@example.org", settings()) == "default.id-f0423a2e28ec407affd35ca21793c966"


@pytest.mark.parametrize(
    "user",
    [{"identity": "alice"}, SimpleNamespace(identity="alice"), StudioUser("alice", is_authenticated=True), "alice"],
)
def test_users_as_servers_hand_them_over(settings: SettingsFactory, user: Any) -> None:
    assert namespace_for(user, settings()) == "default.alice"
    assert namespace_of({"configurable": {"langgraph_auth_user": user}}, settings()) == "default.alice"


@pytest.mark.parametrize(
    "user", [None, "", UnauthenticatedUser(), {"identity": "x", "is_authenticated": False}, StudioUser("studio")]
)
def test_nobody_has_the_configured_namespace(settings: SettingsFactory, user: Any) -> None:
    assert namespace_for(user, settings(namespace="team")) == "team"
    assert namespace_of({"configurable": {"langgraph_auth_user": user}}, settings(namespace="team")) == "team"
    assert namespace_of({}, settings(namespace="team")) == "team"


def test_an_id_without_a_user_counts(settings: SettingsFactory) -> None:
    config: Any = {"configurable": {"langgraph_auth_user": None, "langgraph_auth_user_id": "alice"}}
    assert namespace_of(config, settings()) == "default.alice"


@pytest.mark.parametrize("identity", ["", "  ", None])
def test_a_user_without_identity_shares_no_memory(settings: SettingsFactory, identity: str | None) -> None:
    with pytest.raises(InvalidInputError, match="no identity"):
        namespace_for({"identity": identity}, settings())
    assert namespace_for({"identity": identity, "kind": "StudioUser"}, settings()) == "default"


@pytest.mark.parametrize(
    "configurable",
    [
        {"namespace": "default.bob"},
        {"user_id": "bob"},
        {"identity": "bob"},
        {"langgraph_auth_user_id": "bob"},
        {"langgraph_auth_permissions": ["bob"]},
    ],
)
def test_other_configuration_has_no_say(settings: SettingsFactory, configurable: dict[str, Any]) -> None:
    config: Any = {"configurable": {**configurable, "langgraph_auth_user": {"identity": "alice"}}}
    assert namespace_of(config, settings()) == "default.alice"
