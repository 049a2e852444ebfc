"""The agent's nodes, one a file: each reads its input type and returns an update."""

import graph  # noqa: F401  sets LANGGRAPH_STRICT_MSGPACK before a node's file imports langgraph
