"""The user the other tests run as at run time has the rights the documentation names, and no more."""

from __future__ import annotations

import pytest
from grants import APPEND_ONLY, runtime_user
from servers import Server
from sql_databases import SqlDatabase

from crossloyalty.storage._sql.mysql_dialect import MYSQL
from crossloyalty.storage._sql.postgresql_dialect import POSTGRESQL
from crossloyalty.storage._sql.versions import install_sql, require_current, version_sql


@pytest.fixture(params=[POSTGRESQL, MYSQL], ids=lambda dialect: dialect.name)
def installed(request: pytest.FixtureRequest) -> SqlDatabase:
    """Give a database on a server with the schema in it."""
    server: Server = request.getfixturevalue(f"{request.param.name}_database")
    database = SqlDatabase(request.param, server)
    database.run(*install_sql(database.dialect))
    return database


def test_the_runtime_user_works_on_rows_only(installed: SqlDatabase) -> None:
    """It reads, writes and locks rows, and can neither change tables nor the version row."""
    assert isinstance(installed.where, Server)
    with runtime_user(installed.where) as where:
        user = SqlDatabase(installed.dialect, where)
        require_current(user.dialect, user.run(version_sql(user.dialect)))
        for table in ("crossloyalty_limits", "crossloyalty_spend_days"):
            user.run(f"SELECT program_id FROM {table} FOR UPDATE", f"UPDATE {table} SET program_id = program_id")
            user.run(f"DELETE FROM {table}")
        user.run("INSERT INTO crossloyalty_limits VALUES ('p', 'l', 1, 0, '')")
        for refused in (
            "CREATE TABLE crossloyalty_more (x bigint)",
            "DROP TABLE crossloyalty_limits",
            "ALTER TABLE crossloyalty_limits ADD COLUMN more bigint",
            "CREATE INDEX crossloyalty_more ON crossloyalty_limits (used)",
            "TRUNCATE TABLE crossloyalty_limits",
            "UPDATE crossloyalty_schema_version SET version = 9",
            "DELETE FROM crossloyalty_schema_version",
        ):
            with pytest.raises(installed.error, match=r"denied|owner"):
                user.run(refused)


def test_append_only_tables_take_new_rows_only(installed: SqlDatabase) -> None:
    """What was posted can be read and added to, and neither changed nor deleted."""
    assert isinstance(installed.where, Server)
    with runtime_user(installed.where, append_only=APPEND_ONLY) as where:
        user = SqlDatabase(installed.dialect, where)
        user.run("INSERT INTO crossloyalty_programs VALUES ('p', 1, 'd', '{}', 0)")
        assert len(user.run("SELECT * FROM crossloyalty_programs")) == 1
        for table in APPEND_ONLY:
            for refused in (
                f"UPDATE crossloyalty_{table} SET program_id = 'q'",
                f"DELETE FROM crossloyalty_{table}",
            ):
                with pytest.raises(installed.error, match="denied"):
                    user.run(refused)
        user.run("DELETE FROM crossloyalty_tickets")
