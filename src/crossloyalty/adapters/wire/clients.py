"""The library's own HTTP clients: TLS always verified, nothing from the environment, no redirects, guarded sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpcore
import httpx

from crossloyalty.adapters.wire.network import AsyncGuardedBackend, GuardedBackend

__all__ = ["async_client", "plain_client"]

_MOST_CONNECTIONS = 20
_KEPT_S = 20.0


def plain_client(monotonic: Callable[[], float], *, allow_loopback: bool) -> httpx.Client:
    """Make a plain client; see the head of this module."""
    backend = GuardedBackend(monotonic, allow_loopback=allow_loopback)
    return httpx.Client(transport=_Transport(backend), trust_env=False, follow_redirects=False)


def async_client(monotonic: Callable[[], float], *, allow_loopback: bool) -> httpx.AsyncClient:
    """Make an asynchronous client; see the head of this module."""
    backend = AsyncGuardedBackend(monotonic, allow_loopback=allow_loopback)
    return httpx.AsyncClient(transport=_AsyncTransport(backend), trust_env=False, follow_redirects=False)


def _core(request: httpx.Request) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        ),
        "headers": request.headers.raw,
        "content": request.stream,
        "extensions": request.extensions,
    }


class _Body(httpx.SyncByteStream):
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        yield from self._inner

    def close(self) -> None:
        self._inner.close()


class _Transport(httpx.BaseTransport):
    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=_MOST_CONNECTIONS,
            keepalive_expiry=_KEPT_S,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._pool.handle_request(httpcore.Request(**_core(request)))
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer.stream), extensions=answer.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _AsyncBody(httpx.AsyncByteStream):
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __aiter__(self) -> AsyncIterator[bytes]:
        parts: AsyncIterator[bytes] = self._inner.__aiter__()
        return parts

    async def aclose(self) -> None:
        await self._inner.aclose()


class _AsyncTransport(httpx.AsyncBaseTransport):
    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=_MOST_CONNECTIONS,
            keepalive_expiry=_KEPT_S,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._pool.handle_async_request(httpcore.Request(**_core(request)))
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_AsyncBody(answer.stream), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()
