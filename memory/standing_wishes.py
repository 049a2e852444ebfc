"""Standing wishes and facts in what a person writes: only where they are stated outright, at the start of a sentence.

Better to miss one, which a command can still add, than to keep a line of a riddle, a quotation or a text to translate.
Pure; patterns are for English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MESSAGE_CHARS = 1000
MESSAGE_LINES = 5
SENTENCE_CHARS = 300
MOST_WISHES = 3

_DO = (
    r"(?:abbreviate|add|address|answer|assume|avoid|call|cite|convert|express|format|give|greet|include|keep|mention"
    r"|quote|reply|respond|round|show|sign|speak|spell|state|tell|use|write)"
)
_NOT = r"(?:do not|don't|never)"
_WISHES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?i:(?:please,? )?remember(?: that |: ?))(?P<text>\S.*)",
        r"(?i:(?:please,? )?remember,? )(?P<text>(?i:my |I |I'm |to always |to never ).+)",
        rf"(?i:(?:please,? )?from now on,? (?:please,? )?(?:always |you |I want |I'd like |{_NOT} )?{_DO}\b.+)",
        rf"(?i:(?:please,? )?(?:always |{_NOT} )?{_DO}\b.+ from now on[.!]?$)",
        rf"(?i:always {_DO}\b.+)",
        r"(?i:please,? (?:always|never) [a-z]+ .+)",
        rf"(?i:never (?:ever )?{_DO}\b.+)",
        r"I (?i:(?:always |generally |usually )?prefer )\S+.*",
        r"(?:I'd|I would) (?i:always prefer )\S+.*",
        r"[Mm]y name is [A-Z][\w'.-]*(?: [A-Z][\w'.-]*){0,3}(?:[.!]|$)",
        r"I live in (?:the )?[A-Z][\w'.-]*(?:,? (?:the |of |de |la )?[A-Z][\w'.-]*){0,4}(?:[.!]|$)",
        r"(?:[Pp]lease,? )?[Cc]all me [A-Z][\w'.-]*(?: [A-Z][\w'.-]*){0,3}(?:[.!]|$)",
    )
)
_QUOTED = re.compile("\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»|‘[^’\n]*’|`[^`\n]*`|(?<!\\w)'[^'\n]+'(?!\\w)|\\([^()\n]*\\)")
_MATERIAL = re.compile(
    r"(?i)\b(?:translat\w+|summari[sz]\w+|paraphras\w+|rewrite|rephrase|proofread|correct|edit|grammar|classify|sentiment"
    r"|following|below|above|quot(?:e|es|ed|ation)|lyrics?|songs?|poems?|lines?|riddles?|puzzles?|films?|movies?|novels?"
    r"|books?|characters?|texts?|sentences?|passages?|paragraphs?|phrases?|statements?|reviews?|e-?mails?|letters?"
    r"|suppose|imagine|pretend|who am I|what am I|where am I|role-?play|tweets?|messages?|says?|said)\b"
)
"""Words of a message that is about a text or a made-up case: what it states is material then, and not meant."""

_ABBREVIATED = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|Nr|vs|etc|e\.g|i\.e|approx|[A-Z]))\.$")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z])|\n+")


def standing_wishes(message: str) -> list[str]:
    """The wishes and facts that the message states, in its words and order; at most MOST_WISHES of them.

    Args:
        message: what the person wrote; never the text of a file, a page or a tool.
    """
    message = message.strip().replace("’", "'").replace("\r\n", "\n")
    if len(message) > MESSAGE_CHARS or len([line for line in message.split("\n") if line.strip()]) > MESSAGE_LINES:
        return []
    bare = _QUOTED.sub(lambda quoted: "\0" * len(quoted[0]), message)
    found: list[str] = []
    others: list[str] = []
    for start, end in _sentences(bare):
        sentence = bare[start:end]
        wish = _wish(sentence)
        if wish is None:
            others.append(sentence)
            if sentence.endswith(":"):
                break  # what follows is material
        else:
            found.append(message[start + wish : end])
    if '"' in bare or "`" in bare or any(_MATERIAL.search(other) for other in others):
        return []
    return found[:MOST_WISHES]


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence, without the white space around it."""
    start = 0
    for stop, following in [*((each.start(), each.end()) for each in _SENTENCE_END.finditer(text)), (len(text), 0)]:
        if stop < len(text) and _ABBREVIATED.search(text, max(start, stop - 12), stop) and text[stop] != "\n":
            continue
        part = text[start:stop]
        if part.strip():
            yield start + len(part) - len(part.lstrip()), start + len(part.rstrip())
        start = following


def _wish(sentence: str) -> int | None:
    """Where in the sentence the wish begins, or None where it states none."""
    if len(sentence) > SENTENCE_CHARS or sentence.endswith(("?", ":")) or len(sentence.split()) < 3:
        return None
    for pattern in _WISHES:
        found = pattern.match(sentence)
        if found is not None:
            return found.start("text") if "text" in pattern.groupindex else 0
    return None
