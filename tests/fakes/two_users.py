"""An auth handler for `langgraph dev`: the bearer token names the user, and there are two; each sees own threads."""

from __future__ import annotations

from typing import Any

from langgraph_sdk import Auth

USERS = {"alices-token": "alice", "bobs-token": "bob@example.org"}

auth = Auth()


@auth.authenticate
async def authenticate(authorization: str | None) -> Auth.types.MinimalUserDict:
    """The user of a token."""
    user = USERS.get((authorization or "").removeprefix("Bearer "))
    if user is None:
        raise Auth.exceptions.HTTPException(status_code=401, detail="no such token")
    return {"identity": user}


@auth.on.threads
async def only_own_threads(ctx: Auth.types.AuthContext, value: dict[str, Any]) -> dict[str, str]:
    """Threads carry their owner."""
    value.setdefault("metadata", {})["owner"] = ctx.user.identity
    return {"owner": ctx.user.identity}
