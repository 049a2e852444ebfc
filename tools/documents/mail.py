"""E-mails: headers, body, and attachments that are read by their names."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage, Message
from pathlib import Path

from tools.documents.document import Document, Source, of_text, shown_name
from tools.documents.plain import decoded
from tools.documents.web_page import markdown

MAX_MAIL = 60_000_000
MAX_PARTS = 2000
HEADERS = ("From", "To", "Cc", "Bcc", "Reply-To", "Date", "Subject")


def read(source: Source) -> Document:
    """A message as it was sent (RFC 5322)."""
    message = _parsed(source.path)
    lines = [f"{name}: {_header(message, name)}" for name in HEADERS if message.get(name) is not None]
    names = [
        f"- {name} ({part.get_content_type()}, {len(_payload(part)):,} bytes)" for name, part in _attached(message)
    ]
    listed = ["Attachments, readable as PATH!/NAME:\n" + "\n".join(names)] if names else []
    return of_text("e-mail", "\n\n".join(["\n".join(lines), _body(message), *listed]))


def attachment(path: Path, name: str) -> bytes | None:
    """An attached file, or None; an attached message as it was sent."""
    for each, part in _attached(_parsed(path)):
        if each == name:
            return _payload(part)
    return None


def _parsed(path: Path) -> Message:
    with path.open("rb") as file:
        data = file.read(MAX_MAIL)
    if data.startswith(b"From "):  # the separator of a mailbox file
        data = data.partition(b"\n")[2]
    return email.message_from_bytes(data, policy=email.policy.default)


def _header(message: Message, name: str) -> str:
    try:
        return " ".join(str(message[name]).split())[:2000]
    except Exception:  # noqa: BLE001  the parser of structured headers has raised nearly everything
        return "[not readable]"


def _body(message: Message) -> str:
    """Plain text where there is any, else HTML; texts of a mixed message one after the other."""
    plain: list[str] = []
    html: list[str] = []
    attached = {id(part) for _, part in _attached(message)}
    for part in _walk(message):
        if id(part) in attached or part.is_multipart():
            continue
        text = decoded(_payload(part))[0] if part.get_content_maintype() == "text" else ""
        (html if part.get_content_subtype() == "html" else plain).append(_recoded(part) or text)
    texts = [each.strip() for each in plain if each.strip()] or [markdown(each)[1] for each in html]
    return "\n\n".join(texts) or "[no text]"


def _recoded(part: Message) -> str:
    charset = part.get_content_charset()
    try:
        return _payload(part).decode(charset or "ascii").replace("\r\n", "\n")
    except (LookupError, UnicodeError, ValueError):
        return ""


def _attached(message: Message) -> Iterator[tuple[str, Message]]:
    """Parts with a name, of no text, or marked as attached; names made unique by a number."""
    seen: dict[str, int] = {}
    for part in _walk(message):
        try:
            filename = part.get_filename()
        except Exception:  # noqa: BLE001  as in _header
            filename = None
        is_text = part.get_content_maintype() in ("text", "multipart")
        if part is message or (is_text and not filename and part.get_content_disposition() != "attachment"):
            continue
        ending = {"message/rfc822": ".eml"}.get(part.get_content_type(), "." + part.get_content_subtype())
        name = (filename or f"part{ending}").replace("/", "_").replace("\\", "_").strip()[:150]
        name = shown_name(name)
        seen[name] = seen.get(name, 0) + 1
        yield (name if seen[name] == 1 else f"{seen[name]}-{name}"), part


def _walk(message: Message) -> Iterator[Message]:
    """Every part in order, without recursion; messages that are attached are not entered."""
    walk: list[Message] = [message]
    count = 0
    while walk and count < MAX_PARTS:
        part = walk.pop()
        count += 1
        yield part
        inner = part.get_payload()
        if part.is_multipart() and isinstance(inner, list) and part.get_content_type() != "message/rfc822":
            walk.extend(reversed([each for each in inner if isinstance(each, Message)]))


def _payload(part: Message) -> bytes:
    inner = part.get_payload()
    if part.get_content_type() == "message/rfc822" and isinstance(inner, list) and inner:
        return bytes(inner[0].as_bytes()) if isinstance(inner[0], EmailMessage) else b""
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError):
        return b""
    return data if isinstance(data, bytes) else b""
