"""What langgraph.json names under `http`: the routes a LangGraph API server gets from us, and nothing else."""

from __future__ import annotations

from starlette.applications import Starlette

from graph.feedback_routes import feedback_routes

app = Starlette(routes=feedback_routes())
