"""Whose cases a run or a request may see: the namespace that follows from who a server says the caller is.

A LangGraph server with an `auth` handler puts the authenticated user into `config["configurable"]`, over whatever the
caller sent under that name. Context, state and the caller's other configuration have no say.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph_sdk.auth.types import StudioUser

from configs.errors import InvalidInputError
from configs.settings import Settings

USER, USER_ID = "langgraph_auth_user", "langgraph_auth_user_id"
NAMESPACE_CHARS = 64
HASHED = re.compile(r"id-[0-9a-f]{32}")
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_BASE_CHARS = NAMESPACE_CHARS - len(".id-") - 32


def namespace_of(config: RunnableConfig, settings: Settings) -> str:
    """The namespace of whoever a server runs this for; the configured one where nobody is authenticated.

    Raises:
        InvalidInputError: as `namespace_for`.
    """
    configurable = config.get("configurable", {})
    return namespace_for(configurable.get(USER) or configurable.get(USER_ID), settings)


def namespace_for(user: Any, settings: Settings) -> str:
    """The configured namespace for nobody, else `NAMESPACE.IDENTITY`, which no other identity is given.

    An identity that is not made of letters, digits, '_' and '-', or that is too long or looks like a hash, is hashed.

    Args:
        user: an object or a mapping with `identity` and perhaps `is_authenticated`, or an identity.
        settings: of this process.

    Raises:
        InvalidInputError: a user is authenticated and has no identity; they would share the memory of others.
    """
    if not is_authenticated(user):
        return settings.namespace
    identity = user if isinstance(user, str) else _value(user, "identity", None)
    if identity is None or not str(identity).strip():
        if isinstance(user, StudioUser) or _value(user, "kind", "") == "StudioUser":
            return settings.namespace  # a service key of LangSmith's platform, which stands for nobody
        raise InvalidInputError("the authenticated user has no identity, so it is unknown whose cases these are")
    return _personal(settings.namespace, str(identity))


def is_authenticated(user: Any) -> bool:
    """Whether somebody is: a user is unless it says that it is not."""
    if isinstance(user, str):
        return bool(user)
    return user is not None and bool(_value(user, "is_authenticated", True))


def _personal(base: str, identity: str) -> str:
    plain = f"{base}.{identity}"
    if len(plain) <= NAMESPACE_CHARS and _PLAIN.fullmatch(identity) and not HASHED.fullmatch(identity):
        return plain
    digest = hashlib.sha256(f"{base}\0{identity}".encode(errors="surrogatepass")).hexdigest()[:32]
    return f"{base[:_BASE_CHARS]}.id-{digest}"


def _value(user: Any, name: str, default: Any) -> Any:
    return user.get(name, default) if isinstance(user, Mapping) else getattr(user, name, default)
