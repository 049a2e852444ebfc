"""Whether the tools that a run's approval names are there: seen to before a run begins, and again where tools are used.

A class of tools (`plan`, `code`, `side-effects`, `tools`) is known without them, so that no server is started for one.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from configs.errors import ConfigurationError
from nodes.approval import CLASSES, check_names, scope_of

if TYPE_CHECKING:
    from nodes.execute import Tools


async def check_before(approval: str, tools: Tools) -> None:
    """See that a run can be started with this approval.

    Without a server that is not there nothing is known of its tools: then the names are checked once they are used.

    Raises:
        ConfigurationError: `approval` names what is neither a tool nor a class of tools.
    """
    if not scope_of(approval) - CLASSES:
        return
    found = await tools.tools()
    if not tools.failures():
        check_names(approval, [tool.name for tool in found])


def check_kept(approval: str, tools: Collection[str]) -> None:
    """The same for a run that has begun: it keeps its approval, so going on with it as it is would fail again.

    Raises:
        ConfigurationError: `approval` names what is neither a tool nor a class of tools.
    """
    try:
        check_names(approval, tools)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{error}. A run keeps the approval it was started with: "
            "start it anew with another, or go on only once there is such a tool"
        ) from error
