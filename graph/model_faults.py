"""What a provider's failure means, in one line that says who can mend it and holds no key."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from configs.errors import AgentError, ConfigurationError, MementoError, ModelUnavailableError

MAX_CHARS = 300
KEY = re.compile(r"\b(sk|key|pat)[-_][A-Za-z0-9_*.-]{4,}")


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
    if isinstance(fault, openai.RateLimitError | openai.InternalServerError | openai.ConflictError):
        return ModelUnavailableError(f"{spec}: the endpoint answers {fault.status_code}, also after retries ({said})")
    if isinstance(fault, openai.APITimeoutError):
        return ModelUnavailableError(f"{spec}: no reply in time, also after retries")
    if isinstance(fault, openai.APIConnectionError):
        return ModelUnavailableError(f"{spec}: the endpoint cannot be reached ({_cause(fault, secrets)})")
    if isinstance(fault, openai.APIStatusError):
        return AgentError(f"{spec}: the endpoint refused the request with {fault.status_code} ({said})")
    return ModelUnavailableError(f"{spec}: the endpoint's reply is no chat completion ({said})")


def _cause(fault: Exception, secrets: Sequence[str]) -> str:
    inner = fault
    while isinstance(inner.__cause__, Exception):
        inner = inner.__cause__
    return _one_line(inner, secrets)


def _one_line(fault: Exception, secrets: Sequence[str]) -> str:
    text = " ".join(str(fault).split()) or type(fault).__name__
    for secret in secrets:
        text = text.replace(secret, "***")
    text = KEY.sub("***", text)
    return text if len(text) <= MAX_CHARS else f"{text[:MAX_CHARS]}..."
