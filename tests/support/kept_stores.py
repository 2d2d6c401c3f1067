"""
A store on a server that serves test after test: making its tables takes a server far longer than most tests do.

Each test finds it empty, with nobody else connected and with the tables and triggers that the schema's statements made;
where a test has left anything else behind, the next one gets a new database.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from servers import Kind, Server, create_database, drop_database
from stores import Run, installed, session

from crossloyalty.storage._shape import SHAPES
from crossloyalty.storage._sql.postgresql_dialect import POSTGRESQL

__all__ = ["KeptStore", "kept_store"]

_PATIENCE_S: Final = 30.0
_PAUSE_S: Final = 0.01
_OTHERS: Final[dict[Kind, str]] = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
}
_END: Final[dict[Kind, str]] = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}
_SCHEMA: Final[dict[Kind, tuple[str, ...]]] = {
    "postgresql": (
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
        " WHERE table_schema = current_schema ORDER BY 1, 2",
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema ORDER BY 1",
        "SELECT tgrelid::text, tgname FROM pg_trigger ORDER BY 1, 2",
        "SELECT setconfig::text FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase"
        " WHERE d.datname = current_database()",
    ),
    "mysql": (
        "SELECT table_name, column_name, column_type, is_nullable FROM information_schema.columns"
        " WHERE table_schema = database() ORDER BY 1, 2",
        "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = database() ORDER BY 1",
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = database() ORDER BY 1",
    ),
}


@contextmanager
def kept_store(server: Server) -> Iterator[KeptStore]:
    """Keep a store on a server for the length of the block."""
    kept = KeptStore(server)
    try:
        yield kept
    finally:
        kept.drop()


class KeptStore:
    """See the module."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._made: Server | None = None
        self._shape: list[list[tuple[object, ...]]] = []
        self._versions: list[tuple[object, ...]] = []

    def empty(self) -> Server:
        """Give the database, with the schema and not a row in it."""
        if self._made is not None and not self._emptied(self._made):
            self.drop()
        if self._made is None:
            self._made = installed(create_database(self._server))
            with session(self._made) as run:
                self._shape, self._versions = _shape(run, self._made.kind), _versions(run)
        return self._made

    def drop(self) -> None:
        """Drop the database, if there is one."""
        if self._made is not None:
            drop_database(self._made)
            self._made = None

    def _emptied(self, made: Server) -> bool:
        """Take everything out; say whether it is as new then."""
        with session(made) as run:
            _end_others(run, made.kind)
            if _shape(run, made.kind) != self._shape or _versions(run) != self._versions:
                return False
            run("BEGIN")
            for shape in SHAPES.values():
                # Far quicker than TRUNCATE where a table holds a handful of rows.
                run(f"DELETE FROM {POSTGRESQL.prefix}{shape.table}")
            run("COMMIT")
        return True


def _end_others(run: Run, kind: Kind) -> None:
    """End whoever is connected still, such as a session whose client was killed, and wait until it has gone."""
    give_up_at = time.monotonic() + _PATIENCE_S
    ended: set[int] = set()
    while others := {number for (number,) in run(_OTHERS[kind])}:
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"sessions that do not end: {others}")
        for number in others - ended:
            _end(run, kind, number)
        ended |= others
        time.sleep(_PAUSE_S)


def _end(run: Run, kind: Kind, number: int) -> None:
    from pymysql import MySQLError

    try:
        run(_END[kind].format(number))
    except MySQLError as error:
        if error.args[0] != 1094:  # ER_NO_SUCH_THREAD: it has gone by itself
            raise


def _shape(run: Run, kind: Kind) -> list[list[tuple[object, ...]]]:
    return [run(sql) for sql in _SCHEMA[kind]]


def _versions(run: Run) -> list[tuple[object, ...]]:
    return run(f"SELECT * FROM {POSTGRESQL.prefix}schema_version ORDER BY version")
