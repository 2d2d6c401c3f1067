"""An SQLite file whose schema is older is upgraded by opening it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from planted_version import COLUMN, OLD_CHECKSUM, old_schema, plant
from reflected_schema import reflected
from sql_databases import SqlDatabase

from crossloyalty.domain.records import Key, MemberRecord
from crossloyalty.errors import ConfigError, CrossloyaltyError
from crossloyalty.storage._sql.ddl import checksum
from crossloyalty.storage._sql.sqlite_dialect import SQLITE
from crossloyalty.storage._sql.versions import version_sql
from crossloyalty.storage.sqlite import SqliteStorage

MEMBER = Key(MemberRecord, ("p", "m"))


@pytest.fixture
def old(tmp_path: Path) -> SqlDatabase:
    """Give a file of version 0."""
    database = SqlDatabase(SQLITE, tmp_path / "old.db")
    database.run(*old_schema(SQLITE))
    return database


def path_of(database: SqlDatabase) -> Path:
    assert isinstance(database.where, Path)
    return database.where


def test_opening_upgrades(old: SqlDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file gets the shape of a new one, keeps its rows, and opens again as it is."""
    plant(monkeypatch)
    SqliteStorage(path_of(old)).close()
    SqliteStorage(tmp_path / "new.db").close()
    assert reflected(old) == reflected(SqlDatabase(SQLITE, tmp_path / "new.db"))
    assert old.run(version_sql(SQLITE)) == [(0, OLD_CHECKSUM, 1), (1, checksum(SQLITE), 1)]
    with SqliteStorage(path_of(old)) as storage, storage.transaction(readonly=True) as tx:
        member = tx.read([MEMBER]).records[MEMBER]
    assert member == MemberRecord("p", "m", version=1, last_at=5, tier="gold")


def test_an_unknown_old_file_stays_as_it_is(old: SqlDatabase) -> None:
    """Without a step from its version nothing is tried."""
    before = reflected(old)
    with pytest.raises(ConfigError, match="unknown schema version 0"):
        SqliteStorage(path_of(old))
    assert reflected(old) == before


@pytest.mark.parametrize("more", ["not a statement", 'DROP TABLE "crossloyalty_lots"'])
def test_a_failed_upgrade_leaves_the_old_version(old: SqlDatabase, monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    """A step that fails, or does not end at this library's schema, is undone as a whole."""
    before = reflected(old)
    plant(monkeypatch, more)
    with pytest.raises(CrossloyaltyError):
        SqliteStorage(path_of(old))
    assert (reflected(old), old.run(version_sql(SQLITE))) == (before, [(0, OLD_CHECKSUM, 1)])


@pytest.mark.parametrize(
    "change",
    [
        'DROP INDEX "crossloyalty_lots_by_due"',
        f'ALTER TABLE "crossloyalty_members" DROP COLUMN "{COLUMN[1]}"',
        'ALTER TABLE "crossloyalty_members" ADD COLUMN extra TEXT',
        'DROP TABLE "crossloyalty_lots"',
    ],
)
def test_a_changed_upgraded_file_is_refused(old: SqlDatabase, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """Its tables are spelled otherwise than new ones, and still their shape has to be right."""
    plant(monkeypatch)
    SqliteStorage(path_of(old)).close()
    old.run(change)
    with pytest.raises(ConfigError, match="crossloyalty_"):
        SqliteStorage(path_of(old))


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE {table} ({columns}, PRIMARY KEY (program_id, limit_id)) STRICT",
        "CREATE TABLE {table} ({columns}, PRIMARY KEY (program_id, limit_id)) WITHOUT ROWID",
        "CREATE TABLE {table} ({columns}, PRIMARY KEY (limit_id, program_id)) STRICT, WITHOUT ROWID",
        "CREATE TABLE {table} ({nocase}, PRIMARY KEY (program_id, limit_id)) STRICT, WITHOUT ROWID",
        "CREATE TABLE {table} ({nullable}, PRIMARY KEY (program_id, limit_id)) STRICT, WITHOUT ROWID",
    ],
)
def test_a_table_of_another_shape_is_refused(tmp_path: Path, sql: str) -> None:
    """Strictness, key order, text comparison and nullability count, the spelling does not."""
    database = SqlDatabase(SQLITE, tmp_path / "changed.db")
    columns = "program_id TEXT NOT NULL, limit_id TEXT NOT NULL, version INTEGER NOT NULL"
    columns += ", used INTEGER NOT NULL, attempts TEXT NOT NULL"
    words = {
        "table": "crossloyalty_limits",
        "columns": columns,
        "nocase": columns.replace("limit_id TEXT", "limit_id TEXT COLLATE NOCASE"),
        "nullable": columns.replace("used INTEGER NOT NULL", "used INTEGER"),
    }
    SqliteStorage(path_of(database)).close()
    same = f"CREATE TABLE crossloyalty_limits ({columns}, PRIMARY KEY (program_id, limit_id)) STRICT, WITHOUT ROWID"
    database.run("DROP TABLE crossloyalty_limits", same)
    SqliteStorage(path_of(database)).close()
    database.run("DROP TABLE crossloyalty_limits", sql.format(**words))
    with pytest.raises(ConfigError, match="crossloyalty_limits"):
        SqliteStorage(path_of(database))


def test_an_index_without_its_predicate_is_refused(tmp_path: Path) -> None:
    """A full index in place of a partial one is another shape."""
    database = SqlDatabase(SQLITE, tmp_path / "changed.db")
    SqliteStorage(path_of(database)).close()
    full = 'CREATE INDEX crossloyalty_members_by_due ON crossloyalty_members ("program_id", "next_due_at", "member_id")'
    database.run("DROP INDEX crossloyalty_members_by_due", full)
    with pytest.raises(ConfigError, match="crossloyalty_members_by_due"):
        SqliteStorage(path_of(database))


def test_openers_at_once_upgrade_once(old: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """One runs the step, the others wait and find the new version."""
    plant(monkeypatch)
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def open_it() -> None:
        start.wait()
        try:
            SqliteStorage(path_of(old)).close()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [row[0] for row in old.run(version_sql(SQLITE))] == [0, 1]


def test_a_half_applied_file_is_refused(tmp_path: Path) -> None:
    """A tool without transactions may have run the statements; the file is left as it is."""
    path = tmp_path / "half.db"
    SqliteStorage(path).close()
    with sqlite3.connect(path) as handle:
        handle.execute("UPDATE crossloyalty_schema_version SET complete = 0")
    handle.close()
    with pytest.raises(ConfigError, match="half-applied"):
        SqliteStorage(path)
