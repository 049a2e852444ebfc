"""Messages of Outlook ([MS-OXMSG]): headers, body, and what is attached, also other messages."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from tools.documents.document import EXTRA, Document, Source, UnreadableError, damaged, of_text, shown_name
from tools.documents.mail import MAX_MAIL, MAX_PARTS
from tools.documents.plain import decoded
from tools.documents.web_page import markdown
from tools.servers.extras import need

HEADERS = (("From", "0C1A"), ("Address", "0C1F"), ("To", "0E04"), ("Cc", "0E03"), ("Subject", "0037"))
MAX_DEPTH = 5
"""Messages attached to attached messages."""


@dataclass(frozen=True, slots=True)
class _Attached:
    """place: the stream of a file, or the folder of a message or object."""

    name: str
    place: str
    note: str = ""

    @property
    def is_message(self) -> bool:
        return self.place.endswith("/")


def read(source: Source) -> Document:
    """A message."""
    ole = _opened(source.path)
    with damaged("Outlook message"):
        lines = [f"{label}: {text}" for label, code in HEADERS if (text := _property(ole, code))]
        body = _property(ole, "1000") or markdown(_property(ole, "1013"))[1] or "[no text]"
        names = [f"- {each.name} ({each.note or f'{ole.get_size(each.place):,} bytes'})" for each in _attached(ole)]
    listed = ["Attachments, readable as PATH!/NAME:\n" + "\n".join(names)] if names else []
    return of_text("Outlook message", "\n\n".join(["\n".join(lines), body, *listed]))


def attachment(path: Path, name: str) -> bytes | None:
    """What is attached to a message under a name, or None; a message as an e-mail (RFC 5322) with its attachments."""
    ole = _opened(path)
    with damaged("Outlook message"):
        for each in _attached(ole):
            if each.name == name and each.is_message:
                return _as_email(ole, each.place, _Room(MAX_MAIL), 1).as_bytes()
            if each.name == name and each.place:
                return bytes(ole.openstream(each.place).read(MAX_MAIL))
    return None


class _Room:
    """Bytes that are still taken: streams of a made file may share their bytes, and be many times as long as it."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, ole: Any, place: str) -> bytes:
        """A stream, or nothing where there is no room for it."""
        self._left -= int(ole.get_size(place))
        return bytes(ole.openstream(place).read()) if self._left >= 0 else b""


def _as_email(ole: Any, folder: str, room: _Room, depth: int) -> EmailMessage:
    message = EmailMessage()
    for label, code in HEADERS:
        if label != "Address" and (text := " ".join(_property(ole, code, folder).split())[:2000]):
            with suppress(Exception):  # the parser of structured headers has raised nearly everything
                message[label] = text
    message.set_content(_property(ole, "1000", folder) or markdown(_property(ole, "1013", folder))[1] or "[no text]")
    for each in _attached(ole, folder):
        if each.is_message and depth < MAX_DEPTH:
            message.add_attachment(_as_email(ole, each.place, room, depth + 1), filename=each.name)
        elif each.place and not each.is_message:
            data = room.take(ole, each.place)
            message.add_attachment(data, maintype="application", subtype="octet-stream", filename=each.name)
    return message


def _opened(path: Path) -> Any:
    olefile = need("olefile", EXTRA)
    try:
        return olefile.OleFileIO(path)
    except (OSError, ValueError, IndexError, TypeError) as error:
        raise UnreadableError(f"this Outlook message is damaged: {type(error).__name__}") from None


def _property(ole: Any, code: str, folder: str = "") -> str:
    for kind, encoding in (("001F", "utf-16-le"), ("001E", ""), ("0102", "")):
        name = f"{folder}__substg1.0_{code}{kind}"
        if ole.exists(name):
            data = bytes(ole.openstream(name).read(MAX_MAIL))
            text = data.decode(encoding, "replace") if encoding else decoded(data)[0]
            return text.replace("\r\n", "\n").replace("\r", "\n").strip("\0 \n")
    return ""


def _attached(ole: Any, folder: str = "") -> list[_Attached]:
    """What is attached to the message in a folder, each under a name of its own."""
    depth = folder.count("/")
    inside = folder.split("/")[:-1]
    entries = [entry for entry in ole.listdir() if len(entry) > depth and entry[:depth] == inside]
    places = {entry[depth] for entry in entries if entry[depth].startswith("__attach_version1.0_#")}
    found: dict[str, _Attached] = {}
    for place in sorted(places)[:MAX_PARTS]:
        each = _one(ole, f"{folder}{place}/")
        name = each.name if each.name not in found else f"{len(found) + 1}-{each.name}"
        found[name] = _Attached(name, each.place, each.note)
    return list(found.values())


def _one(ole: Any, folder: str) -> _Attached:
    named = _property(ole, "3707", folder) or _property(ole, "3704", folder) or _property(ole, "3001", folder)
    name = shown_name(named.replace("/", "_").replace("\\", "_").strip()[:150]) or folder[-9:-1]
    if ole.exists(f"{folder}__substg1.0_37010102"):
        return _Attached(name, f"{folder}__substg1.0_37010102")
    inner = f"{folder}__substg1.0_3701000D/"
    if ole.exists(f"{inner}__properties_version1.0"):
        return _Attached(f"{name}.eml", inner, "a message")
    return _Attached(name, "", "an object or a link, not read")
