"""What langgraph.json names under `http`: the routes that an API server gets from us, and its check at the start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from configs.settings import load_settings
from graph.feedback_routes import feedback_routes
from graph.server_guard import ServerGuard, check_exposure
from tools.sandbox.backends import refuse_in_server


@asynccontextmanager
async def checked(_: Starlette) -> AsyncIterator[None]:
    """The server's life; it does not start where code would run without a sandbox, or for everybody.

    Raises:
        ConfigurationError: the settings are wrong or name no sandbox, or others reach a server without authentication.
    """
    settings = await asyncio.to_thread(load_settings)
    refuse_in_server(settings)
    check_exposure(settings)
    yield


app = Starlette(routes=feedback_routes(), lifespan=checked, middleware=[Middleware(ServerGuard)])
