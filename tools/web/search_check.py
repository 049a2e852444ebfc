"""Whether web search works, for `memento doctor`."""

from __future__ import annotations

from configs.errors import ToolCallError
from configs.settings import Settings
from tools.web.search_engine import Query
from tools.web.searching import engines_of, searched

TRIED = Query("Wikipedia", count=5)


async def check(settings: Settings) -> str:
    """One line on the configured engines, after a real query.

    Raises:
        ConfigurationError: none is configured; the message says what to set.
        ToolCallError: none answers, or none finds anything; why, for each.
    """
    engines = engines_of(settings)
    report = await searched(engines, TRIED)
    failed = "; ".join(f"{name} {reason}" for name, reason in report.failed.items())
    if not report.found.hits:
        raise ToolCallError(f"a search for {TRIED.text!r} finds nothing: {failed}")
    also = [engine.name for engine in engines if engine.name not in (report.engine, *report.failed)]
    told = [f"{report.engine} answers", *([failed] if failed else [])]
    return "; ".join([*told, *(f"{name} is configured, not tried" for name in also)])
