"""What secrets look like: the well-known key formats, and the words that stand before a secret.

Each body is greedy over one character class and tried at word starts only, so that a scan stays linear in the text.
Formats as documented by their issuers; the minimum lengths are below the real ones, so that a cut key is caught too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NOT_INSIDE_A_WORD = r"(?<![A-Za-z0-9_-])"


@dataclass(frozen=True, slots=True)
class Shape:
    """A format that speaks for itself. `needs_digit`: the body could be hyphenated prose without one."""

    label: str
    body: str
    needs_digit: bool = False


SHAPES = (
    Shape("anthropic-key", r"sk-ant-[A-Za-z0-9_-]{16,}"),
    Shape("openai-key", r"sk-[A-Za-z0-9_-]{20,}", needs_digit=True),
    Shape("stripe-key", r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}"),
    Shape("aws-access-key", r"(?:AKIA|ASIA)[A-Z0-9]{16,}"),
    Shape("github-token", r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"),
    Shape("gitlab-token", r"glpat-[A-Za-z0-9_-]{16,}", needs_digit=True),
    Shape("slack-token", r"xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{16,}", needs_digit=True),
    Shape("google-key", r"AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}"),
    Shape("e2b-key", r"e2b_[A-Za-z0-9]{16,}"),
    Shape("huggingface-token", r"hf_[A-Za-z0-9]{20,}"),
    Shape("groq-key", r"gsk_[A-Za-z0-9]{20,}"),
    Shape("perplexity-key", r"pplx-[A-Za-z0-9]{20,}", needs_digit=True),
    Shape("tavily-key", r"tvly-[A-Za-z0-9-]{16,}", needs_digit=True),
    Shape("npm-token", r"npm_[A-Za-z0-9]{20,}", needs_digit=True),
    Shape("sendgrid-key", r"SG\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}", needs_digit=True),
    Shape("digitalocean-token", r"do[opr]_v1_[a-f0-9]{20,}"),
    Shape("replicate-token", r"r8_[A-Za-z0-9]{20,}"),
    Shape("telegram-token", r"(?:bot)?[0-9]{8,10}:[A-Za-z0-9_-]{35,}"),
    Shape("jwt", r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
)
LABELS = (*(shape.label for shape in SHAPES), "known-secret", "private-key", "password", "secret", "aws-secret-key")
MARK = re.compile(rf"\[redacted:(?:{'|'.join(sorted(LABELS))})\]")

_NAMES = (
    r"(?P<weak>pass(?:word|wort|wd|phrase|code)|kennwort|pwd)"
    r"|(?:api|access|secret|private|account|signing|encryption)[_-]?(?:access[_-]?)?key(?:[_-]?id)?"
    r"|(?:[a-z]{1,20}[_-])?(?:token|secret)"
)
_WORD_START = r"(?-i:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
SECRET_NAME = re.compile(rf"(?i:{_WORD_START}(?:{_NAMES}))$")
"""Searched in the name of a field: `password`, `DB_PASSWORD`, `openai-api-key`, `accessToken`, not `max_tokens`."""

HEADER_NAME = re.compile(r"(?i:(?:proxy-)?authorization|(?:set-)?cookie)")

_VALUE = r"(?P<quoted>\\?[\"'`](?P<inner>[^\"'`\\\n]{1,300}))|(?P<bare>[^\s\"'`&,;<>(){}\\]+)"
_HEADS = (
    rf"(?P<name>{_WORD_START}(?:{_NAMES}))\\?[\"'`]?[ \t]{{0,4}}(?P<sign>:=|=>|==?|:)[ \t]{{0,4}}(?:{_VALUE})"
    r"|(?P<said>(?<![A-Za-z])pass(?:word|wd|phrase|code))[ \t]is[ \t](?P<stated>[^\s\"'`,;<>()]+)"
    r"|(?P<scheme>(?<![A-Za-z])(?:authorization\\?[\"'`]?[ \t]{0,4}[:=][ \t]{0,4}\\?[\"'`]?)?"
    r"(?:bearer|basic))[ \t]{1,4}(?P<credential>[A-Za-z0-9._~+/=-]+)"
    r"|://(?P<user>[^\s/:@\"'<>]{0,200}):(?P<url>[^\s/@\"'<>]{1,300})@"
    r"|(?<![\w-])--(?:(?P<option>(?:[a-z]{1,20}[_-])?pass(?:word|wd|phrase|code))"
    r"|(?:[a-z]{1,20}[_-])?(?:token|secret|api[_-]?key))[ \t]{1,4}[\"']?(?P<flagged>[^\s\"'`;|&<>-][^\s\"'`;|&<>]*)"
    r"|(?<![\w-])(?:-u|--user)[ \t=]{1,4}[\"']?[^\s:\"'@/]{1,100}:(?P<login>[^\s\"'`:]{1,300})"
    r"|(?<![\w:=-])pw[ \t]{0,4}[:=][ \t]{0,4}(?P<short>[^\s\"'`,;<>()]{1,64})"
    r"|[?&;](?:sig|signature|x-(?:amz|goog)-signature)=(?P<signed>[^\s&\"'`<>#)\\]{16,})"
    r"|(?<![A-Za-z])(?:set-)?cookie[ \t]{0,4}:[ \t]{0,4}"
    r"(?P<cookie>[^\s=;,\"'`<>\[\]\\]{1,100}=[^\s;\"'`\\]{4}[^\r\n\"'`\\]{0,4000})"
    r"|(?P<pem>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)"
)
_KEYS = "|".join(f"(?P<shape{number}>{shape.body})" for number, shape in enumerate(SHAPES))
ANYWHERE = re.compile(rf"(?i:{_HEADS})|{NOT_INSIDE_A_WORD}(?:{_KEYS})")
RIGHT_HERE = re.compile(_KEYS)
"""For what follows a secret without a gap: once that is replaced, it stands at a word start."""

PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
PEM_BODY = re.compile(r"(?:(?:\s|\\[nr]){0,4}[A-Za-z0-9+/=]{16,})*")
AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
"""Has no prefix of its own: looked for only beside an access key."""

PLAIN_VALUES = frozenset(
    {
        "any", "array", "bool", "boolean", "changed", "changeme", "disabled", "empty", "enabled", "erforderlich",
        "expired", "falsch", "vergessen",
        "false", "field", "forgotten", "hidden", "incorrect", "input", "invalid", "missing", "must", "never",
        "nil", "no", "none", "not", "null", "number", "object", "optional", "protected", "redacted", "required",
        "reset", "set", "str", "string", "text", "true", "type", "undefined", "unknown", "unset", "value",
        "varchar", "wrong", "yes", "your",
    }
)  # fmt: skip
"""What stands after `password:` in documentation, forms and error messages, and is no password."""
