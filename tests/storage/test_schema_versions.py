"""What the version table's rows mean, and which statements there are."""

from __future__ import annotations

import pytest
from planted_version import OLD_CHECKSUM, plant

from crossloyalty.errors import ConfigError
from crossloyalty.storage._sql.ddl import SCHEMA_VERSION, checksum
from crossloyalty.storage._sql.dialect import Dialect
from crossloyalty.storage._sql.mysql_dialect import MYSQL
from crossloyalty.storage._sql.postgresql_dialect import POSTGRESQL
from crossloyalty.storage._sql.sqlite_dialect import SQLITE
from crossloyalty.storage._sql.versions import (
    STEPS,
    drop_sql,
    install_sql,
    require_current,
    statements_to,
    stored_version,
    upgrade_sql,
)
from crossloyalty.storage.sqlite import SqliteStorage

DIALECTS = (SQLITE, POSTGRESQL, MYSQL)
SUM = checksum(POSTGRESQL)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (None, r"install_sql\(\)"),
        ([], "half-applied"),
        ([(SCHEMA_VERSION, SUM, 0)], rf"half-applied \(version {SCHEMA_VERSION}\)"),
        ([(SCHEMA_VERSION, SUM, 1), (SCHEMA_VERSION + 1, SUM, 0)], "half-applied"),
        ([(SCHEMA_VERSION + 1, SUM, 1)], "newer"),
        ([(SCHEMA_VERSION, SUM, 1), (SCHEMA_VERSION + 1, SUM, 1)], "newer"),
        ([(SCHEMA_VERSION, "f" * 64, 1)], "not the one of this library"),
        ([(SCHEMA_VERSION, checksum(MYSQL), 1)], "not the one of this library"),
        ([(-1, OLD_CHECKSUM, 1)], "unknown"),
        ([(0, "f" * 64, 1)], "not the one of this library"),
        ([(0, OLD_CHECKSUM, 1)], r"upgrade_sql\(0, 1\)"),
    ],
)
def test_a_store_this_library_does_not_work_with_is_refused(
    monkeypatch: pytest.MonkeyPatch, rows: list[tuple[int, str, int]] | None, said: str
) -> None:
    """The error says what is wrong and what to run."""
    plant(monkeypatch)
    with pytest.raises(ConfigError, match=said):
        require_current(POSTGRESQL, rows)


def test_the_newest_row_in_any_order_is_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of versions the store once had are history, whatever order the database lists them in."""
    plant(monkeypatch)
    rows = [(1, SUM, 1), (0, OLD_CHECKSUM, 1)]
    assert stored_version(POSTGRESQL, rows) == 1
    require_current(POSTGRESQL, rows)


def test_an_unknown_old_version_is_refused() -> None:
    """Without a step from it there is nothing to run."""
    with pytest.raises(ConfigError, match="unknown schema version 0"):
        require_current(POSTGRESQL, [(0, OLD_CHECKSUM, 1)])


@pytest.mark.parametrize(
    ("old", "new"), [(1, 2), (-1, 1), (0, 9), (1, 1), (1, 0), (True, 1), (0, True), ("0", 1), (0, 1.0), (0, None)]
)
def test_an_upgrade_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, old: object, new: object) -> None:
    """Both versions have to be known whole numbers, and the second one the later."""
    plant(monkeypatch)
    with pytest.raises(ConfigError):
        upgrade_sql(SQLITE, old, new)  # type: ignore[arg-type]


def test_each_step_of_a_longer_way_is_marked_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """From -1 to 1 the version table shows 0 as complete before 1 begins, with the checksum 0 had."""
    plant(monkeypatch)
    monkeypatch.setitem(STEPS, 0, STEPS[1]._replace(statements=lambda _dialect: ["SELECT 'to 0'"]))
    texts = upgrade_sql(SQLITE, -1, 1)
    assert texts == upgrade_sql(SQLITE, -1, 0) + upgrade_sql(SQLITE, 0, 1)
    assert texts[1] == "SELECT 'to 0'"
    assert f"THEN 0 ELSE MAX(\"version\") END, '{OLD_CHECKSUM}'" in texts[0]
    assert statements_to(SQLITE, [(-1, OLD_CHECKSUM, 1)], 0) == upgrade_sql(SQLITE, -1, 0)


@pytest.mark.parametrize("rows", [None, [(1, checksum(SQLITE), 1)]], ids=["nothing", "the newest"])
def test_a_store_at_or_beyond_a_version_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, rows: list[tuple[int, str, int]] | None
) -> None:
    """A migration of an older version installs the newest schema or has nothing to do."""
    plant(monkeypatch)
    assert statements_to(SQLITE, rows, 0) == (install_sql(SQLITE) if rows is None else [])


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_statements_go_through_any_tool(monkeypatch: pytest.MonkeyPatch, dialect: Dialect) -> None:
    """None holds what a driver, SQLAlchemy's `text()` or a script splitter takes for something of its own."""
    plant(monkeypatch)
    for sql in [*install_sql(dialect), *upgrade_sql(dialect, 0, 1), *drop_sql(dialect)]:
        assert not set(sql) & set("%:;?\\"), sql
        assert sql == sql.strip()


def test_the_storage_gives_the_statements() -> None:
    """They are there without opening a file."""
    assert SqliteStorage.install_sql() == install_sql(SQLITE)
    with pytest.raises(ConfigError):
        SqliteStorage.upgrade_sql(1, 1)


def test_a_step_leads_to_every_version_but_the_first() -> None:
    """Each names the checksum the version before it had in every dialect."""
    assert sorted(STEPS) == list(range(2, SCHEMA_VERSION + 1))
    for step in STEPS.values():
        assert set(step.old_checksums) == {dialect.name for dialect in DIALECTS}
