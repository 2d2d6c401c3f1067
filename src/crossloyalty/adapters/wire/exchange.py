"""One request and its answer over any client with httpx's interface, plain or awaited, with every bound in force."""

from __future__ import annotations

import inspect
import logging
import os
import zlib
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from crossloyalty.adapters.wire.dialect import SendingOptions
from crossloyalty.adapters.wire.values import Answer, Call
from crossloyalty.errors import ConfigError, shown

if TYPE_CHECKING:
    import httpx

__all__ = ["Broken", "Exchange"]

# Nothing of the request had left when one of these came up.
_UNSENT: Final = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})
_LOGGERS: Final = ("httpx", *(f"httpcore.{each}" for each in ("connection", "http11", "http2", "proxy", "socks")))
_OURS: ContextVar[bool] = ContextVar("crossloyalty_call", default=False)


class Broken(Exception):
    """
    A request got no whole answer.

    Args:
        why: For the error that a caller sees; names no address.
        unsent: It never left, so that sending it again does nothing twice.
    """

    def __init__(self, why: str, *, unsent: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.unsent = unsent


class _Silence(logging.Filter):
    """Keeps records about our own calls out of httpx's logs, which show whole addresses: tokens stand in them."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _OURS.get()


_SILENCE: Final = _Silence()


class Exchange:
    """
    Sends requests through one client.

    Args:
        client: With httpx's interface; None: our own kind, made when first needed and again after a fork.
        awaited: The client's methods are coroutines.
        hosts: Whom it may call, lower-case.
        platform: For messages.
        options: The bounds.
        monotonic: Counts seconds.
    """

    def __init__(
        self,
        client: Any,
        *,
        awaited: bool,
        hosts: frozenset[str],
        platform: str,
        options: SendingOptions,
        monotonic: Callable[[], float],
    ) -> None:
        self._made: dict[int, Any] = {}
        self._awaited = awaited
        if client is not None:
            kind = inspect.iscoroutinefunction(getattr(client, "aclose", None))
            if not callable(getattr(client, "stream", None)) or kind is not awaited:
                wanted = "an httpx.AsyncClient" if awaited else "an httpx.Client"
                raise ConfigError(f"{platform}: {wanted} is needed here, not {shown(type(client).__name__)}")
        self._client = client
        self._hosts = hosts
        self._platform = platform
        self._options = options
        self._monotonic = monotonic
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_SILENCE)

    async def send(self, call: Call, deadline: float) -> Answer:
        """
        Send a request and read its answer whole.

        Args:
            call: Signed.
            deadline: When to give up, in seconds of the monotonic clock.

        Raises:
            Broken: There is no whole answer inside the bounds.
            ConfigError: The address is not one of the platform's.
        """
        from crossloyalty.adapters.wire.network import DEADLINE

        url = self._checked_address(call)
        left = deadline - self._monotonic()
        if left <= 0:
            raise Broken("the deadline of the call has passed", unsent=True)
        held = DEADLINE.set(deadline), _OURS.set(True)
        try:
            return await self._exchange(call, url, min(left, self._options.try_s), deadline)
        except Broken:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a client raises is an outage to the caller
            name = type(error).__name__
            if isinstance(error, RuntimeError) and self._client is None:
                # The event loop its connections belonged to has ended.
                self._made.clear()
            broken = Broken(f"no whole answer ({name})", unsent=name in _UNSENT)
        finally:
            DEADLINE.reset(held[0])
            _OURS.reset(held[1])
        # Raised out here: the client's own error knows the address, and it shall not hang on ours.
        raise broken

    def __del__(self) -> None:
        if not self._awaited:
            for client in self._made.values():
                client.close()

    async def close(self) -> None:
        """Close our own client; a host's is the host's."""
        for client in [self._made.pop(process, None) for process in list(self._made)]:
            if client is not None and self._awaited:
                await client.aclose()
            elif client is not None:
                client.close()

    def _checked_address(self, call: Call) -> httpx.URL:
        import httpx

        try:
            url = httpx.URL(call.url)
            host, port = url.host.lower(), url.port
        except (httpx.InvalidURL, ValueError):
            host, url, port = "", None, None
        if url is None or url.userinfo:
            raise ConfigError(f"{self._platform}: {call.name} has an address that is none")
        on_loopback = self._options.allow_loopback and host in ("127.0.0.1", "::1")
        if not on_loopback and (url.scheme != "https" or port not in (None, 443) or host not in self._hosts):
            raise ConfigError(
                f"{self._platform}: {call.name} may go to {', '.join(sorted(self._hosts))} over https alone, not to "
                f"{shown(f'{url.scheme}://{host}')}"
            )
        return url

    def _our_client(self) -> Any:
        process = os.getpid()
        client = self._made.get(process)
        if client is None:
            from crossloyalty.adapters.wire.clients import AsyncGuardedClient, GuardedClient

            make: Any = AsyncGuardedClient if self._awaited else GuardedClient
            client = make(self._monotonic, allow_loopback=self._options.allow_loopback)
            client = self._made.setdefault(process, client)
        return client

    async def _exchange(self, call: Call, url: httpx.URL, timeout_s: float, deadline: float) -> Answer:
        client, address = (self._our_client(), url) if self._client is None else (self._client, call.url)
        headers = {"accept-encoding": "gzip", "user-agent": "crossloyalty", **call.headers}
        request = client.stream(
            call.method, address, headers=headers, content=call.body, timeout=timeout_s, follow_redirects=False
        )
        if self._awaited:
            async with request as response:
                body = _Bounded(response.headers, self._options.most_bytes)
                if _is_read(response):
                    return _answer(response, response.content, self._options.most_bytes)
                async for piece in response.aiter_raw():
                    self._take(body, piece, deadline)
                return _answer(response, body.whole(), self._options.most_bytes)
        with request as response:
            body = _Bounded(response.headers, self._options.most_bytes)
            if _is_read(response):
                return _answer(response, response.content, self._options.most_bytes)
            for piece in response.iter_raw():
                self._take(body, piece, deadline)
            return _answer(response, body.whole(), self._options.most_bytes)

    def _take(self, body: _Bounded, piece: bytes, deadline: float) -> None:
        if self._monotonic() > deadline:
            raise Broken("the deadline of the call has passed")
        body.take(piece)


def _is_read(response: Any) -> bool:
    """Say whether a client, such as a host's stand-in, has the body already."""
    return getattr(response, "is_stream_consumed", False) is True


def _answer(response: Any, body: bytes, most_bytes: int) -> Answer:
    if len(body) > most_bytes:
        raise Broken("an answer larger than it may be")
    headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, body=body)


class _Bounded:
    """A body that is unpacked piece by piece and never grows past its bound (F-35)."""

    def __init__(self, headers: Any, most_bytes: int) -> None:
        coding = (headers.get("content-encoding") or "identity").strip().lower()
        if coding not in ("identity", "gzip", "x-gzip", "deflate"):
            raise Broken("an encoding nobody asked for")
        self._unpack = None if coding == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._pieces: list[bytes] = []
        self._left = most_bytes
        self._raw_left = most_bytes

    def take(self, piece: bytes) -> None:
        """Take the next bytes as they came over the wire."""
        self._raw_left -= len(piece)
        if self._unpack is not None:
            try:
                piece = self._unpack.decompress(piece, self._left + 1)
            except zlib.error:
                raise Broken("an answer whose encoding is broken") from None
        self._left -= len(piece)
        if self._left < 0 or self._raw_left < 0:
            raise Broken("an answer larger than it may be")
        self._pieces.append(piece)

    def whole(self) -> bytes:
        """Give the body."""
        if self._unpack is not None and not self._unpack.eof and self._pieces:
            raise Broken("an answer that was cut off")
        return b"".join(self._pieces)
