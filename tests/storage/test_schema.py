"""Installing, upgrading and recognising the schema on real databases."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from planted_version import COLUMN, OLD_CHECKSUM, old_schema, plant
from reflected_schema import reflected
from sql_databases import SqlDatabase

from crossloyalty.errors import ConfigError
from crossloyalty.storage._sql.ddl import SCHEMA_VERSION, VERSION_TABLE, checksum
from crossloyalty.storage._sql.versions import (
    drop_sql,
    install_sql,
    require_current,
    statements_to,
    upgrade_sql,
    version_sql,
)


def rows_of(database: SqlDatabase) -> list[tuple[object, ...]]:
    return database.run(version_sql(database.dialect))


def fails(database: SqlDatabase, statements: Sequence[str]) -> None:
    """Send statements as a client that stops at the first error, and find one."""
    with pytest.raises(database.error):
        database.run(*statements)


def test_what_install_sql_makes_is_recognised(sql_database: SqlDatabase) -> None:
    """The version row is complete and holds this library's checksum as text."""
    sql_database.run(*install_sql(sql_database.dialect))
    rows = rows_of(sql_database)
    assert rows == [(SCHEMA_VERSION, checksum(sql_database.dialect), 1)]
    require_current(sql_database.dialect, rows)


def test_a_second_installation_changes_nothing(sql_database: SqlDatabase) -> None:
    """The very first statement fails where the version table is there."""
    sql_database.run(*install_sql(sql_database.dialect))
    before = reflected(sql_database)
    fails(sql_database, install_sql(sql_database.dialect))
    assert (reflected(sql_database), len(rows_of(sql_database))) == (before, 1)


@pytest.mark.parametrize("made", [1, 3, -1])
def test_an_interrupted_installation_is_all_nothing_or_refused(sql_database: SqlDatabase, made: int) -> None:
    """MySQL keeps each table it made, so the version table says that some are missing; the others keep nothing."""
    dialect = sql_database.dialect
    statements = install_sql(dialect)[:made]
    fails(sql_database, [*statements, "not a statement"])
    if dialect.transactional_ddl:
        assert reflected(sql_database)["tables"] == []
        return
    with pytest.raises(ConfigError, match="half-applied"):
        require_current(dialect, rows_of(sql_database))
    sql_database.run(*drop_sql(dialect))
    sql_database.run(*install_sql(dialect))
    require_current(dialect, rows_of(sql_database))


def test_drop_sql_removes_all_of_ours_and_nothing_else(sql_database: SqlDatabase) -> None:
    """A table of the host's, also one named nearly like ours, stays."""
    dialect = sql_database.dialect
    theirs = dialect.table("of_the_host")
    sql_database.run(*install_sql(dialect), f"CREATE TABLE {theirs} (x {dialect.integer})")
    sql_database.run(*drop_sql(dialect))
    assert [row[0] for row in reflected(sql_database)["tables"]] == ["crossloyalty_of_the_host"]


def test_an_upgraded_schema_equals_an_installed_one(sql_database: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step's statements run, rows stay, and the version table tells the history."""
    dialect = sql_database.dialect
    sql_database.run(*install_sql(dialect))
    installed = reflected(sql_database)
    sql_database.run(*drop_sql(dialect))
    sql_database.run(*old_schema(dialect))
    assert reflected(sql_database) != installed
    plant(monkeypatch)
    with pytest.raises(ConfigError, match=r"upgrade_sql\(0, 1\)"):
        require_current(dialect, rows_of(sql_database))
    statements = upgrade_sql(dialect, 0, 1)
    assert statements_to(dialect, rows_of(sql_database)) == statements
    sql_database.run(*statements)
    assert reflected(sql_database) == installed
    assert rows_of(sql_database) == [(0, OLD_CHECKSUM, 1), (1, checksum(dialect), 1)]
    require_current(dialect, rows_of(sql_database))
    assert statements_to(dialect, rows_of(sql_database)) == []
    columns = f"{dialect.name_of('tier')}, {dialect.name_of(COLUMN[1])}"
    assert sql_database.run(f"SELECT {columns} FROM {dialect.table(COLUMN[0])}") == [("gold", "")]


def test_a_half_applied_upgrade_is_refused_or_undone(
    sql_database: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MySQL keeps the first changes and says so in the version table; elsewhere nothing has happened."""
    dialect = sql_database.dialect
    sql_database.run(*old_schema(dialect))
    before = reflected(sql_database)
    plant(monkeypatch, "not a statement")
    fails(sql_database, upgrade_sql(dialect, 0, 1))
    rows = rows_of(sql_database)
    if dialect.transactional_ddl:
        assert (rows, reflected(sql_database)) == ([(0, OLD_CHECKSUM, 1)], before)
        return
    assert rows == [(0, OLD_CHECKSUM, 1), (1, checksum(dialect), 0)]
    with pytest.raises(ConfigError, match=r"half-applied \(version 1\)"):
        require_current(dialect, rows)
    with pytest.raises(ConfigError, match="half-applied"):
        statements_to(dialect, rows)
    changed = reflected(sql_database)
    assert changed != before
    fails(sql_database, upgrade_sql(dialect, 0, 1))
    assert (rows_of(sql_database), reflected(sql_database)) == (rows, changed)


OTHERS = [
    [],
    [(0, OLD_CHECKSUM, 0)],
    [(0, "1" * 64, 1)],
    [(0, OLD_CHECKSUM, 1), (1, "1" * 64, 1)],
    [(0, OLD_CHECKSUM, 1), (1, "1" * 64, 0)],
    [(2, OLD_CHECKSUM, 1)],
]


def test_an_upgrade_changes_no_other_store(sql_database: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first statement fails where the store is not whole, or of another version or schema."""
    dialect = sql_database.dialect
    table = dialect.table(VERSION_TABLE)
    sql_database.run(*old_schema(dialect))
    before = reflected(sql_database)
    plant(monkeypatch)
    for rows in OTHERS:
        # In this mode MySQL keeps 0 where NULL was given; only of an empty table nothing can be said then.
        lenient = ["SET SESSION sql_mode = ''"] if dialect.name == "mysql" and rows else []
        sql_database.run(f"DELETE FROM {table}", *(f"INSERT INTO {table} VALUES {row}" for row in rows))
        fails(sql_database, [*lenient, *upgrade_sql(dialect, 0, 1)])
        assert (rows_of(sql_database), reflected(sql_database)) == (rows, before)
