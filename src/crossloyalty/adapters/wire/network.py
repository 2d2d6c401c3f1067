"""
Sockets that keep to two rules: no byte goes to an address inside somebody's own network, none comes after the deadline.

Both sit below HTTP and TLS, because a platform's name may resolve anywhere, and because a peer that sends one byte now
and then keeps every single read within its time-out (F-34), in the header lines as well as in the body.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, Final

import httpcore

__all__ = ["DEADLINE", "AsyncGuardedBackend", "GuardedBackend", "anyio_backend", "is_outside"]

# The deadline of the call under way, in seconds of the monotonic clock; goes along with the task or thread.
DEADLINE: ContextVar[float | None] = ContextVar("crossloyalty_deadline", default=None)


# What an IPv6 address may be called by: the part given out as global unicast (IANA, IPv6 address space), and the NAT64
# prefix that every network has in common (RFC 6052). Everything else is somebody's own network, or a form that carries
# an IPv4 address and is not routed: IPv4-compatible, IPv4-translated, the local NAT64 prefix 64:ff9b:1::/48 (RFC 8215).
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# The middle of an interface id that ends with an IPv4 address (ISATAP, RFC 5214), of a private and of a global one.
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)
_LOW_32: Final = 0xFFFF_FFFF


def is_outside(address: str, *, allow_loopback: bool) -> bool:
    """
    Say whether an address may be called.

    Args:
        address: As the connected socket names its peer; an IPv4 address that an IPv6 one carries has to be fit as well.
        allow_loopback: 127.0.0.0/8 and ::1 are fine as well.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    if found.is_loopback:
        return allow_loopback
    return _is_public(found) if isinstance(found, ipaddress.IPv4Address) else _is_public_v6(found)


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    # `is_private` is not enough: 100.100.100.200, a cloud's metadata address, is neither private nor global.
    return address.is_global and not address.is_multicast


def _is_public_v6(address: ipaddress.IPv6Address) -> bool:
    last = ipaddress.IPv4Address(int(address) & _LOW_32)
    if address in _NAT64:
        return _is_public(last)
    if address not in _GLOBAL_UNICAST or address.teredo is not None:
        return False
    if (int(address) >> 32) & _LOW_32 in _ISATAP and not _is_public(last):
        return False
    # Whether 6to4 addresses are global themselves depends on Python's version.
    return _is_public(address.sixtofour or address)


class _Guard:
    def __init__(self, monotonic: Callable[[], float], allow_loopback: bool) -> None:
        self._monotonic = monotonic
        self._allow_loopback = allow_loopback

    def left(self, timeout: float | None, error: type[Exception]) -> float | None:
        """Give the shorter of a time-out and what is left until the deadline."""
        deadline = DEADLINE.get()
        if deadline is None:
            return timeout
        left = deadline - self._monotonic()
        if left <= 0:
            raise error("the deadline of the call has passed")
        return left if timeout is None else min(timeout, left)

    def check(self, stream: httpcore.NetworkStream | httpcore.AsyncNetworkStream) -> None:
        """Refuse a peer inside."""
        peer: Any = stream.get_extra_info("server_addr")
        if not (peer and is_outside(str(peer[0]), allow_loopback=self._allow_loopback)):
            raise httpcore.ConnectError("the name leads to an address that is not public")


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, guard: _Guard) -> None:
        self._inner = inner
        self._guard = guard

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._guard.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._guard.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._guard.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._guard)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """
    Plain sockets.

    Args:
        monotonic: Counts seconds.
        allow_loopback: Doubles on 127.0.0.1 may be called.
    """

    def __init__(self, monotonic: Callable[[], float], *, allow_loopback: bool) -> None:
        self._guard = _Guard(monotonic, allow_loopback)
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect, and look at whom it is."""
        left = self._guard.left(timeout, httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, left, local_address, socket_options)
        try:
            self._guard.check(stream)
        except BaseException:
            stream.close()
            raise
        return _Stream(stream, self._guard)


class _AsyncStream(httpcore.AsyncNetworkStream):
    def __init__(self, inner: httpcore.AsyncNetworkStream, guard: _Guard) -> None:
        self._inner = inner
        self._guard = guard

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, self._guard.left(timeout, httpcore.ReadTimeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, self._guard.left(timeout, httpcore.WriteTimeout))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        left = self._guard.left(timeout, httpcore.ConnectTimeout)
        return _AsyncStream(await self._inner.start_tls(ssl_context, server_hostname, left), self._guard)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def anyio_backend() -> httpcore.AsyncNetworkBackend:
    """Give the sockets and pauses of whatever event loop runs."""
    made: Any = httpcore.AnyIOBackend()
    backend: httpcore.AsyncNetworkBackend = made
    return backend


class AsyncGuardedBackend(httpcore.AsyncNetworkBackend):
    """`GuardedBackend`, awaited; on asyncio and Trio."""

    def __init__(self, monotonic: Callable[[], float], *, allow_loopback: bool) -> None:
        self._guard = _Guard(monotonic, allow_loopback)
        self._inner = anyio_backend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, and look at whom it is."""
        left = self._guard.left(timeout, httpcore.ConnectTimeout)
        stream = await self._inner.connect_tcp(host, port, left, local_address, socket_options)
        try:
            self._guard.check(stream)
        except BaseException:
            await stream.aclose()
            raise
        return _AsyncStream(stream, self._guard)

    async def sleep(self, seconds: float) -> None:
        """Pause."""
        await self._inner.sleep(seconds)
