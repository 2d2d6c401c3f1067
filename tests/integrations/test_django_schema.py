"""The Django app's migrations stay in step with the schema the storages install."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest
from django_project import in_django
from planted_version import old_schema
from reflected_schema import reflected
from sql_databases import SqlDatabase, needs

from crossloyalty.errors import ConfigError
from crossloyalty.integrations._schema import dialect_of
from crossloyalty.storage._sql.ddl import SCHEMA_VERSION
from crossloyalty.storage._sql.sqlite_dialect import SQLITE
from crossloyalty.storage._sql.versions import drop_sql, install_sql, require_current, version_sql

needs("django")

MIGRATE = "call_command('migrate', 'crossloyalty', verbosity=0)"
# As a library of the next version would have it.
PLANTED = "import pytest, planted_version; planted_version.plant(pytest.MonkeyPatch())\n"


def test_migrate_makes_the_schema_install_sql_makes(sql_database: SqlDatabase) -> None:
    """Columns, types, nullability, keys and indexes are the same, and so is the version row."""
    in_django(MIGRATE, {"default": sql_database.django})
    migrated, rows = reflected(sql_database), sql_database.run(version_sql(sql_database.dialect))
    sql_database.run(*drop_sql(sql_database.dialect))
    sql_database.run(*install_sql(sql_database.dialect))
    assert (reflected(sql_database), sql_database.run(version_sql(sql_database.dialect))) == (migrated, rows)
    assert len(migrated["tables"]) > 10
    require_current(sql_database.dialect, rows)


def test_migrating_back_drops_our_tables(sql_database: SqlDatabase) -> None:
    """Nothing of ours is left, and forward again it is all there."""
    back = MIGRATE.replace("'crossloyalty'", "'crossloyalty', 'zero'")
    show = "from django.db import connection; print(connection.introspection.table_names())"
    printed = in_django("\n".join([MIGRATE, back, show, MIGRATE]), {"default": sql_database.django})
    assert printed == "['django_migrations']\n"
    require_current(sql_database.dialect, sql_database.run(version_sql(sql_database.dialect)))


def test_a_schema_that_is_there_is_adopted(sql_database: SqlDatabase) -> None:
    """Who installed by hand first needs no `--fake`."""
    sql_database.run(*install_sql(sql_database.dialect))
    before = reflected(sql_database)
    in_django(MIGRATE, {"default": sql_database.django})
    assert reflected(sql_database) == before


def test_an_older_schema_is_upgraded(sql_database: SqlDatabase) -> None:
    """The migration of a version runs the step to it."""
    sql_database.run(*old_schema(sql_database.dialect))
    in_django(PLANTED + MIGRATE, {"default": sql_database.django})
    rows = sql_database.run(version_sql(sql_database.dialect))
    assert [row[0] for row in rows] == [0, 1]
    require_current(sql_database.dialect, rows)


def test_a_half_applied_schema_is_refused(sql_database: SqlDatabase) -> None:
    """The migration fails before it changes anything, and says why."""
    sql_database.run(*install_sql(sql_database.dialect)[:-1])
    before = reflected(sql_database)
    with pytest.raises(AssertionError, match=r"ConfigError: .*half-applied"):
        in_django(MIGRATE, {"default": sql_database.django})
    assert reflected(sql_database) == before


def test_a_failed_migration_is_undone_where_the_database_can(sql_database: SqlDatabase) -> None:
    """MySQL keeps what it did and refuses to go on; the others have the old version still."""
    dialect = sql_database.dialect
    sql_database.run(*old_schema(dialect))
    planted = PLANTED.replace("MonkeyPatch()", "MonkeyPatch(), 'not a statement'")
    tried = f"try:\n    {MIGRATE}\nexcept Exception as error:\n    print(type(error).__name__)\n"
    printed = in_django(planted + tried + tried, {"default": sql_database.django}).split()
    assert printed[0] != "ConfigError"
    assert printed[1] == (printed[0] if dialect.transactional_ddl else "ConfigError")
    rows = sql_database.run(version_sql(dialect))
    assert [row[::2] for row in rows] == ([(0, 1)] if dialect.transactional_ddl else [(0, 1), (1, 0)])


def test_database_routers_are_asked(tmp_path: Path) -> None:
    """The tables appear in the database the router names and in no other, whichever is migrated."""
    places = {alias: SqlDatabase(SQLITE, tmp_path / f"{alias}.db") for alias in ("default", "loyalty")}
    there = "\n".join(f"call_command('migrate', database={alias!r}, verbosity=0)" for alias in places)
    databases = {alias: place.django for alias, place in places.items()}
    in_django(there, databases, routers="loyalty_router.LoyaltyRouter")
    assert reflected(places["default"])["tables"] == []
    assert reflected(places["loyalty"])["tables"] != []
    back = there.replace("'migrate'", "'migrate', 'crossloyalty', 'zero'")
    in_django(back, databases, routers="loyalty_router.LoyaltyRouter")
    assert reflected(places["loyalty"])["tables"] == []


def test_sqlmigrate_shows_what_would_run(sql_database: SqlDatabase) -> None:
    """The statements can be handed to whoever may run them."""
    printed = in_django("call_command('sqlmigrate', 'crossloyalty', '0001')", {"default": sql_database.django})
    for sql in install_sql(sql_database.dialect):
        assert f"{sql};" in printed
    assert reflected(sql_database)["tables"] == []


def test_django_finds_nothing_to_migrate_by_itself(tmp_path: Path) -> None:
    """The app has no models, so `makemigrations` leaves it alone."""
    database = SqlDatabase(SQLITE, tmp_path / "django.db")
    in_django("call_command('makemigrations', check_changes=True, verbosity=0)", {"default": database.django})


def test_every_version_has_a_migration() -> None:
    """A version of the schema is released with the migration that brings it, each behind the one before."""
    from crossloyalty.integrations.django import migrations

    names = sorted(name for _, name, _ in pkgutil.iter_modules(migrations.__path__))
    brought = []
    for at, name in enumerate(names):
        migration = importlib.import_module(f"{migrations.__name__}.{name}").Migration
        brought += [operation.version for operation in migration.operations]
        assert list(migration.dependencies) == [("crossloyalty", before) for before in names[max(0, at - 1) : at]]
    assert brought == list(range(1, SCHEMA_VERSION + 1))


def test_a_database_that_cannot_carry_the_schema_is_named() -> None:
    """Oracle is refused with a hint how to keep the app away from it."""
    with pytest.raises(ConfigError, match=r"'oracle'.*router"):
        dialect_of("oracle")
