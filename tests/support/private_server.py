"""
A database server of a test's own, in a temporary folder: to be killed, restarted and set up at will.

Works for root too: PostgreSQL refuses to run as root, so the folder then belongs to an account that may run it. What a
killed process acknowledged is kept, what a power cut would lose is not: nothing is synced to the disk, for speed.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final

from servers import MYSQLD_VARIABLE, Kind, MissingServerError, Server, create_database

__all__ = ["PrivateServer", "anyones_folder", "first_account", "private_server", "programs"]

_PATIENCE_S: Final = 60.0
_PAUSE_S: Final = 0.02
_PLACES: Final = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/mysql/bin", "/usr/local/pgsql/bin")

# Waits for the end of its input, which comes when the test process is gone, however it went.
_GUARD: Final = 'read -r _; kill -QUIT "$1"; sleep 1; kill -KILL "$1"; rm -rf "$2"'


@contextmanager
def private_server(kind: Kind, settings: Mapping[str, str | int] | None = None) -> Iterator[PrivateServer]:
    """
    Run a server for the length of the block.

    Args:
        kind: Which.
        settings: By the server's own names, such as `{"deadlock_timeout": "100ms"}`; they win over the defaults here.

    Raises:
        MissingServerError: Its programs are not installed.
    """
    server = (_PrivatePostgresql if kind == "postgresql" else _PrivateMysql)(settings or {})
    try:
        server.start()
        yield server
    finally:
        server.stop()


class PrivateServer:
    """
    One server: `kill()` it as a power cut does to a process, `restart()` it, `stop()` it for good.

    Attributes:
        server: How it is reached, as an account that may do all.
    """

    kind: ClassVar[Kind]
    defaults: ClassVar[Mapping[str, str | int]]
    accounts: ClassVar[Sequence[str]]  # who may run it when we are root, first wish first
    ending: ClassVar[signal.Signals]  # asks it to end in good order
    server: Server

    def __init__(self, settings: Mapping[str, str | int]) -> None:
        self._settings = {**self.defaults, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._findprograms()
        self.folder = Path(tempfile.mkdtemp(prefix="crossloyalty-", dir=anyones_folder()))
        self.data = self.folder / "data"
        self.server = self._address()
        self._account = first_account(self.accounts) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)

    def _findprograms(self) -> None:
        """Raise `MissingServerError` when they are not installed."""
        raise NotImplementedError

    def _address(self) -> Server:
        raise NotImplementedError

    def _initialising(self) -> Sequence[str]:
        """Give the command that fills the data folder."""
        raise NotImplementedError

    def _running(self) -> Sequence[str]:
        """Give the command that is the server."""
        raise NotImplementedError

    def new_database(self) -> Server:
        """Make one more empty database; it goes with the server."""
        return create_database(self.server)

    @property
    def log(self) -> str:
        """What the server has written so far."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start it and wait until it lets us in."""
        if not self.data.exists() and self._spawn(self._initialising()).wait(_PATIENCE_S) != 0:
            raise RuntimeError(f"the private {self.kind} server cannot be set up: {self.log[-2000:]}")
        self._process = self._spawn(self._running())
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", str(self._process.pid), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        give_up_at = time.monotonic() + _PATIENCE_S
        while (refusal := self._refusal()) is not None:
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"the private {self.kind} server does not start: {refusal}\n{self.log[-2000:]}")
            time.sleep(_PAUSE_S)

    def kill(self) -> None:
        """Take every process of it away at once, as SIGKILL does; return when all are gone."""
        if self._process is None:
            return
        self._dismiss_guard()
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGSTOP)  # or it might start another child while we count
        family = _descendants(self._process.pid)
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._process = None
        give_up_at = time.monotonic() + _PATIENCE_S
        while any(_is_alive(pid) for pid in family) and time.monotonic() < give_up_at:
            time.sleep(_PAUSE_S)

    def restart(self) -> None:
        """Start it again, on the same data and at the same address; in good order first when it still runs."""
        if self._process is not None:
            self._process.send_signal(self.ending)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE_S)
        self.kill()
        self.start()

    def stop(self) -> None:
        """End it for good and remove its folder; a second time does nothing."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        other = self._account.pw_uid != os.geteuid()
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                # A MariaDB that starts removes all temporary tables of its temporary folder, another server's too.
                env={**os.environ, "TMPDIR": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests; they end us
                user=self._account.pw_uid if other else None,
                group=self._account.pw_gid if other else None,
                extra_groups=[] if other else None,
            )

    def _refusal(self) -> Exception | None:
        """Connect once; give what went wrong."""
        try:
            # PyMySQL leaves its socket open when nobody listens, so it does not get to try before somebody does.
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.server.address))
            if self.kind == "postgresql":
                import psycopg

                psycopg.connect(self.server.conninfo, connect_timeout=10).close()
            else:
                import pymysql

                pymysql.connect(**self.server.pymysql, connect_timeout=10).close()
        except Exception as refusal:  # noqa: BLE001  # whatever it is, it is not up yet
            return refusal
        return None

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None


class _PrivatePostgresql(PrivateServer):
    kind = "postgresql"
    accounts = ("postgres", "nobody")
    ending = signal.SIGINT
    defaults: ClassVar = {
        "listen_addresses": "",
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": 300,
        "shared_buffers": "64MB",
    }

    def _findprograms(self) -> None:
        # Debian keeps them out of PATH, a folder for each version.
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(3))
        self._initdb, self._postgres = programs("initdb", "postgres", places=[*map(str, reversed(versions))])

    def _address(self) -> Server:
        return Server("postgresql", str(self.folder), 5432, "postgres", database="postgres")

    def _initialising(self) -> Sequence[str]:
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        return [self._initdb, "-D", str(self.data), *options]

    def _running(self) -> Sequence[str]:
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        return [self._postgres, "-D", str(self.data), "-k", self.server.host, "-p", str(self.server.port), *settings]


class _PrivateMysql(PrivateServer):
    kind = "mysql"
    accounts = ("mysql", "root")
    ending = signal.SIGTERM
    defaults: ClassVar = {
        "skip_networking": "ON",
        "loose_innodb_flush_method": "nosync",
        "sync_binlog": 0,  # MySQL 8 keeps a binary log unless told otherwise
        "loose_mysqlx": "OFF",
        "max_connections": 300,
        "innodb_buffer_pool_size": "64M",
    }

    def _findprograms(self) -> None:
        self._install: str | None = None
        if given := os.environ.get(MYSQLD_VARIABLE):
            [self._mysqld] = programs(given, places=())
            return
        try:
            self._install, self._mysqld = programs("mariadb-install-db", "mariadbd", places=_PLACES)
        except MissingServerError:
            [self._mysqld] = programs("mysqld", places=_PLACES)

    def _address(self) -> Server:
        return Server("mysql", str(self.folder / "mysql.sock"), 3306, "root")

    def _initialising(self) -> Sequence[str]:
        if self._install is None:
            return [self._mysqld, *self._common(), "--initialize-insecure"]
        return [self._install, *self._common(), "--auth-root-authentication-method=normal", "--skip-test-db"]

    def _running(self) -> Sequence[str]:
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        pid_file = f"--pid-file={self.folder / 'mysqld.pid'}"
        return [self._mysqld, *self._common(), f"--socket={self.server.host}", pid_file, *settings]

    def _common(self) -> Sequence[str]:
        # Packages name a folder for files that is there only where the whole package is installed.
        return ["--no-defaults", f"--datadir={self.data}", f"--user={self._account.pw_name}", "--secure-file-priv="]


def programs(*names: str, places: Sequence[str]) -> list[str]:
    """Find programs in PATH or in the places where packages put them."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *places])
    found = [shutil.which(name, path=path) for name in names]
    if None in found:
        raise MissingServerError(f"{' and '.join(names)}: not installed")
    return [program for program in found if program is not None]


def first_account(names: Sequence[str]) -> pwd.struct_passwd:
    """Give the first of these accounts that is there."""
    for name in names:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise MissingServerError(f"run as root, and there is none of the accounts {', '.join(names)}")


def anyones_folder() -> str:
    """Give the temporary folder, unless another account could not reach into it."""
    folder = Path(tempfile.gettempdir()).resolve()
    reachable = all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))
    return str(folder) if reachable else "/tmp"


def _descendants(pid: int) -> list[int]:
    """Give every process below one, from Linux's /proc; nothing where there is no /proc."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        if (stat := _stat(int(place.name))) is not None:
            children.setdefault(int(stat[1]), []).append(int(place.name))
    found, rest = [], [pid]
    while rest:
        below = children.get(rest.pop(), [])
        found += below
        rest += below
    return found


def _stat(pid: int) -> list[str] | None:
    """Give state and parent of a process, and what follows; None when it is gone."""
    try:
        # The program's name stands in parentheses and may hold anything.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _is_alive(pid: int) -> bool:
    stat = _stat(pid)
    return stat is not None and stat[0] != "Z"
