"""
The base of the doubles: a real HTTP server on 127.0.0.1 in a thread, with faults, tokens and its own records.

A platform's double fills in what is said in its words: how a call is answered, how "too fast", "your token is over" and
"no such thing" sound, and what a pushed message looks like.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Final, Self
from urllib.parse import parse_qs, urlsplit

import attrs

from crossloyalty.application.sources import Incoming
from crossloyalty.application.world import system_clock
from crossloyalty.testing.doubles.book import Book
from crossloyalty.testing.doubles.faults import FaultKind, Faults

__all__ = ["Double", "Reply", "Request"]

_BOMB_BYTES: Final = 64 * 1024 * 1024
_LONGEST_DRIP_S: Final = 20.0


@attrs.frozen(kw_only=True)
class Request:
    """
    A call as it arrived.

    Args:
        method, path: As on the request line; the path without its query.
        query, form: Parameters of the address, and of a form in the body; the first of each name.
        headers: By lower-case name.
        body: Raw.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> Mapping[str, str]:
        """The body read as a form."""
        return _pairs(self.body.decode("utf-8", "replace"))

    def json(self) -> Any:
        """Give the body read as JSON."""
        return json.loads(self.body)


@attrs.frozen(kw_only=True)
class Reply:
    """What a double answers."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = attrs.field(factory=lambda: {"content-type": "application/json"})

    @classmethod
    def of(cls, value: Any, status: int = 200) -> Self:
        """Answer a value as JSON."""
        return cls(status=status, body=json.dumps(value, ensure_ascii=False).encode())


class Double:
    """
    The base of a platform's double; use it as a context manager.

    Args:
        book: What is true.
        faults: What goes wrong.
        clock: Gives the present moment as an aware datetime; the one the source under test has.
    """

    platform: ClassVar[str] = ""

    def __init__(
        self, book: Book, *, faults: Faults | None = None, clock: Callable[[], datetime] = system_clock
    ) -> None:
        self.book = book
        self.faults = faults or Faults()
        self.clock = clock
        self.calls: list[str] = []
        self.refreshes = 0
        self.authorised = False  # by `first_tokens`; else the source fetches its first token itself, which counts
        self.expiries = 0
        self.pages = 0
        self.refused: list[str] = []
        self.on_call: Callable[[Request], None] = lambda _: None
        self._lock = threading.RLock()
        self._token_no = 0
        self._message_no = 0
        self._spent_refresh: str | None = None
        self._used = 0
        self._over = True
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    # -- what a platform fills in ------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        """Check the signature and answer the call in the platform's own form."""
        raise NotImplementedError

    def throttled(self, advised_s: float) -> Reply:
        """Say "too fast, wait so long" in the platform's words."""
        return Reply(status=429, headers={"retry-after": f"{max(1, round(advised_s))}"})

    def expired(self) -> Reply:
        """Say "your access token is over" in the platform's words."""
        raise NotImplementedError

    def message(self, order_no: str, *, refund_id: str = "", message_id: str = "") -> Incoming:
        """Give the signed message that the platform would send about an order; a new id unless one is given."""
        raise NotImplementedError

    def new_message_id(self) -> str:
        """Give an id no message has had."""
        with self._lock:
            self._message_no += 1
            return f"msg-{self._message_no}"

    # -- tokens ------------------------------------------------------------------------------------------------------

    @property
    def access_token(self) -> str:
        """The access token in force."""
        return f"access-{self._token_no}-canary"

    @property
    def refresh_token(self) -> str:
        """The refresh token in force."""
        return f"refresh-{self._token_no}-canary"

    def first_tokens(self) -> tuple[str, str]:
        """Give access and refresh token as a merchant's authorisation gives them; no refresh is counted."""
        with self._lock:
            self.authorised = True
            self._token_no += 1
            self._used, self._over = 0, False
            return self.access_token, self.refresh_token

    def renewed(self, refresh_token: str | None) -> tuple[str, str] | None:
        """
        Answer a refresh: new tokens, and it is counted; None for a refresh token that is not in force.

        As long as nobody has used the new tokens the same refresh gives them again: the answer may have been lost.
        """
        with self._lock:
            if not self._used and not self._over and refresh_token in (None, self._spent_refresh):
                return self.access_token, self.refresh_token
            if refresh_token is not None and refresh_token != self.refresh_token:
                return None
            self.refreshes += 1
            self._spent_refresh = refresh_token
            self._token_no += 1
            self._used, self._over = 0, False
            return self.access_token, self.refresh_token

    def token_is_good(self, access_token: str | None) -> bool:
        """Count a use of an access token, and say whether it is the one in force and not over."""
        with self._lock:
            if access_token != self.access_token or self._over:
                return False
            self._used += 1
            if self.faults.expire_every and self._used > self.faults.expire_every:
                self._expire()
                return False
            return True

    def _expire(self) -> None:
        if not self._over:
            self._over = True
            self.expiries += 1

    # -- pages -------------------------------------------------------------------------------------------------------

    def turned_page(self) -> None:
        """Call it after each page was answered: this is where orders change between two pages."""
        with self._lock:
            self.pages += 1
            every = self.faults.drift_every
            drifts = bool(every) and self.pages % every == 0
        if drifts:
            self.book.drift(self.faults.drift_orders, at=self.clock().replace(microsecond=0))

    # -- the server --------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where it listens, such as "http://127.0.0.1:41234"."""
        if self._server is None:
            raise RuntimeError("the double is not running; use it in a with block")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        double = self

        class Handler(_Handler):
            @property
            def owner(self) -> Double:
                return double

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def handle(self, request: Request) -> tuple[FaultKind | None, Reply]:
        """Answer one call, with what goes wrong with it."""
        self.on_call(request)
        with self._lock:
            fault = self.faults.next()
            self.calls.append(f"{request.method} {request.path}")
            if fault is FaultKind.EXPIRE:
                self._expire()
        if fault is FaultKind.THROTTLE:
            return None, self.throttled(self.faults.advised_s)
        if fault is FaultKind.DELAY:
            time.sleep(self.faults.delay_s)
        if fault in (None, FaultKind.DELAY, FaultKind.CUT, FaultKind.EXPIRE):
            return fault, self.answer(request)
        return fault, _BROKEN.get(fault, Reply)() if fault is not None else Reply()


def _html() -> Reply:
    return Reply(body="<html><body>系统繁忙</body></html>".encode(), headers={"content-type": "text/html"})


@cache
def _bomb() -> bytes:
    return gzip.compress(bytes(_BOMB_BYTES), 6)


_BROKEN: Final[Mapping[FaultKind, Callable[[], Reply]]] = {
    FaultKind.ERROR: lambda: attrs.evolve(_html(), status=502),
    FaultKind.HTML: _html,
    FaultKind.EMPTY: lambda: Reply(body=b""),
    FaultKind.WRONG: lambda: Reply(body=b'[[1, null, "x", {"data": 5}]]'),
    FaultKind.DEEP: lambda: Reply(body=b"[" * 100_000 + b"]" * 100_000),
    FaultKind.HUGE: lambda: Reply(body=b'{"x":"' + b"x" * (9 * 1024 * 1024) + b'"}'),
    FaultKind.BOMB: lambda: Reply(body=_bomb(), headers={"content-encoding": "gzip"}),
    FaultKind.REDIRECT: lambda: Reply(status=302, body=b"", headers={"location": "http://127.0.0.1:9/elsewhere"}),
}


def _pairs(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without this each answer waits 40 ms for the client's acknowledgement of its header lines.
    disable_nagle_algorithm = True
    wbufsize = -1

    @property
    def owner(self) -> Double:
        """The double it answers for."""
        raise NotImplementedError

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has there
        """Say nothing: addresses carry tokens."""

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=_pairs(parts.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        try:
            fault, reply = self.owner.handle(request)
            self._send(fault, reply)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _send(self, fault: FaultKind | None, reply: Reply) -> None:
        if fault is FaultKind.DROP:
            self.close_connection = True
            return
        if fault is FaultKind.HEADER_DRIP:
            self.close_connection = True
            self._drip(b"HTTP/1.1 200 OK\r\nx-slow: " + b"x" * 10_000)
            return
        if fault is FaultKind.DRIP:
            reply = attrs.evolve(reply, body=reply.body + b" " * 10_000)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        if fault is FaultKind.DRIP:
            self.close_connection = True
            self._drip(reply.body)
        elif fault is FaultKind.CUT:
            self.close_connection = True
            self.wfile.write(reply.body[: len(reply.body) // 2])
        else:
            self.wfile.write(reply.body)

    def _drip(self, body: bytes) -> None:
        until = time.monotonic() + _LONGEST_DRIP_S
        for place in range(len(body)):
            if time.monotonic() > until:
                return
            self.wfile.write(body[place : place + 1])
            self.wfile.flush()
            time.sleep(self.owner.faults.drip_s)
