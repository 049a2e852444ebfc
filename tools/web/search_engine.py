"""What every search engine takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Category: TypeAlias = Literal[
    "general", "news", "images", "videos", "science", "it", "files", "map", "music", "social media"
]
TimeRange: TypeAlias = Literal["day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class Query:
    """A question to the web.

    Attributes:
        count: results wanted.
        language: such as en or en-US, or all.
        time_range: how old a result may be; None: any age.
        safe_search: 0 off, 1 moderate, 2 strict.
    """

    text: str
    count: int = 10
    category: Category = "general"
    language: str = "en"
    time_range: TimeRange | None = None
    safe_search: int = 1


@dataclass(frozen=True, slots=True)
class Hit:
    """One result as the engine told it; the texts are the web's and nobody checked them."""

    title: str
    url: str
    snippet: str
    date: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What an engine found.

    Attributes:
        hits: best first.
        answers: short direct answers, where it gave any.
        note: what it did otherwise than asked, in a line; or empty.
    """

    hits: tuple[Hit, ...]
    answers: tuple[str, ...] = ()
    note: str = ""


class SearchEngine(Protocol):
    """One configured engine."""

    @property
    def name(self) -> str: ...

    async def search(self, query: Query) -> Found:
        """Ask it; bounded in time and bytes.

        Raises:
            ToolCallError: it does not answer, or not as a search engine; the message goes on after its name and holds
                neither address nor key.
        """
        ...
