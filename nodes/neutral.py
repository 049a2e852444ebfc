"""Text that is data made unable to pass for anything else: a role, a control token of a chat template, invisible text.

What is changed is changed visibly and as little as possible: a space after the bracket of a control token, `> ` before
a line that begins like a speaker. Ordinary text stays as it is, byte for byte. Pure, idempotent, linear in time.
"""

from __future__ import annotations

import re

_LINE_END = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufff0-\ufffb\ufffe\uffff"  # controls, lone surrogates, non-characters
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction
    "\u00ad\u034f\u115f\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"  # no width
    "\ufe00-\ufe0d\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # selectors, tags
    "]"
)
_JOINED = re.compile("[\u200c\u200d\ufe0e\ufe0f]+")
"""Joiners and the two common selectors: emoji and some scripts need them, one of each between signs beyond ASCII."""

KEYCAP = "\u20e3"
_WORDS = (
    r"bos|eos|pad|unk|sep|cls|mask|sop|eop|s|im_start|im_end|im_sep|start_of_turn|end_of_turn|start_of_image"
    r"|begin_of_text|end_of_text|endoftext|endofprompt|end_of_utterance|tool_calls?|tool_responses?|function_calls?"
    r"|unused[0-9]{1,4}|extra_id_[0-9]{1,4}|reserved_[0-9]{1,4}|human|assistant|system"
)
_ANGLE = "<＜﹤"
_TOKEN = re.compile(
    rf"[{_ANGLE}](?=[|｜](?!answer_split)[^<>＜＞|｜\s]{{2,60}}[|｜][>＞﹥])"  # <|im_start|>
    rf"|[{_ANGLE}](?=[/／]?(?:{_WORDS})[>＞﹥])"  # <s>, </s>, <start_of_turn>
    rf"|[{_ANGLE}](?=[{_ANGLE}][/／]?SYS[>＞﹥]{{2}})"  # <<SYS>>
    r"|[\[［](?=[/／]?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|gMASK)[\]］])",
    re.IGNORECASE,
)
_SPEAKER = re.compile(
    r"^(?=[ \t*_]*+(?:(?:#{1,6}[ \t]*+)?[*_]*+(?:system|assistant|human|user|developer|ai|bot)"
    r"|#{1,6}[ \t]*+(?:instructions?|response|input))"
    r"(?:[ \t](?:message|prompt|turn))?[ \t*_]*+[:：])",
    re.IGNORECASE | re.MULTILINE,
)


def neutralise(text: str) -> str:
    """The text as data: nothing invisible, no control token, no line that begins like a speaker's."""
    return _SPEAKER.sub("> ", without_control_tokens(text))


def without_control_tokens(text: str) -> str:
    """The same, but lines that begin with a speaker stay: for a conversation, whose turns were neutralised before."""
    return _TOKEN.sub(r"\g<0> ", visible(text))


def visible(text: str) -> str:
    """The text with every line end a line feed, and without characters that show nothing or turn text around."""
    return _JOINED.sub(_needed, _UNSEEN.sub("", _LINE_END.sub("\n", text)))


def _needed(run: re.Match[str]) -> str:
    before, after = run.string[run.start() - 1 : run.start()], run.string[run.end() : run.end() + 1]
    selector = run[0][0] if run[0][0] in "\ufe0e\ufe0f" else ""
    if not before or before.isascii():
        return selector if after == KEYCAP else ""
    joiner = next((each for each in run[0] if each in "\u200c\u200d"), "")
    return selector + (joiner if after and not after.isascii() else "")
