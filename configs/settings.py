"""The settings of one process, and the only reader of the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from configs.errors import ConfigurationError

PolicyName = Literal["none", "random", "recent", "cosine", "cosine-success", "parametric", "soft-q", "bandit"]
MODEL_FORM = "provider:name with provider openai, azure or local, such as openai:gpt-4.1 or local:smollm2-135m"
MODEL_PATTERN = r"^(openai|azure|local):\S+$"
APPROVAL_FORM = "none, or a list with commas of plan, code, side-effects, tools (all of them) and tools' names"
NAMES_PATTERN = r"^[A-Za-z0-9_-]+( *, *[A-Za-z0-9_-]+)*$"
APPROVAL_PATTERN = r"^[A-Za-z0-9_.:-]+( *, *[A-Za-z0-9_.:-]+)*$"
FOREIGN = frozenset(
    {
        "openai_api_key",
        "openai_base_url",
        "azure_openai_api_key",
        "azure_openai_endpoint",
        "azure_openai_api_version",
        "searxng_url",
        "serpapi_api_key",
        "jina_api_key",
        "chunkr_api_key",
        "assemblyai_api_key",
        "e2b_api_key",
    }
)
"""Settings whose environment variable is another project's convention and carries no MEMENTO_ prefix."""


SandboxName = Literal["bubblewrap", "docker", "e2b", "jupyter", "subprocess"]


class Settings(BaseModel):
    """Everything a process can be told. Each description completes the sentence "takes ..." of an error message."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    home: Path = Field(description="a folder")
    planner_model: str = Field(pattern=MODEL_PATTERN, description=MODEL_FORM)
    executor_model: str = Field(pattern=MODEL_PATTERN, description=MODEL_FORM)
    judge_model: str = Field(pattern=rf"{MODEL_PATTERN}|^none$", description=f"{MODEL_FORM}, or none")
    model_timeout: float = Field(gt=0, le=3600, description="seconds, more than 0 and at most 3600")
    model_retries: int = Field(ge=0, le=20, description="a whole number from 0 to 20")
    policy: PolicyName = Field(description="none, random, recent, cosine, cosine-success, parametric, soft-q or bandit")
    top_k: int = Field(ge=0, le=64, description="a whole number from 0 to 64")
    cosine_margin: float = Field(ge=0, le=2, description="a cosine difference from 0 to 2")
    namespace: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="1 to 64 letters, digits, '_', '.' or '-'")
    user_memory: bool = Field(description="true or false")
    traces: bool = Field(description="true or false")
    seed: int = Field(ge=0, description="a whole number, 0 or more")
    max_cycles: int = Field(ge=1, le=100, description="a whole number from 1 to 100")
    max_steps: int = Field(ge=1, le=200, description="a whole number from 1 to 200")
    parallelism: int = Field(ge=1, le=64, description="a whole number from 1 to 64")
    max_llm_calls: int | None = Field(default=None, ge=1, le=100_000, description="a whole number from 1 to 100000")
    max_tokens: int | None = Field(default=None, ge=1, le=10_000_000_000, description="a whole number of tokens")
    max_cost_usd: float | None = Field(default=None, gt=0, le=1_000_000, description="US dollars, more than 0")
    max_seconds: float | None = Field(default=None, gt=0, le=10_000_000, description="seconds, more than 0")
    max_tool_seconds: float | None = Field(default=None, gt=0, le=10_000_000, description="seconds, more than 0")
    approval: str = Field(pattern=APPROVAL_PATTERN, description=APPROVAL_FORM)
    show_steps: bool = Field(description="true or false")
    max_tools: int = Field(ge=1, le=128, description="a whole number from 1 to 128")
    tool_timeout: float = Field(gt=0, le=3600, description="seconds, more than 0 and at most 3600")
    context_tokens: int = Field(ge=500, le=2_000_000, description="a whole number of tokens from 500 to 2000000")
    result_chars: int = Field(ge=100, le=1_000_000, description="a whole number of characters from 100 to 1000000")
    embedding_model: str | None = Field(
        default=None, description="a sentence-transformers name or folder, or openai:NAME; unset, the bundled MiniLM"
    )
    chroma_url: str | None = Field(
        default=None, pattern=r"^https?://", repr=False, description="a Chroma server's http(s) address"
    )
    database_url: str | None = Field(
        default=None,
        pattern=r"^postgres(ql)?://",
        repr=False,
        description="a postgresql:// address; unset, SQLite in the home",
    )
    mcp_config: Path | None = Field(default=None, description="the path of an mcp.json; unset, mcp.json in the home")
    mcp_token: SecretStr | None = Field(default=None, description="the token of our own MCP servers over HTTP")
    servers: str = Field(pattern=NAMES_PATTERN, description="all, none, or names of bundled servers with commas")
    openai_api_key: SecretStr | None = Field(default=None, description="the key of the endpoint")
    openai_base_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        repr=False,
        description="the http(s) address of an OpenAI-compatible endpoint",
    )
    azure_openai_api_key: SecretStr | None = Field(default=None, description="the key of the Azure resource")
    azure_openai_endpoint: str | None = Field(
        default=None, pattern=r"^https?://", repr=False, description="the https address of the Azure resource"
    )
    azure_openai_api_version: str | None = Field(default=None, description="such as 2025-03-01-preview")
    vision_model: str = Field(pattern=rf"{MODEL_PATTERN}|^none$", description=f"{MODEL_FORM}, or none")
    speech_model: str = Field(min_length=1, description="local:NAME_OR_FOLDER, openai:NAME, assemblyai or none")
    sandbox: SandboxName = Field(description="bubblewrap, docker, e2b, jupyter or subprocess")
    allow_unsafe_code: bool = Field(description="true or false")
    allow_unauthenticated: bool = Field(description="true or false")
    workspace_bytes: int = Field(ge=1_000_000, description="a whole number of bytes, at least 1000000")
    browser: str | None = Field(
        default=None,
        description="the path of a Chromium, or the http address of its debugging port; unset, it is looked for",
    )
    private_hosts: str = Field(
        default="",
        pattern=r"^$|^[^\s,]+:\d+( *, *[^\s,]+:\d+)*$",
        description="host:port pairs with commas that tools may reach although they are not public",
    )
    searxng_url: str | None = Field(default=None, pattern=r"^https?://", repr=False, description="a SearXNG's address")
    serpapi_api_key: SecretStr | None = Field(default=None, description="the key of SerpAPI")
    jina_api_key: SecretStr | None = Field(default=None, description="the key of Jina's reader")
    chunkr_api_key: SecretStr | None = Field(default=None, description="the key of Chunkr")
    assemblyai_api_key: SecretStr | None = Field(default=None, description="the key of AssemblyAI")
    e2b_api_key: SecretStr | None = Field(default=None, description="the key of E2B")
    docker_image: str = Field(min_length=1, description="the name of a Docker image with Python")
    jupyter_url: str | None = Field(default=None, pattern=r"^https?://", repr=False, description="a Jupyter's address")
    jupyter_token: SecretStr | None = Field(default=None, description="the token of the Jupyter server")

    @field_validator("home", "mcp_config", mode="before")
    @classmethod
    def _absolute(cls, value: Any) -> Any:
        if not isinstance(value, str | Path):
            return value
        if not str(value) or "\0" in str(value):
            raise ValueError("no path")
        try:
            return Path(value).expanduser().absolute()
        except RuntimeError as error:  # ~name of a person who does not exist
            raise ValueError(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Source:
    """One layer of settings: what it says, and how a person knows it."""

    name: str
    values: Mapping[str, Any]
    environment: bool = False

    def label(self, field: str) -> str:
        return variable_name(field) if self.environment else f"{field} ({self.name})"


def variable_name(field: str) -> str:
    """The environment variable that sets a field: `top_k` is `MEMENTO_TOP_K`, `openai_api_key` is `OPENAI_API_KEY`."""
    return field.upper() if field in FOREIGN else f"MEMENTO_{field.upper()}"


def load_settings(config: str | None = None, overrides: Iterable[str] = ()) -> Settings:
    """Merge the layers, later wins: configs/default.yaml, `config`, .env, the environment, `overrides`.

    Args:
        config: the name of a file in configs/ ("local") or the path of a YAML file.
        overrides: `key=value` texts, as given to `--set`.

    Raises:
        ConfigurationError: a layer cannot be read, names an unknown setting, or holds a value a setting does not take.
    """
    sources = [_yaml_source("default")]
    if config is not None:
        sources.append(_yaml_source(config))
    sources.append(_environment_source(".env", _dotenv()))
    sources.append(_environment_source("environment", os.environ))
    sources.append(_Source("--set", _parse_overrides(overrides)))
    return _validated(sources)


def named_settings(config: str | None, overrides: Iterable[str]) -> set[str]:
    """The settings that a caller asked for by `config` and `overrides`, as `load_settings` takes them.

    Raises:
        ConfigurationError: one of them cannot be read.
    """
    in_file = _yaml_source(config).values if config is not None else {}
    return {*in_file, *_parse_overrides(overrides)}


def secrets(settings: Settings) -> list[str]:
    """Every secret value among the settings, for redaction: the keys, and the passwords inside addresses."""
    values = [getattr(settings, name) for name in Settings.model_fields]
    keys = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
    addresses = " ".join(value for value in values if isinstance(value, str))
    passwords = re.findall(r"://[^/\s:]*:([^/\s]+)@", addresses)
    return [secret for secret in [*keys, *passwords] if secret]


def environment_without_secrets() -> dict[str, str]:
    """The environment for subprocesses that get no key: only what a program needs to start and find its files."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME", "SHELL", "TERM", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ}


def environment_for_docker() -> dict[str, str]:
    """What the docker command needs to find its daemon."""
    docker = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG")
    return {**environment_without_secrets(), **environment_values((*docker, "XDG_RUNTIME_DIR"))}


def environment_values(names: Iterable[str]) -> dict[str, str]:
    """The named variables that are set, in .env or the environment; for the `${NAME}` references of an mcp.json."""
    known = {**_dotenv(), **os.environ}
    return {name: value for name in names if (value := known.get(name)) is not None}


def export_dotenv(prefixes: tuple[str, ...]) -> None:
    """Put what .env says under these prefixes into the environment, for libraries that read nothing else.

    What is set there already stays.
    """
    for name, value in _dotenv().items():
        if value and name.startswith(prefixes):
            os.environ.setdefault(name, value)


def _yaml_source(name_or_path: str) -> _Source:
    bundled = files("configs").joinpath(f"{name_or_path}.yaml")
    path = bundled if bundled.is_file() else Path(name_or_path).expanduser()
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise ConfigurationError(f"--config: no file {name_or_path!r} and no configs/{name_or_path}.yaml") from None
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        raise ConfigurationError(f"--config {name_or_path}: not readable as YAML: {_yaml_fault(error)}") from None
    if not isinstance(values, dict):
        raise ConfigurationError(
            f"--config {name_or_path}: takes `setting: value` lines, got a {type(values).__name__}"
        )
    return _Source(str(name_or_path), _known(values, f"--config {name_or_path}"))


def _dotenv() -> dict[str, str | None]:
    try:
        return dotenv_values(".env")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f".env: not readable: {type(error).__name__}") from None


def _environment_source(name: str, variables: Mapping[str, str | None]) -> _Source:
    found = {field: variables.get(variable_name(field)) for field in Settings.model_fields}
    return _Source(
        name, {field: value.strip() for field, value in found.items() if value and value.strip()}, environment=True
    )


def _parse_overrides(overrides: Iterable[str]) -> dict[str, Any]:
    pairs = [text.partition("=") for text in overrides]
    for key, separator, _ in pairs:
        if not separator:
            raise ConfigurationError(f"--set {key}: takes key=value, such as --set top_k=2")
    return _known({key.strip(): value.strip() for key, _, value in pairs}, "--set")


def _known(values: dict[str, Any], origin: str) -> dict[str, Any]:
    unknown = sorted(set(map(str, values)) - set(Settings.model_fields))
    if unknown:
        raise ConfigurationError(
            f"{origin}: unknown setting {unknown[0]!r}; known are {', '.join(Settings.model_fields)}"
        )
    return values


def _validated(sources: list[_Source]) -> Settings:
    merged: dict[str, Any] = {}
    label: dict[str, str] = {}
    for source in sources:
        for field, value in source.values.items():
            merged[field] = value
            label[field] = source.label(field)
    try:
        return Settings(**merged)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = str(fault["loc"][0])
        takes = Settings.model_fields[field].description
        got = "***" if "key" in field else _shown(fault["input"])
        raise ConfigurationError(f"{label.get(field, field)}: got {got}; takes {takes}") from None


def _shown(value: object) -> str:
    """A refused value in at most 100 characters, without the user and password of an address."""
    text = re.sub(r"//[^/\s]*@", "//***@", repr(value))
    return text if len(text) <= 100 else f"{text[:97]}..."


def _yaml_fault(error: Exception) -> str:
    """What is wrong and where, on one line. PyYAML's own text quotes the file, in which keys may stand."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem}, line {error.problem_mark.line + 1}"
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else type(error).__name__
