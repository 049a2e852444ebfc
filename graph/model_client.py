"""The HTTP client below the OpenAI client: what that one does not bound, and faults it would not see, are its own here.

The OpenAI client retries 408, 409, 429, 5xx, timeouts and broken connections. This one gives it those for a reply that
takes for ever, that is no chat completion, or whose status is 200 although it says that something went wrong.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx

from graph.completion_body import LastingFault, ServerFault, sound
from graph.pace import Pace
from graph.retry_after import MAX_WAIT, retry_after

MAX_BYTES = 16 * 1024 * 1024
CHATS = "/chat/completions"
BUSY = (429, 503)
NO_RETRY = {"x-should-retry": "false"}
"""The OpenAI client obeys this header of a response."""


class ModelClient(httpx.AsyncClient):
    """The connections to one model.

    Args:
        seconds: for a whole reply, from the request to its last byte.
    """

    def __init__(self, seconds: float) -> None:
        limits = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
        super().__init__(follow_redirects=True, timeout=seconds, limits=limits)
        self._seconds = seconds
        self._pace = Pace()

    async def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """A response that is read to its end, in bounded time and memory. Nothing asks a model for a stream.

        Raises:
            httpx.TimeoutException, httpx.TransportError: what the OpenAI client retries.
            LastingFault: what it does not.
        """
        if stream:
            return await super().send(request, stream=True, **options)
        try:
            async with self._pace.turn(self._seconds + 2 * MAX_WAIT):
                response = await self._whole(request, options)
                self._note(response)
        except TimeoutError as late:
            raise httpx.PoolTimeout("the endpoint has too much to do", request=request) from late
        return self._read(response)

    async def _whole(self, request: httpx.Request, options: dict[str, Any]) -> httpx.Response:
        try:
            async with asyncio.timeout(self._seconds):
                response = await super().send(request, stream=True, **options)
                try:
                    body = await _body(response)
                finally:
                    await response.aclose()
        except TimeoutError as late:
            raise httpx.ReadTimeout("no whole reply in time", request=request) from late
        return _again(response, response.status_code, body)

    def _note(self, response: httpx.Response) -> None:
        """What the response says about the endpoint's load."""
        if response.status_code not in BUSY:
            self._pace.answered()
            return
        wait = retry_after(response.headers, time.time()) or 0.0
        if wait > MAX_WAIT or "insufficient_quota" in response.text:
            response.headers.update(NO_RETRY)
        else:
            self._pace.refused(wait)

    def _read(self, response: httpx.Response) -> httpx.Response:
        if not response.request.url.path.endswith(CHATS):
            return response
        if response.status_code == httpx.codes.BAD_REQUEST and '"content_filter"' in response.text:
            return _again(response, httpx.codes.OK, _refusal(response))
        if response.status_code != httpx.codes.OK:
            return response
        try:
            return _again(response, httpx.codes.OK, sound(response.content))
        except ServerFault as fault:
            return _again(response, fault.status, response.content)


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MAX_BYTES:
            raise LastingFault(f"the endpoint's reply is larger than {MAX_BYTES // 1024 // 1024} MB")
    return bytes(body)


def _again(response: httpx.Response, status: int, body: bytes) -> httpx.Response:
    """The response with another status and body."""
    headers = httpx.Headers(response.headers)
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        headers.pop(name, None)
    return httpx.Response(status, headers=headers, content=body, request=response.request)


def _refusal(response: httpx.Response) -> bytes:
    """A content filter's refusal of the request, which is no fault of the request's form, as the model's."""
    try:
        said = str(response.json()["error"]["message"])
    except (ValueError, LookupError, TypeError):
        said = "the endpoint's content filter refused the request"
    message = {"role": "assistant", "content": None, "refusal": said}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
