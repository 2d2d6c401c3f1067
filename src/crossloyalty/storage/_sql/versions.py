"""
Versions of the schema: the statements that install or upgrade it, and what a store says about its own.

The version table keeps one row a version the store has had; the greatest is its own. A row is written with
`complete = 0` before the first change of its version and set to 1 after the last one, because MySQL commits each
`CREATE TABLE` by itself: a store that was left in between says so. Rows of old versions stay, so that a half-applied
upgrade shows where it began.

To make a new version: change the record classes, raise `SCHEMA_VERSION`, add its `Step` here with the checksums the
old version has in `tests/storage/*.sql`, and a migration to `integrations/django/migrations`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from crossloyalty.errors import ConfigError, shown
from crossloyalty.storage._sql.ddl import SCHEMA_VERSION, VERSION_TABLE, checksum, schema
from crossloyalty.storage._sql.dialect import Dialect

__all__ = [
    "STEPS",
    "Step",
    "drop_sql",
    "install_sql",
    "require_current",
    "statements_to",
    "stored_version",
    "upgrade_sql",
    "version_sql",
]

# What `version_sql` finds; None where there is no such table.
Rows: TypeAlias = Sequence[Sequence[Any]] | None


class Step(NamedTuple):
    """
    What one version of the schema changes of the one before.

    Args:
        old_checksums: The checksum of the version before, by the dialect's name; no other schema is touched.
        statements: Gives the changes. Their texts are written out, not made from the record classes: those go on.
    """

    old_checksums: Mapping[str, str]
    statements: Callable[[Dialect], Sequence[str]]


# By the version a step leads to. Version 1 is the first.
STEPS: Final[dict[int, Step]] = {}


def install_sql(dialect: Dialect) -> list[str]:
    """Give the statements that create the newest schema in a database without one; the first one fails in others."""
    made = dict(schema(dialect))
    table = made.pop(dialect.prefix + VERSION_TABLE)
    begun = f"{_insert(dialect)} VALUES ({SCHEMA_VERSION}, '{checksum(dialect)}', 0)"
    return [table, begun, *made.values(), _finished(dialect, SCHEMA_VERSION)]


def upgrade_sql(dialect: Dialect, from_version: int, to_version: int) -> list[str]:
    """
    Give the statements that change one version of the schema into a later one.

    The first statement fails, and nothing is changed, when the store is not at *from_version*.

    Raises:
        ConfigError: This library does not know one of the versions, or the way does not lead upwards.
    """
    for version in (from_version, to_version):
        if type(version) is not int or _checksum_of(dialect, version) is None:
            raise ConfigError(f"schema version {shown(version)} is unknown; this library knows {_known()}")
    if from_version >= to_version:
        raise ConfigError(f"there is no way from schema version {from_version} back to {to_version}")
    made = []
    for version in range(from_version + 1, to_version + 1):
        made += [_begun(dialect, version), *STEPS[version].statements(dialect), _finished(dialect, version)]
    return made


def drop_sql(dialect: Dialect) -> list[str]:
    """Give the statements that remove every table of ours with all it holds, also from a half-made schema."""
    tables = [dialect.prefix + VERSION_TABLE]
    tables += [name for name, sql in schema(dialect).items() if sql.startswith("CREATE TABLE") and name not in tables]
    return [f"DROP TABLE IF EXISTS {dialect.quote}{name}{dialect.quote}" for name in reversed(tables)]


def version_sql(dialect: Dialect) -> str:
    """Give the query for the rows of the version table."""
    checksum_read = dialect.read_key.format(dialect.name_of("checksum"))
    return (
        f"SELECT {dialect.name_of('version')}, {checksum_read}, {dialect.name_of('complete')}"
        f" FROM {dialect.table(VERSION_TABLE)} ORDER BY {dialect.name_of('version')}"
    )


def stored_version(dialect: Dialect, rows: Rows) -> int:
    """
    Give the version of a store whose schema is whole and known; it may be an older one.

    Args:
        rows: What `version_sql` finds; None where there is no such table.

    Raises:
        ConfigError: There is no schema, it is half-applied, newer than this library, or not one of ours.
    """
    if rows is None:
        raise ConfigError(
            f"there is no {dialect.prefix}{VERSION_TABLE} here: as a user who may create tables, run the statements"
            " that install_sql() of this storage gives"
        )
    half = [version for version, _checksum, complete in rows if complete != 1]
    if half or not rows:
        raise ConfigError(
            f"the schema of this store is half-applied{f' (version {half[0]})' if half else ''}: drop our tables if"
            " they are new, otherwise restore the backup, and run the statements again"
        )
    version, found, _complete = max(rows, key=itemgetter(0))
    if version > SCHEMA_VERSION:
        raise ConfigError(
            f"this store has schema version {version}, newer than {SCHEMA_VERSION} of this library: upgrade the library"
        )
    wanted = _checksum_of(dialect, version)
    if wanted is None:
        raise ConfigError(f"this store has the unknown schema version {version}; this library knows {_known()}")
    if found != wanted:
        raise ConfigError(f"the schema of this store is not the one of this library's version {version}")
    return int(version)


def require_current(dialect: Dialect, rows: Rows) -> None:
    """
    Refuse a store whose schema this library does not work with.

    Args:
        rows: What `version_sql` finds; None where there is no such table.

    Raises:
        ConfigError: Saying what is wrong and what to run.
    """
    version = stored_version(dialect, rows)
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"this store has schema version {version}, this library works with {SCHEMA_VERSION}: run the statements"
            f" that upgrade_sql({version}, {SCHEMA_VERSION}) of this storage gives"
        )


def statements_to(dialect: Dialect, rows: Rows, version: int = SCHEMA_VERSION) -> list[str]:
    """
    Give the statements that bring a store to a version, or none when it is there or beyond.

    A store without a schema gets the newest one, because older ones are no longer made.

    Args:
        rows: What `version_sql` finds; None where there is no such table.

    Raises:
        ConfigError: The store is not one to upgrade, or this library does not know the version.
    """
    if rows is None:
        return install_sql(dialect)
    stored = stored_version(dialect, rows)
    return upgrade_sql(dialect, stored, version) if stored < version else []


def _checksum_of(dialect: Dialect, version: int) -> str | None:
    if version == SCHEMA_VERSION:
        return checksum(dialect)
    step = STEPS.get(version + 1)
    return None if step is None else step.old_checksums[dialect.name]


def _known() -> str:
    oldest = min(STEPS, default=SCHEMA_VERSION + 1) - 1
    return ", ".join(map(str, range(oldest, SCHEMA_VERSION + 1)))


def _begun(dialect: Dialect, version: int) -> str:
    # Where the store is not at the version before, this inserts a key that exists, or NULL when the table is empty:
    # an error, so that a client that stops at errors changes nothing.
    number, text, complete = map(dialect.name_of, ("version", "checksum", "complete"))
    old = f"MAX(CASE WHEN {number} = {version - 1} THEN {text} END) = '{_checksum_of(dialect, version - 1)}'"
    return (
        f"{_insert(dialect)} SELECT CASE WHEN MAX({number}) = {version - 1} AND MIN({complete}) = 1 AND {old}"
        f" THEN {version} ELSE MAX({number}) END, '{_checksum_of(dialect, version)}', 0 * MIN({complete})"
        f" FROM {dialect.table(VERSION_TABLE)}"
    )


def _finished(dialect: Dialect, version: int) -> str:
    number, complete = map(dialect.name_of, ("version", "complete"))
    return f"UPDATE {dialect.table(VERSION_TABLE)} SET {complete} = 1 WHERE {number} = {version}"


def _insert(dialect: Dialect) -> str:
    columns = ", ".join(map(dialect.name_of, ("version", "checksum", "complete")))
    return f"INSERT INTO {dialect.table(VERSION_TABLE)} ({columns})"
