"""A real PgBouncer in transaction mode, started from the installed program in front of one database."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from private_server import anyones_folder, first_account, programs
from servers import Server

__all__ = ["pgbouncer"]

_PATIENCE_S: Final = 20
_SETTINGS: Final = """
[databases]
{database} = {where}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
"""


@contextmanager
def pgbouncer(server: Server) -> Iterator[Server]:
    """
    Give a database through a pooler that lends each transaction one of three connections.

    Raises:
        MissingServerError: PgBouncer is not installed.
    """
    (program,) = programs("pgbouncer", places=["/usr/sbin", "/usr/local/sbin"])
    folder = Path(tempfile.mkdtemp(prefix="crossloyalty-pooler-", dir=anyones_folder()))
    account = first_account(["postgres", "nobody"]) if os.geteuid() == 0 else None
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    password = f" password={server.password}" if server.password else ""
    where = f"host={server.host} port={server.port} dbname={server.database} user={server.user}{password}"
    settings = folder / "pgbouncer.ini"
    settings.write_text(_SETTINGS.format(database=server.database, where=where, port=port), encoding="utf-8")
    folder.chmod(0o755)
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [program, str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
    try:
        _wait_for(port, running, folder / "log")
        yield server.at("127.0.0.1", port)
    finally:
        running.kill()
        running.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while running.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"PgBouncer did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")
