"""The MCP server `text`: what people do with words and letters. Run as `python -m tools.servers.text`."""

import re
import unicodedata
from collections.abc import Callable

from tools.servers.serving import serve


def count_words(text: str) -> str:
    """Count the words of a text."""
    return str(len(text.split()))


def count_characters(text: str) -> str:
    """Count the characters of a word or text, without spaces."""
    return str(len("".join(text.split())))


def count_letter(text: str, letter: str) -> str:
    """Count how often a letter is in a text, capital or not."""
    text, sought = unicodedata.normalize("NFC", text), unicodedata.normalize("NFC", letter.strip())
    if len(sought) != 1:
        raise ValueError(f"letter takes one character, got {letter[:20]!r}")
    return str(sum(each.casefold() == sought.casefold() for each in text))  # the whole text's folding makes ß two s


def reverse(text: str) -> str:
    """Write a text backwards, letter by letter."""
    return text[::-1]


def uppercase(text: str) -> str:
    """Write a text in capital letters."""
    return text.upper()


def lowercase(text: str) -> str:
    """Write a text in small letters."""
    return text.lower()


def sort_words(text: str) -> str:
    """Sort the words of a text by the alphabet."""
    separator = ", " if "," in text else " "
    words = [word for word in re.split(r"\s*,\s*" if "," in text else r"\s+", text.strip()) if word]
    return separator.join(sorted(words, key=lambda word: (word.casefold(), word)))


def replace(text: str, old: str, new: str) -> str:
    """Replace a part of a text by another, everywhere."""
    if not old:
        raise ValueError("old is empty")
    return text.replace(old, new)


TOOLS: tuple[Callable[..., str], ...] = (
    count_words,
    count_characters,
    count_letter,
    reverse,
    uppercase,
    lowercase,
    sort_words,
    replace,
)

if __name__ == "__main__":
    serve("text", {function.__name__: function for function in TOOLS})
