"""
A proxy on loopback, in threads of this process, that makes the link to a database server fail at a chosen moment.

What it counts are COMMITs of transactions that may write (not those begun READ ONLY), over all its connections, from
the moment `at_commit` is called. A COMMIT stands last in its text; PostgreSQL's extended protocol is followed through
names of prepared statements and portals, inside a pipeline too.

"before"
    The message that asks for the COMMIT is withheld, with everything the client sent behind it. What it sent before
    has been forwarded, also in the same segment: on PostgreSQL the server has run those statements. A MySQL text such
    as "UPDATE ...; COMMIT" is one message and withheld whole. Asked is counted: a COMMIT that would have failed too.
"after"
    The server has committed, its answer to the COMMIT is withheld, with everything behind it. Done is counted: a COMMIT
    that failed, or was skipped after an error in its batch, passes through and does not count.

"cut" then closes both sides, and the client reads the end of the stream; the server rolls back what it has not
committed, a moment later. "freeze" leaves both sides open and moves nothing in either direction: the server does not
learn that the client went away, and the other way round, until `thaw()`, which forwards what was withheld.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, Self

from attrs import define
from servers import Server
from wire import Piece, Wire
from wire_mysql import MysqlWire
from wire_postgresql import PostgresqlWire

__all__ = ["FaultyProxy", "faulty_proxy"]

_MOST_AT_ONCE = 1 << 16


@contextmanager
def faulty_proxy(upstream: Server) -> Iterator[FaultyProxy]:
    """Run a proxy to a database for the length of the block; `proxy.server` is that database seen through it."""
    with FaultyProxy(upstream) as proxy:
        yield proxy


@define
class _Fault:
    """What happens at which COMMIT; `left` counts down to 0."""

    action: Literal["cut", "freeze"]
    when: Literal["before", "after"]
    left: int


class FaultyProxy:
    """
    See the module.

    Attributes:
        server: The database, at the proxy's own address.
        fired: Set when the fault armed by `at_commit` has happened.
    """

    def __init__(self, upstream: Server) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.server = upstream.at("127.0.0.1", self._listener.getsockname()[1])
        self.fired = threading.Event()
        self.lock = threading.Condition()
        self._links: set[_Link] = set()
        self._fault: _Fault | None = None
        self._delay_s = 0.0
        self._freezes_new = False
        self._is_closed = threading.Event()
        self._acceptor = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self._acceptor.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -----------------------------------------------------------------------------------------------------------------
    # What a test orders
    # -----------------------------------------------------------------------------------------------------------------

    def at_commit(self, action: Literal["cut", "freeze"], when: Literal["before", "after"], *, nth: int = 1) -> None:
        """
        Arm one fault, instead of any armed before; it happens once, to the connection whose COMMIT is the nth from now.

        Args:
            action: Close both sides, or leave both open and silent.
            when: Before the server gets the COMMIT, or after it has committed.
            nth: 1 is the next.
        """
        with self.lock:
            self.fired.clear()
            self._fault = _Fault(action, when, nth)

    def disarm(self) -> None:
        """Forget the fault that was armed; one that has happened is not undone."""
        with self.lock:
            self._fault = None

    def freeze(self, *, also_new: bool = False) -> None:
        """
        Stop moving anything on every connection there is.

        Args:
            also_new: Also on those made from now on: they are accepted and hear nothing.
        """
        with self.lock:
            self._freezes_new = also_new
            for link in self._links:
                link.is_frozen = True

    def thaw(self) -> None:
        """Go on moving, with what was withheld first; a side that has gone away is then noticed by the other."""
        with self.lock:
            self._freezes_new = False
            for link in self._links:
                link.is_frozen = False
            self.lock.notify_all()

    def delay(self, seconds: float) -> None:
        """Hold each packet that long, in both directions: a round trip takes twice as much. 0 ends it."""
        self._delay_s = seconds

    def cut(self) -> None:
        """Close both sides of every connection there is."""
        with self.lock:
            for link in self._links:
                link.cut()

    @property
    def connections(self) -> int:
        """How many connections there are now, frozen ones too."""
        with self.lock:
            return len(self._links)

    def close(self) -> None:
        """Cut everything and stop; a second time does nothing."""
        if self._is_closed.is_set():
            return
        self._is_closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._acceptor.join()
        self._listener.close()
        self.cut()
        with self.lock:
            links = list(self._links)
        for link in links:
            link.join()

    # -----------------------------------------------------------------------------------------------------------------
    # What its threads do
    # -----------------------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._is_closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = _connected(self._upstream)
            except OSError:
                client.close()  # the server is down, and so are we
                continue
            link = _Link(self, _prompt(client), server)
            with self.lock:
                link.is_frozen = self._freezes_new
                self._links.add(link)
            link.start()

    def meet(self, link: _Link, piece: Piece) -> None:
        """Let a piece meet the armed fault, just before it would be forwarded."""
        with self.lock:
            fault = self._fault
            if fault is None or piece.mark != ("commit" if fault.when == "before" else "committed"):
                return
            fault.left -= 1
            if fault.left > 0:
                return
            self._fault = None
            if fault.action == "freeze":
                link.is_frozen = True
            self.fired.set()  # before the client can notice
            if fault.action == "cut":
                link.cut()

    def forget(self, link: _Link) -> None:
        """Take an ended connection off the list."""
        with self.lock:
            self._links.discard(link)

    def hold(self) -> None:
        """Wait for the delay of one packet."""
        if self._delay_s:
            self._is_closed.wait(self._delay_s)


class _Link:
    """One client's connection and the one made for it to the server, with a thread for each direction."""

    def __init__(self, proxy: FaultyProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._sockets = (client, server)
        wire: Wire = PostgresqlWire() if proxy.server.kind == "postgresql" else MysqlWire()
        self._threads = (
            threading.Thread(target=self._pump, args=(client, server, wire.from_client), name="to-server", daemon=True),
            threading.Thread(target=self._pump, args=(server, client, wire.from_server), name="to-client", daemon=True),
        )
        self._running = len(self._threads)
        self.is_frozen = False
        self._is_cut = False

    def start(self) -> None:
        """Begin to move."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait for the end of both directions."""
        for thread in self._threads:
            thread.join()

    def cut(self) -> None:
        """Close both sides, frozen or not. A shutdown, because a forked process may hold the sockets too."""
        with self._proxy.lock:
            self._is_cut = True
            self._proxy.lock.notify_all()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _pump(self, source: socket.socket, sink: socket.socket, read: Callable[[bytes], Iterator[Piece]]) -> None:
        try:
            while data := source.recv(_MOST_AT_ONCE):
                self._proxy.hold()
                self._forward(read(data), source, sink)
        except OSError:
            pass  # this side is gone: so is the other, below
        finally:
            self._wait_while_frozen()  # half-open: nobody hears of it until then
            self._end()

    def _forward(self, pieces: Iterator[Piece], source: socket.socket, sink: socket.socket) -> None:
        together = b""
        for piece in pieces:
            if piece.reply:
                source.sendall(piece.reply)
            if piece.mark is not None:
                self._send(sink, together)
                together = b""
                self._proxy.meet(self, piece)
            together += piece.data
        self._send(sink, together)

    def _send(self, sink: socket.socket, data: bytes) -> None:
        self._wait_while_frozen()
        if self._is_cut:
            raise ConnectionError("cut")
        sink.sendall(data)

    def _wait_while_frozen(self) -> None:
        with self._proxy.lock:
            self._proxy.lock.wait_for(lambda: self._is_cut or not self.is_frozen)

    def _end(self) -> None:
        self.cut()
        with self._proxy.lock:
            self._running -= 1
            if self._running:
                return
        for each in self._sockets:
            each.close()
        self._proxy.forget(self)


def _connected(server: Server) -> socket.socket:
    if isinstance(server.address, tuple):
        return _prompt(socket.create_connection(server.address))
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.connect(server.address)
    except OSError:
        connected.close()
        raise
    return connected


def _prompt(connected: socket.socket) -> socket.socket:
    """Send small packets at once, as both drivers and both servers do."""
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected
