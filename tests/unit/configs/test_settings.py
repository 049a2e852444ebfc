"""Which layer wins, what is refused and in which words, and that no secret is in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from configs.errors import ConfigurationError
from configs.settings import (
    Settings,
    environment_values,
    environment_without_secrets,
    load_settings,
    secrets,
    variable_name,
)

CANARY = "sk-canary-7f3a"
MODEL_FIELDS = ("planner_model", "executor_model", "judge_model")
WHOLE_NUMBERS = ("model_retries", "top_k", "seed", "max_cycles", "max_steps", "context_tokens", "result_chars")
SECONDS = ("model_timeout", "tool_timeout")
ADDRESSES = ("chroma_url", "openai_base_url", "azure_openai_endpoint", "database_url")

BAD = [
    *[(field, value) for field in MODEL_FIELDS for value in ("gpt-4.1", "anthropic:x", "openai:", "openai:a b", ":x")],
    *[(field, value) for field in WHOLE_NUMBERS for value in ("-3", "many", "2.5", "1e9", "99999999999999999999999.5")],
    *[(field, value) for field in SECONDS for value in ("0", "-1", "nan", "inf", "3601", "soon")],
    *[(field, value) for field in ADDRESSES for value in ("ftp://host", "localhost:8000", "//host")],
    ("policy", "best"),
    ("policy", "COSINE"),
    ("top_k", "65"),
    ("model_retries", "21"),
    ("max_cycles", "0"),
    ("max_cycles", "101"),
    ("max_steps", "0"),
    ("max_steps", "201"),
    ("context_tokens", "499"),
    ("context_tokens", "2000001"),
    ("result_chars", "99"),
    ("result_chars", "1000001"),
    ("namespace", "a/b"),
    ("namespace", "x" * 65),
    ("judge_model", "None"),
    ("home", "~nobody-of-this-name/memento"),
    ("mcp_config", "~nobody-of-this-name/mcp.json"),
]


def test_defaults_are_the_documented_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEMENTO_HOME")
    settings = load_settings()
    assert settings.home == Path.home() / ".memento"
    assert (settings.planner_model, settings.executor_model) == ("openai:gpt-4.1", "openai:o3")
    assert settings.judge_model == "openai:gpt-4o-mini"
    assert (settings.policy, settings.top_k) == ("bandit", 4)
    assert settings.openai_api_key is None


def test_every_layer_wins_over_the_one_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    seen = [load_settings().top_k]
    file.write_text("top_k: 11\n", encoding="utf-8")
    seen.append(load_settings(str(file)).top_k)
    Path(".env").write_text("MEMENTO_TOP_K=12\n", encoding="utf-8")
    seen.append(load_settings(str(file)).top_k)
    monkeypatch.setenv("MEMENTO_TOP_K", "13")
    seen.append(load_settings(str(file)).top_k)
    seen.append(load_settings(str(file), ["top_k=14"]).top_k)
    seen.append(load_settings(str(file), ["top_k=14", "top_k=15"]).top_k)
    assert seen == [4, 11, 12, 13, 14, 15]


def test_a_layer_changes_nothing_but_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("top_k: 11\n", encoding="utf-8")
    changed, default = load_settings(str(file)), load_settings()
    assert changed.model_dump(exclude={"top_k"}) == default.model_dump(exclude={"top_k"})


def test_the_embedded_model_by_name() -> None:
    settings = load_settings("local")
    assert settings.planner_model == settings.executor_model == "local:smollm2-135m"
    assert settings.judge_model == "none"


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_has_its_variable_and_says_what_it_takes(field: str) -> None:
    foreign = field.startswith(("openai_", "azure_"))
    assert variable_name(field) == field.upper() if foreign else f"MEMENTO_{field.upper()}"
    assert Settings.model_fields[field].description


def test_foreign_variables_are_read_and_empty_ones_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f" {CANARY}\n")
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("MEMENTO_CHROMA_URL", "  ")
    settings = load_settings()
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == CANARY
    assert settings.openai_base_url is settings.chroma_url is None


@pytest.mark.parametrize(("field", "value"), BAD)
def test_a_bad_value_is_told_with_its_name_itself_and_what_is_taken(
    field: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = Settings.model_fields[field].description
    shown = re.escape(repr(value))
    with pytest.raises(ConfigurationError, match=rf"^{field} \(--set\): got {shown}; takes {re.escape(takes or '')}$"):
        load_settings(None, [f"{field}={value}"])
    monkeypatch.setenv(variable_name(field), value)
    with pytest.raises(ConfigurationError, match=rf"^{variable_name(field)}: got {shown}; takes "):
        load_settings()


@pytest.mark.parametrize("field", ["home", "mcp_config", "namespace", "policy", "planner_model", "openai_base_url"])
def test_an_empty_value_is_refused_where_it_is_said_on_purpose(field: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{field} \(--set\): got ''; takes "):
        load_settings(None, [f"{field}="])


def test_a_bad_value_in_a_file_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("policy: [none]\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"^policy \({re.escape(str(file))}\): got \['none'\]; takes none, "):
        load_settings(str(file))


def test_a_bad_value_of_a_layer_that_is_overruled_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_TOP_K", "many")
    assert load_settings(None, ["top_k=1"]).top_k == 1


def test_a_huge_value_is_shortened() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(None, [f"policy={'x' * 1_000_000}"])
    assert len(str(caught.value)) < 300


def test_unknown_settings_are_refused_with_the_known_ones(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("topk: 3\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"^--set: unknown setting 'topk'; known are home, planner_model, .*"):
        load_settings(None, ["topk=3"])
    with pytest.raises(ConfigurationError, match=rf"^--config {re.escape(str(file))}: unknown setting 'topk'"):
        load_settings(str(file))


def test_an_override_without_a_value_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^--set top_k: takes key=value, such as --set top_k=2$"):
        load_settings(None, ["top_k"])


def test_an_override_may_hold_an_equals_sign() -> None:
    assert load_settings(None, ["openai_base_url = http://host/v1?a=b"]).openai_base_url == "http://host/v1?a=b"


def test_a_missing_file_is_told_with_both_places() -> None:
    with pytest.raises(ConfigurationError, match=r"^--config: no file 'nowhere' and no configs/nowhere\.yaml$"):
        load_settings("nowhere")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a: [1, 2", r"expected ',' or '\]'.*, line 1"),
        (b"a: b: c", "mapping values are not allowed here, line 1"),
        (b'top_k: 1\nopenai_api_key: "' + CANARY.encode(), "found unexpected end of stream, line 2"),
        (b"a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        (b"\x00", "ReaderError"),
        (b"\xff\xfe\xff", "UnicodeDecodeError"),
        (b"[" * 5000, "RecursionError"),
    ],
)
def test_a_file_that_is_no_yaml_is_told_in_one_line_that_quotes_nothing(
    content: bytes, fault: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f": not readable as YAML: {fault}") as caught:
        load_settings(str(file))
    assert "\n" not in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"not readable as YAML: Is a directory$"):
        load_settings(str(tmp_path))


@pytest.mark.parametrize(("content", "kind"), [("- 1\n", "list"), ("words\n", "str"), ("7\n", "int")])
def test_a_file_without_settings_is_refused(content: str, kind: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"takes `setting: value` lines, got a {kind}$"):
        load_settings(str(file))


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("# nothing\n", encoding="utf-8")
    assert load_settings(str(file)) == load_settings()


def test_a_dotenv_that_is_no_text_is_told() -> None:
    Path(".env").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigurationError, match=r"^\.env: not readable: UnicodeDecodeError$"):
        load_settings()


def test_paths_are_absolute_and_know_the_home_folder() -> None:
    settings = load_settings(None, ["home=relative", "mcp_config=~/mcp.json"])
    assert settings.home == Path.cwd() / "relative"
    assert settings.mcp_config == Path.home() / "mcp.json"


def test_secrets_are_in_no_representation() -> None:
    values = {
        "openai_api_key": CANARY,
        "azure_openai_api_key": CANARY,
        "openai_base_url": f"https://me:{CANARY}@host/v1",
        "database_url": f"postgresql://me:{CANARY}@host/db",
    }
    settings = load_settings(None, [f"{field}={value}" for field, value in values.items()])
    assert CANARY not in repr(settings) + str(settings)
    assert CANARY not in settings.model_dump_json(include={"openai_api_key", "azure_openai_api_key"})
    assert secrets(settings) == [CANARY] * 4
    assert secrets(load_settings()) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("openai_base_url", f"ftp://me:{CANARY}@host"),
        ("database_url", f"mysql://{CANARY}@host/db"),
        ("chroma_url", f"ws://me:a@{CANARY}@host"),
    ],
)
def test_a_refused_address_is_told_without_its_password(field: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"got '\w+://\*\*\*@host") as caught:
        load_settings(None, [f"{field}={value}"])
    assert CANARY not in str(caught.value)


def test_a_refused_key_is_not_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"openai_api_key: [{CANARY}]\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"got \*\*\*; takes the key of the endpoint$") as caught:
        load_settings(str(file))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().top_k = 5  # type: ignore[misc]  # what is tested


def test_subprocesses_get_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("SOME_TOKEN", CANARY)
    monkeypatch.setenv("TZ", "UTC")
    assert CANARY not in environment_without_secrets().values()
    assert environment_without_secrets()["TZ"] == "UTC"
    assert environment_values(["SOME_TOKEN", "NOT_SET"]) == {"SOME_TOKEN": CANARY}
