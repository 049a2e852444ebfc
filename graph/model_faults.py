"""What a provider's failure means, in one line that says who can mend it and holds no key."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from configs.errors import AgentError, ConfigurationError, MementoError, ModelUnavailableError, RequestTooLongError
from graph.retry_after import MAX_WAIT, retry_after

if TYPE_CHECKING:
    import openai

MAX_CHARS = 300
KEY = re.compile(r"\b(sk|key|pat)[-_][A-Za-z0-9_*.-]{4,}")
TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|context window|prompt is too long"
    r"|input tokens exceed|too many tokens|ContextWindowExceeded",
    re.IGNORECASE,
)
"""What OpenAI, Azure, vLLM, llama.cpp, Ollama, Anthropic and LiteLLM say of a request that their model cannot hold."""


def provider_faults() -> tuple[type[Exception], ...]:
    """What the OpenAI client raises; ValueError, LookupError and TypeError where the reply is no chat completion."""
    import openai

    return (openai.OpenAIError, ValueError, LookupError, TypeError)


def translator(spec: str, key_variable: str, secrets: Sequence[str]) -> Callable[[Exception], MementoError]:
    """`translate` for one model.

    Args:
        spec: the model as configured, for the message.
        key_variable: the environment variable that holds its key.
        secrets: values that must never be in a message.
    """
    return partial(translate, spec=spec, key_variable=key_variable, secrets=tuple(secrets))


def translate(fault: Exception, *, spec: str, key_variable: str, secrets: Sequence[str]) -> MementoError:
    """Our exception for a fault of `provider_faults`; retries, where they make sense, were made before."""
    import openai

    said = _one_line(fault, secrets)
    if isinstance(fault, openai.AuthenticationError | openai.PermissionDeniedError):
        return ConfigurationError(f"{key_variable}: the endpoint of {spec} refused the key ({said})")
    if isinstance(fault, openai.NotFoundError):
        return ConfigurationError(f"{spec}: the endpoint does not know this model ({said})")
    if isinstance(fault, openai.APIStatusError):
        return _of_status(fault, spec, said)
    if isinstance(fault, openai.APITimeoutError):
        return ModelUnavailableError(f"{spec}: no reply in time, also after retries")
    if isinstance(fault, openai.APIConnectionError):
        return _of_connection(fault, spec, secrets)
    return ModelUnavailableError(f"{spec}: the endpoint's reply is no chat completion ({said})")


def _of_status(fault: openai.APIStatusError, spec: str, said: str) -> MementoError:
    status = fault.status_code
    wait = retry_after(fault.response.headers, time.time())
    if status == 429 and fault.code == "insufficient_quota":
        return ModelUnavailableError(f"{spec}: the quota of the key is used up ({said})")
    if wait is not None and wait > MAX_WAIT:
        return ModelUnavailableError(
            f"{spec}: the endpoint answers {status} and asks to wait {wait:.0f} s; at most {MAX_WAIT:.0f} s are waited"
        )
    if status in (408, 409, 429) or status >= 500:
        return ModelUnavailableError(f"{spec}: the endpoint answers {status}, also after retries ({said})")
    if status == 413 or TOO_LONG.search(said) or TOO_LONG.search(str(fault.code)):
        return RequestTooLongError(f"{spec}: the request is longer than the model's context ({said})")
    if fault.param:
        return AgentError(f"{spec}: the endpoint does not take {fault.param!r} ({said})")
    return AgentError(f"{spec}: the endpoint refused the request with {status} ({said})")


def _of_connection(fault: openai.APIConnectionError, spec: str, secrets: Sequence[str]) -> MementoError:
    from graph.completion_body import BrokenReply

    inner: BaseException = fault
    while isinstance(inner.__cause__, Exception) and not isinstance(inner, BrokenReply):
        inner = inner.__cause__
    said = _one_line(inner, secrets)
    if isinstance(inner, BrokenReply):
        return ModelUnavailableError(f"{spec}: the endpoint's reply is no chat completion, also after retries: {said}")
    return ModelUnavailableError(f"{spec}: the endpoint cannot be reached ({said})")


def _one_line(fault: BaseException, secrets: Sequence[str]) -> str:
    text = " ".join(str(fault).split()) or type(fault).__name__
    for secret in secrets:
        text = text.replace(secret, "***")
    text = KEY.sub("***", text)
    return text if len(text) <= MAX_CHARS else f"{text[:MAX_CHARS]}..."
