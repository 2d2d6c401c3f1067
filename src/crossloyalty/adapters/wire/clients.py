"""
The library's own HTTP clients: TLS always verified, nothing from the environment, no redirects, guarded sockets.

They have as much of httpx's interface as an exchange uses, directly over the pool of connections that httpx builds on.
What its own client does besides for each call (cookies, authentication, redirects, default headers, an answer that can
be read in many ways) no call to a platform wants, and it takes as long as three eighths of the call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Literal

import httpcore
import httpx

from crossloyalty.adapters.wire.network import AsyncGuardedBackend, GuardedBackend

__all__ = ["AsyncGuardedClient", "GuardedClient", "Heard"]

_MOST_CONNECTIONS: Final = 20
_KEPT_S: Final = 20.0
_WITH_BODY: Final = ("POST", "PUT", "PATCH")


class Heard:
    """
    The head of an answer whose body is still to come.

    Args:
        answer: Of the pool.
    """

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer
        self.status_code = answer.status
        self.headers: dict[str, str] = {}
        for name, value in answer.headers:
            key, text = name.decode("latin-1").lower(), _text_of(value)
            self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def iter_raw(self) -> Iterator[bytes]:
        """Give the body as it comes over the wire, piece by piece."""
        return self._answer.iter_stream()

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """Give the body as it comes over the wire, piece by piece, awaited."""
        return self._answer.aiter_stream()


class GuardedClient:
    """
    A plain client; see the head of this module.

    Args:
        monotonic: Counts seconds.
        allow_loopback: Doubles on 127.0.0.1 may be called.
    """

    def __init__(self, monotonic: Callable[[], float], *, allow_loopback: bool) -> None:
        backend = GuardedBackend(monotonic, allow_loopback=allow_loopback)
        self._pool = httpcore.ConnectionPool(**_settings(), network_backend=backend)

    @contextmanager
    def stream(
        self,
        method: str,
        url: httpx.URL,
        *,
        headers: Mapping[str, str],
        content: bytes | None,
        timeout: float,
        follow_redirects: Literal[False] = False,
    ) -> Iterator[Heard]:
        """
        Send a request; the body of the answer is read inside the block.

        Args:
            method, url, headers, content: The request's.
            timeout: For each step of it, in seconds.
            follow_redirects: Never; a redirect is an answer like any other.
        """
        answer = self._pool.handle_request(_request(method, url, headers, content, timeout))
        try:
            yield Heard(answer)
        finally:
            answer.close()

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _AsyncCall:
    """One request; a class, because a generator that waits may be closed after its event loop."""

    def __init__(self, pool: httpcore.AsyncConnectionPool, request: httpcore.Request) -> None:
        self._pool = pool
        self._request = request
        self._answer: httpcore.Response | None = None

    async def __aenter__(self) -> Heard:
        self._answer = await self._pool.handle_async_request(self._request)
        return Heard(self._answer)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._answer is not None:
            await self._answer.aclose()


class AsyncGuardedClient:
    """`GuardedClient`, awaited; on asyncio and Trio."""

    def __init__(self, monotonic: Callable[[], float], *, allow_loopback: bool) -> None:
        backend = AsyncGuardedBackend(monotonic, allow_loopback=allow_loopback)
        self._pool = httpcore.AsyncConnectionPool(**_settings(), network_backend=backend)

    def stream(
        self,
        method: str,
        url: httpx.URL,
        *,
        headers: Mapping[str, str],
        content: bytes | None,
        timeout: float,
        follow_redirects: Literal[False] = False,
    ) -> _AsyncCall:
        """Send a request; see `GuardedClient.stream`."""
        return _AsyncCall(self._pool, _request(method, url, headers, content, timeout))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


def _settings() -> dict[str, Any]:
    return {
        "ssl_context": httpx.create_ssl_context(trust_env=False),
        "max_connections": _MOST_CONNECTIONS,
        "keepalive_expiry": _KEPT_S,
    }


def _request(
    method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None, timeout: float
) -> httpcore.Request:
    sent = [(b"host", url.netloc), (b"accept", b"*/*")]
    sent += [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
    if content or method in _WITH_BODY:
        sent.append((b"content-length", b"%d" % len(content or b"")))
    return httpcore.Request(
        method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=sent,
        content=content,
        extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), timeout)},
    )


def _text_of(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
