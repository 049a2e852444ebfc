"""Speech recognition by a service: OpenAI's and AssemblyAI's HTTP interfaces. They get WAV pieces that we made.

https://platform.openai.com/docs/api-reference/audio/createTranscription
https://www.assemblyai.com/docs/api-reference/transcripts/submit
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from configs.errors import ConfigurationError, ModelUnavailableError, ToolCallError
from configs.settings import Settings
from tools.media.sound import as_wav
from tools.media.transcript import Line

if TYPE_CHECKING:
    import httpx

OPENAI = "https://api.openai.com/v1"
ASSEMBLYAI = "https://api.assemblyai.com"
POLL = 1.0
POLLS = 600
RETRIES = 3


@dataclass(frozen=True, slots=True)
class OpenAISpeech:
    """`openai:NAME` of any endpoint that has /audio/transcriptions."""

    name: str
    key: SecretStr | None
    address: str
    seconds: float
    pause: float = 1.0

    async def hear(self, samples: bytes, language: str | None) -> tuple[list[Line], str]:
        """Lines with times, and the language.

        Raises:
            ConfigurationError, ModelUnavailableError, ToolCallError: the key, the service, the request.
        """
        form = {"model": self.name.removeprefix("openai:"), "response_format": "verbose_json"}
        form |= {"language": language} if language else {}
        key = self.key.get_secret_value() if self.key else "none"
        async with _client(self.address, self.seconds, f"Bearer {key}") as client:
            told = await _answer(
                client,
                "/audio/transcriptions",
                self,
                files={"file": ("part.wav", as_wav(samples), "audio/wav")},
                data=form,
            )
        segments = told.get("segments") or [{"start": 0, "end": 0, "text": told.get("text", "")}]
        lines = [Line(float(each["start"]), float(each["end"]), str(each["text"]).strip()) for each in segments]
        return [line for line in lines if line.text], str(told.get("language") or language or "")


@dataclass(frozen=True, slots=True)
class AssemblyAISpeech:
    """`assemblyai`."""

    key: SecretStr
    seconds: float
    address: str = ASSEMBLYAI
    name: str = "assemblyai"
    pause: float = POLL

    async def hear(self, samples: bytes, language: str | None) -> tuple[list[Line], str]:
        """As OpenAISpeech; uploads, submits, asks until it is done."""
        async with _client(self.address, self.seconds, self.key.get_secret_value()) as client:
            put = await _answer(client, "/v2/upload", self, content=as_wav(samples))
            wanted = {"language_code": language} if language else {"language_detection": True}
            job = await _answer(client, "/v2/transcript", self, json={"audio_url": put["upload_url"], **wanted})
            done = await self._finished(client, str(job["id"]))
            told = await _answer(client, f"/v2/transcript/{done['id']}/sentences", self)
        lines = [Line(each["start"] / 1000, each["end"] / 1000, each["text"]) for each in told["sentences"]]
        return lines, str(done.get("language_code") or language or "")

    async def _finished(self, client: httpx.AsyncClient, job: str) -> dict[str, Any]:
        for _ in range(POLLS):
            told = await _answer(client, f"/v2/transcript/{job}", self)
            if told["status"] == "completed":
                return told
            if told["status"] == "error":
                raise ToolCallError(f"assemblyai could not transcribe it: {str(told.get('error'))[:200]}")
            await asyncio.sleep(self.pause)
        raise ModelUnavailableError("assemblyai did not finish in time")


def speech_service(spec: str, settings: Settings) -> OpenAISpeech | AssemblyAISpeech:
    """The service of `openai:NAME` or `assemblyai`.

    Raises:
        ConfigurationError: its key is not set, or it is none of these.
    """
    if spec == "assemblyai":
        if settings.assemblyai_api_key is None:
            raise ConfigurationError("set ASSEMBLYAI_API_KEY, which MEMENTO_SPEECH_MODEL=assemblyai needs")
        return AssemblyAISpeech(settings.assemblyai_api_key, settings.model_timeout)
    if not spec.startswith("openai:"):
        raise ConfigurationError(
            f"MEMENTO_SPEECH_MODEL takes local:NAME_OR_FOLDER, openai:NAME or assemblyai, got {spec}"
        )
    if settings.openai_api_key is None and settings.openai_base_url is None:
        raise ConfigurationError(f"set OPENAI_API_KEY, which MEMENTO_SPEECH_MODEL={spec} needs")
    address = settings.openai_base_url or OPENAI
    return OpenAISpeech(spec, settings.openai_api_key, address, settings.model_timeout)


@asynccontextmanager
async def _client(address: str, seconds: float, authorization: str) -> AsyncIterator[httpx.AsyncClient]:
    import httpx

    headers = {"Authorization": authorization}
    made = partial(httpx.AsyncClient, base_url=address.rstrip("/"), timeout=seconds, headers=headers)
    async with await asyncio.to_thread(made) as client:  # it reads certificates
        yield client


async def _answer(
    client: httpx.AsyncClient, path: str, service: OpenAISpeech | AssemblyAISpeech, **body: Any
) -> dict[str, Any]:
    """The JSON of an answer; a POST where there is a body. 429, 5xx and broken connections are tried again."""
    import httpx

    said = "cannot be reached"
    for attempt in range(RETRIES):
        try:
            response = await client.request("POST" if body else "GET", path, **body)
        except httpx.HTTPError as error:
            said = f"cannot be reached ({type(error).__name__})"
        else:
            if response.status_code < 400:
                return _json(response, service.name)
            if response.status_code in (401, 403):
                raise ConfigurationError(f"{service.name}: the service refused the key")
            said = f"answers {response.status_code}"
            if response.status_code != 429 and response.status_code < 500:
                raise ToolCallError(f"{service.name} {said}")
        await asyncio.sleep(service.pause * 2**attempt)
    raise ModelUnavailableError(f"{service.name} {said}, also after retries")


def _json(response: httpx.Response, name: str) -> dict[str, Any]:
    try:
        told = response.json()
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise ModelUnavailableError(f"{name}: the answer is no JSON object")
    return told
