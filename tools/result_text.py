"""What a tool gave, as clean text for a language model: no reprs, no base64, no control characters, bounded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from mcp.types import CallToolResult, ContentBlock, EmbeddedResource

MAX_CHARS = 1_000_000
Save: TypeAlias = Callable[[str, str, str], str]
"""Keeps a file: its kind such as `image`, its media type, its base64; gives what to say of it."""
EMPTY = "(no output)"

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w.=+-]+)*;base64,([A-Za-z0-9+/_-]{64,}={0,2})")
_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")
_ERROR_PREFIX = re.compile(r"\AError executing tool [^\s:]+: ")
_VALIDATION_HEAD = re.compile(r"\A\d+ validation errors? for \S+\n")
_VALIDATION_TAIL = re.compile(r" \[type=\w+, input_value=.*, input_type=\w+\]$", re.MULTILINE)
_VALIDATION_HELP = re.compile(r"^ *For further information visit \S+\n?", re.MULTILINE)


def unsaved(name: str, media_type: str, data: str) -> str:
    """What is said of a file that is not kept."""
    return ""


def result_text(result: CallToolResult, save: Save = unsaved) -> str:
    """The text of a result: its parts one below the other; structured content only where there is no part."""
    parts = [_part(block, save) for block in result.content]
    if not any(parts) and result.structuredContent is not None:
        parts = [json.dumps(result.structuredContent, ensure_ascii=False, separators=(",", ":"))]
    return _bounded(clean_lines("\n".join(parts))) or EMPTY


def error_text(result: CallToolResult) -> str:
    """The text of a tool's own error, without what FastMCP and pydantic put around it for programmers."""
    text = _ERROR_PREFIX.sub("", result_text(result))
    return validation_text(text) if _VALIDATION_HEAD.match(text) else text


def validation_text(text: str) -> str:
    """What pydantic says of wrong arguments, in one line: `a: Input should be a valid number; b: Field required`."""
    text = _VALIDATION_TAIL.sub("", _VALIDATION_HELP.sub("", _VALIDATION_HEAD.sub("", text)))
    return text.replace("\n  ", ": ").replace("Value error, ", "").strip().replace("\n", "; ")


def clean(text: str) -> str:
    """The text without terminal escapes, control and invisible characters, and with pictures in it named only."""
    return clean_lines(text).strip()


def clean_lines(text: str) -> str:
    """As `clean`, with the first line's indentation kept, which is the head of a table, say."""
    return _BLANK_LINES.sub("", _DATA_URI.sub(_named_data, visible(text))).rstrip()


def visible(text: str) -> str:
    """The text without terminal escapes, control and invisible characters; nothing else is changed."""
    return _INVISIBLE.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))


def size_text(octets: int) -> str:
    """A size as a person writes it: 512 B, 12 kB, 3.4 MB."""
    if octets < 1000:
        return f"{octets} B"
    if octets < 999_500:
        return f"{octets / 1000:.0f} kB"
    return f"{octets / 1_000_000:.1f} MB"


def _part(block: ContentBlock, save: Save) -> str:
    if block.type == "text":
        return block.text
    if block.type == "image" or block.type == "audio":
        return _file(block.type, block.mimeType, block.data, save)
    if block.type == "resource_link":
        kind = f", {block.mimeType}" if block.mimeType else ""
        about = f" ({block.description})" if block.description else ""
        return f"[{block.title or block.name}: {block.uri}{kind}]{about}"
    return _resource(block, save)


def _file(name: str, media_type: str, data: str, save: Save, *more: str) -> str:
    said = [media_type, _decoded_size(data), *more, save(name, media_type, data)]
    return f"[{', '.join(part for part in said if part)}]"


def _resource(block: EmbeddedResource, save: Save) -> str:
    resource = block.resource
    text: str | None = getattr(resource, "text", None)
    if text is not None:
        return text
    blob: str = getattr(resource, "blob", "")
    name = str(resource.uri).rstrip("/").rpartition("/")[2]
    return _file(name, resource.mimeType or "application/octet-stream", blob, save, str(resource.uri))


def _decoded_size(base64: str) -> str:
    return size_text(len(base64.rstrip("=")) * 3 // 4)


def _named_data(match: re.Match[str]) -> str:
    return f"[{match[1]}, {_decoded_size(match[2])}]"


def _bounded(text: str) -> str:
    if len(text) <= MAX_CHARS:
        return text
    return f"{text[:MAX_CHARS]}\n[cut here; {len(text)} characters in all]"
