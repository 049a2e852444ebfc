"""Secrets go, everything else stays: what is replaced, what never is, and how long it takes."""

from __future__ import annotations

import json
import random
import time

import pytest

from memory.case import Case, Step, ToolUse, case_id
from memory.case_redaction import redact_case, redact_json
from memory.redaction import redact
from memory.secret_hints import joined, may_hold_a_secret
from memory.secret_shapes import MARK
from tests.project_files import ROOT, committed_files

OPENAI = "sk-proj-Ab1" + "x" * 30
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQ"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----"
SECRETS = [
    (f"use {OPENAI}, please", "use [redacted:openai-key], please"),
    (f"OPENAI_API_KEY={OPENAI}", "OPENAI_API_KEY=[redacted:openai-key]"),
    (f"sk-ant-api03-{'y' * 20}.", "[redacted:anthropic-key]."),
    (f"AKIAIOSFODNN7EXAMPLE,{AWS_SECRET}", "[redacted:aws-access-key],[redacted:aws-secret-key]"),
    (f"aws_secret_access_key = {AWS_SECRET}", "aws_secret_access_key = [redacted:secret]"),
    (f"(ghp_{'a1' * 18})", "([redacted:github-token])"),
    (f"github_pat_{'A1_' * 10}", "[redacted:github-token]"),
    ("xoxb-123456789012-abcdefABCDEF", "[redacted:slack-token]"),
    (f"key=AIza{'Sy0' * 12}&x=1", "key=[redacted:google-key]&x=1"),
    ("sk" + "_live_4eC39HqLyjWDarjtT1zdp7dc", "[redacted:stripe-key]"),
    (f"e2b_{'0f' * 20} hf_{'aB' * 17}", "[redacted:e2b-key] [redacted:huggingface-token]"),
    (f"cookie {JWT}; path", "cookie [redacted:jwt]; path"),
    (f"a\n{PEM}\nb", "a\n[redacted:private-key]\nb"),
    (f"cut off: {PEM[:80]}", "cut off: [redacted:private-key]"),
    (json.dumps({"pem": PEM}), '{"pem": "[redacted:private-key]"}'),
    ("Authorization: Bearer abcdefgh", "Authorization: Bearer [redacted:secret]"),
    ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [redacted:secret]"),
    ("curl -H 'authorization: bearer 0123456789abcdef0'", "curl -H 'authorization: bearer [redacted:secret]'"),
    ("password=hunter2", "password=[redacted:password]"),
    ("DB_PASSWORD: swordfish\nPORT: 80", "DB_PASSWORD: [redacted:password]\nPORT: 80"),
    ("my password is hunter2.", "my password is [redacted:password]."),
    ('{"passwd": "s3cret!", "a": 1}', '{"passwd": "[redacted:password]", "a": 1}'),
    (r"{\"api_key\": \"abcd1234efgh\"}", r"{\"api_key\": \"[redacted:secret]\"}"),
    ("accessToken: 'abc123def456'", "accessToken: '[redacted:secret]'"),
    ("x-api-key: 0a1b2c3d4e5f", "x-api-key: [redacted:secret]"),
    ("?token=0123456789abcdef&page=2", "?token=[redacted:secret]&page=2"),
    ("postgresql://bob:p%40ss@db:5432/x", "postgresql://bob:[redacted:password]@db:5432/x"),
    ("password=[redacted:hunter2", "password=[redacted:password]"),
    (f"gsk_{'aB3' * 17}", "[redacted:groq-key]"),
    (f"pplx-{'aB3' * 16}", "[redacted:perplexity-key]"),
    (f"tvly-dev-{'aB3' * 10}", "[redacted:tavily-key]"),
    (f"//registry.npmjs.org/:_authToken=npm_{'aB3' * 12}", "//registry.npmjs.org/:_authToken=[redacted:npm-token]"),
    (f"SG.{'aB3' * 7}.{'x-Y9' * 10}", "[redacted:sendgrid-key]"),
    (f"dop_v1_{'0f' * 32}", "[redacted:digitalocean-token]"),
    (f"r8_{'aB3' * 12}", "[redacted:replicate-token]"),
    (f"https://api.telegram.org/bot12345678:{'aB3-_' * 7}/x", "https://api.telegram.org/[redacted:telegram-token]/x"),
    ("Cookie: sid=0123abcd; theme=dark\nHost: x", "Cookie: [redacted:secret]\nHost: x"),
    ("'set-cookie: sid=0123abcd; Path=/'", "'set-cookie: [redacted:secret]'"),
    ("curl -s -u bob:s3cret https://x.org", "curl -s -u bob:[redacted:password] https://x.org"),
    ("curl --user 'bob:pa ss' x", "curl --user 'bob:[redacted:password] ss' x"),
    ("mysql --password s3cr3tpw99 db", "mysql --password [redacted:password] db"),
    ("tool --api-key 'abcd1234efgh' go", "tool --api-key '[redacted:secret]' go"),
    ("user: bob, pw: S3cretPass!", "user: bob, pw: [redacted:password]!"),
    ("Passwort: Sommer2024", "Passwort: [redacted:password]"),
    ("https://x.blob/a?sv=1&sig=aB3%2Bxyz0123456789%3D&se=2", "https://x.blob/a?sv=1&sig=[redacted:secret]&se=2"),
    (f"{OPENAI.replace('x', 'AKIAIOSFODNN7EXAMPLE', 1)}", "[redacted:openai-key]"),
    (f"AKIAIOSFODNN7EXAMPLEsk-ant-{'z1' * 10}", "[redacted:aws-access-key][redacted:anthropic-key]"),
]
ORDINARY = [
    "How do I do a password reset? The password must be at least 8 characters long.",
    "password: required; token: string; passwd: ********; secret: none",
    "Speak the password: what is the Elvish word for friend?",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, md5 d41d8cd98f00b204e9800998ecf8427e",
    "commit da39a3ee5e6b4b0d3255bfef95601890afd80709 of 2024-02-10T12:30:00Z, id 123e4567-e89b-12d3-a456-426614174000",
    "max_tokens=4096, tokens: 1234567890, token = tokenizer.next(1), password = getpass.getpass()",
    "The task-force-on-international-cooperation met; a risk-based-approach-to-classification; sk-learn-like-things",
    "https://example.org:8080/a@b and http://127.0.0.1:80/x, mailto:a@b.org, 10:30@noon, ratio 3:4",
    "hf_hub_download(repo), e2b_sandbox, gh_actions, AKIA is a prefix, eyJ too, Bearer bonds, basic mathematics",
    "The Secret: a novel. Key: C minor. API key: see below. PWD=/usr/lib, export PASSWORD=$SECRET",
    "-----BEGIN CERTIFICATE----- MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A -----END CERTIFICATE-----",
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEWORD alone",
    "Pass --password to be asked, --token NAME or --user root:wheel; docker run -u 1000:1000, pw: see above",
    "Cookie: a small cake; a cookie: k=v; set-cookie: <name>=<value>; ?sig=short; npm_config_registry; r8_x; SG.a.b",
    "at 12345678:30, bot: none; Passwort: vergessen? Cookie recipe = flour",
    "[redacted:openai-key] is how a replaced key reads",
]  # fmt: skip
HOSTILE = [
    "eyJ" * 33_000, "-eyJa" * 20_000, "password:" * 11_000, "password: '" * 9_000,
    "-----BEGIN PRIVATE KEY-----" * 3_700,
    "sk-" * 33_000, "://" * 33_000, "://a:" * 20_000, "a" * 100_000, " " * 100_000, "password=" + "a" * 100_000,
    "authorization: bearer " * 4_500, "aB3/" * 25_000, "AKIAAAAAAAAAAAAAAAAA " * 4_700, "[redacted:" * 10_000,
    "a_" * 50_000, "api_key_" * 12_500, "\\" * 100_000, "-----BEGIN PRIVATE KEY-----" + "\n" * 99_000,
    "://" + "a:" * 50_000, "AKIAAAAAAAAAAAAAAAAA" + "ghp_" * 25_000, "secret_" * 14_000, "password is " * 8_300,
    "cookie: a=b " * 8_000, "cookie: a=bcdefg" * 6_000, "cookie:" + "a" * 99_000, "--password " * 9_000,
    "-u a:" * 20_000, "curl -u a:b " * 8_000, "--a_" * 25_000, "?sig=" * 20_000, "SG." * 33_000, "1" * 100_000,
    "12345678:" * 11_000, "pw:" * 33_000, "SG." + "a" * 99_000,
]  # fmt: skip


@pytest.mark.parametrize(("text", "kept"), SECRETS)
def test_a_secret_is_replaced_and_what_stands_around_it_stays(text: str, kept: str) -> None:
    assert redact(text) == kept
    assert redact(kept) == kept


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_the_prose_of_this_project_stays_as_it_is() -> None:
    pages = [path for path in committed_files() if path.suffix == ".md"]
    lines = [line for path in pages for line in (ROOT / path).read_text(encoding="utf-8").splitlines()]
    assert len(lines) > 150
    assert [redact(line) for line in lines] == lines


@pytest.mark.parametrize(
    ("text", "secrets", "kept"),
    [
        ("a p%40ss word, p@ss word", ["p%40ss word"], "a [redacted:known-secret], [redacted:known-secret]"),
        ("a hunter2 b", ["hunter2"], "a [redacted:known-secret] b"),
        ("longer-key-1 longer-key", ["longer-key", "longer-key-1"], "[redacted:known-secret] [redacted:known-secret]"),
        ('{"a": "say \\"hi\\" now"}', ['say "hi" now'], '{"a": "[redacted:known-secret]"}'),
        ("ollama none x 1234567 lm-studio", ["ollama", "none", "x", "1234567", "lm-studio"], None),
        ("[redacted:openai-key] openai-key", ["openai-key"], "[redacted:openai-key] [redacted:known-secret]"),
        ("[redacted:hunterhunter]", ["hunterhunter"], "[redacted:[redacted:known-secret]]"),
        ("a", ["\udcff" * 8], "a"),
    ],
)  # fmt: skip
def test_known_values_go_where_they_can_be_told_from_words(text: str, secrets: list[str], kept: str | None) -> None:
    expected = text if kept is None else kept
    assert redact(text, secrets) == expected
    assert redact(expected, secrets) == expected


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_hostile_text_takes_linear_time(text: str) -> None:
    started = time.perf_counter()
    once = redact(text)
    assert time.perf_counter() - started < 2
    assert redact(once) == once


def test_redacting_twice_is_redacting_once_whatever_stands_side_by_side() -> None:
    dice = random.Random(7)
    pieces = [
        *(text for text, _ in SECRETS),
        *ORDINARY,
        OPENAI,
        AWS_SECRET,
        JWT,
        PEM,
        " ",
        "=",
        ":",
        '"',
        "\n",
        "]",
        "a",
    ]
    for _ in range(3000):
        text = "".join(dice.choice(pieces) for _ in range(dice.randint(1, 6)))
        once = redact(text, ["known-value-1"])
        assert redact(once, ["known-value-1"]) == once, text
        assert once == text or may_hold_a_secret(text), "what is replaced has a hint"


@pytest.mark.parametrize("text", [text for text, _ in SECRETS])
def test_what_is_replaced_has_a_hint(text: str) -> None:
    assert may_hold_a_secret(text)
    assert may_hold_a_secret(joined({"a": [text]}))


def test_ordinary_text_mostly_has_no_hint_and_hostile_text_is_told_in_linear_time() -> None:
    assert not any(may_hold_a_secret(ORDINARY[number]) for number in (0, 3, 4, 7, 11, 15))
    started = time.perf_counter()
    for text in HOSTILE:
        may_hold_a_secret(text)
    assert time.perf_counter() - started < 2


def test_a_case_is_redacted_everywhere_and_keeps_its_id() -> None:
    call = ToolUse(
        name="get", arguments={"url": ["a", {"key": OPENAI, "password": "swordfish"}], "n": 1}, result=OPENAI
    )
    step = Step(id=1, description=f"use {OPENAI}", status="done", result=f"got {OPENAI}", calls=(call,))
    texts = {"task": f"Log in with {OPENAI}", "answer": OPENAI, "lesson": f"never say {OPENAI}"}
    case = Case(id=case_id(texts["task"], (step,), "r"), plan=(step,), reward=1, **texts)
    kept = redact_case(case)
    assert "sk-" not in kept.model_dump_json() and "swordfish" not in kept.model_dump_json()
    assert len(MARK.findall(kept.model_dump_json())) == 8
    assert (kept.id, kept.reward, kept.plan[0].calls[0].arguments["n"]) == (case.id, 1, 1)
    assert Case.model_validate_json(kept.model_dump_json()) == kept
    assert redact_case(kept) is kept
    assert "canary" not in redact_case(case.model_copy(update={"answer": "a canary-1 b"}), ["canary-1"]).answer


def test_json_values_keep_their_shape() -> None:
    value = {"a": [1, 2.5, None, True, "x"], "token": "hello", "max_tokens": "4096", "api_key": "abcd1234efgh"}
    assert redact_json(value) == {**value, "api_key": "[redacted:secret]"}
    deep: object = OPENAI
    for _ in range(5000):
        deep = [deep]
    assert "sk-" not in str(redact_json(deep))


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"password": 12345678}, {"password": "[redacted:password]"}),
        ({"api_key": ["abcd1234efgh"]}, {"api_key": ["[redacted:secret]"]}),
        ({"token": {"value": "abcd1234efgh", "n": 1}}, {"token": {"value": "[redacted:secret]", "n": 1}}),
        (["--password", "s3cr3tpw99", "-v"], ["--password", "[redacted:password]", "-v"]),
        (["curl", "-u", "bob:s3cret"], ["curl", "-u", "bob:[redacted:password]"]),
        ({"name": "API_KEY", "value": "abcd1234efgh"}, {"name": "API_KEY", "value": "[redacted:secret]"}),
        ([["Authorization", "Basic dXNlcjpwYXNz"]], [["Authorization", "Basic [redacted:secret]"]]),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, {"Authorization": "Basic [redacted:secret]"}),
        ({"headers": {"Cookie": "sid=0123abcd; a=b"}}, {"headers": {"Cookie": "[redacted:secret]"}}),
        ({"token": 3, "tokens": [1, 2], "max_tokens": 12345678, "password": None, "secret": True}, None),
        ({"name": "count", "value": "abcd1234efgh"}, None),
        (["docker", "run", "-u", "1000:1000", "--token", "-x", "password", "username"], None),
        (["password", "username"], None),
    ],
)  # fmt: skip
def test_a_secret_is_known_by_the_name_it_stands_under(value: object, kept: object) -> None:
    expected = value if kept is None else kept
    assert redact_json(value) == expected
    assert redact_json(expected) == expected
    assert value == expected or may_hold_a_secret(joined(value))
