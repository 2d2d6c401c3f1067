"""What our part of a host's transaction begins with, database by database."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import attrs

from crossloyalty.errors import ConfigError
from crossloyalty.storage._sql.ddl import VERSION_TABLE
from crossloyalty.storage._sql.dialect import Dialect
from crossloyalty.storage._sql.host_errors import MYSQL_FAULTS, POSTGRESQL_FAULTS, SQLITE_FAULTS, HostFaults
from crossloyalty.storage._sql.link import Call
from crossloyalty.storage._sql.many import Many
from crossloyalty.storage._sql.mysql_dialect import MYSQL, MYSQL_ALIASED, takes_alias
from crossloyalty.storage._sql.postgresql_dialect import POSTGRESQL
from crossloyalty.storage._sql.sqlite_dialect import SQLITE
from crossloyalty.storage._sql.statements import Statements

__all__ = ["HostWords", "many_of", "on_file", "words_of"]


@attrs.frozen
class HostWords:
    """
    How to be a guest on one kind of database.

    Args:
        faults: What errors mean.
        proof: Behind `SAVEPOINT x`: fails where there is no transaction, if the savepoint alone does not.
        writing: What a writing transaction sends first of all.
        session: What is asked once about the session, and what refuses the rows of the answer or gives the statements
            that suit the server better; None when those of the dialect do.
        isolation: Asks how the host's transaction is isolated, where a duplicate may mean that its snapshot is too old.
        counts_changed: Whether a driver may count only the rows an update really changed, not those it found.
    """

    dialect: Dialect
    faults: HostFaults
    proof: str = ""
    writing: str = ""
    session: tuple[Call, Callable[[Sequence[Any]], Many | None]] | None = None
    isolation: str = ""
    counts_changed: bool = False

    def opening(self, name: str, *, writing: bool) -> list[Call]:
        """Give the statements that set our savepoint."""
        calls = [Call(f"SAVEPOINT {name}")]
        if self.proof:
            calls.append(Call(f"{self.proof} {name}"))
        if writing and self.writing:
            calls.append(Call(self.writing))
        return calls

    @property
    def many(self) -> Many:
        """The statements of the dialect."""
        return many_of(self.dialect.name)


@cache
def many_of(name: str) -> Many:
    """Give the statements of a dialect, made once."""
    return Many(Statements(_WORDS[name].dialect))


def words_of(name: str) -> HostWords:
    """
    Give the words for a dialect.

    Raises:
        ConfigError: There is no such one.
    """
    found = _WORDS.get(name)
    if found is None:
        raise ConfigError(f"a database of {', '.join(_WORDS)} can be joined, not of {name}")
    return found


_MYSQL_SESSION: Final = Call(
    "SELECT VERSION(), @@SESSION.sql_mode, @@character_set_client, @@character_set_connection, @@character_set_results"
)


def _of_mysql_session(rows: Sequence[Any]) -> Many | None:
    ((version, mode, *charsets),) = rows
    if {"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"}.isdisjoint(str(mode).split(",")):
        raise ConfigError(
            f"the host's connection has sql_mode={mode!s:.64}: without STRICT_TRANS_TABLES MySQL cuts values off"
        )
    if {*charsets} != {"utf8mb4"}:
        raise ConfigError(f"the host's connection speaks {charsets[0]} and not utf8mb4: connect with charset=utf8mb4")
    return _aliased() if takes_alias(str(version)) else None


@cache
def _aliased() -> Many:
    return Many(Statements(MYSQL_ALIASED))


def on_file(path: str) -> HostWords:
    """Give the words for one SQLite file, which refuse a connection to another."""

    def assert_file(rows: Sequence[Any]) -> None:
        found = next(file for _number, name, file in rows if name == "main")
        if not found or not os.path.samefile(found, path):
            raise ConfigError("this connection leads to another file than the storage's")

    return attrs.evolve(_WORDS["sqlite"], session=(Call("PRAGMA database_list"), assert_file))


_WORDS: Final[dict[str, HostWords]] = {
    "sqlite": HostWords(
        SQLITE,
        SQLITE_FAULTS,
        # Takes the lock of a writer before anything is read: a transaction that has read and then writes does not wait
        # for another writer, it fails.
        writing=f"UPDATE {SQLITE.table(VERSION_TABLE)} SET {SQLITE.name_of('version')} = 1 WHERE 0",
    ),
    "postgresql": HostWords(POSTGRESQL, POSTGRESQL_FAULTS, isolation="SHOW transaction_isolation"),
    "mysql": HostWords(
        MYSQL,
        MYSQL_FAULTS,
        # Outside a transaction MySQL takes a savepoint without a word, and forgets it at once.
        proof="ROLLBACK TO SAVEPOINT",
        session=(_MYSQL_SESSION, _of_mysql_session),
        counts_changed=True,
    ),
}
