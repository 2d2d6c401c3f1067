"""What bringing the schema to a version is, whichever tool runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from crossloyalty.errors import ConfigError, shown
from crossloyalty.storage._sql.ddl import VERSION_TABLE
from crossloyalty.storage._sql.dialect import Dialect
from crossloyalty.storage._sql.mysql_dialect import MYSQL
from crossloyalty.storage._sql.postgresql_dialect import POSTGRESQL
from crossloyalty.storage._sql.sqlite_dialect import SQLITE
from crossloyalty.storage._sql.versions import statements_to, version_sql

__all__ = ["dialect_of", "missing_statements"]

# Django and SQLAlchemy spell them alike; "mariadb" is SQLAlchemy's word for a MySQL it may not be.
_DIALECTS: Final = {"sqlite": SQLITE, "postgresql": POSTGRESQL, "mysql": MYSQL, "mariadb": MYSQL}


def dialect_of(name: str) -> Dialect:
    """
    Give the dialect for what a framework calls a database.

    Raises:
        ConfigError: It is none that carries the schema.
    """
    found = _DIALECTS.get(name)
    if found is None:
        raise ConfigError(
            f"the schema is for {', '.join(_DIALECTS)} and not for {shown(name)}: keep it away from there, in Django by"
            " a database router"
        )
    return found


def missing_statements(
    dialect: Dialect,
    version: int,
    *,
    has_table: Callable[[str], bool],
    fetch: Callable[[str], Sequence[Sequence[Any]]],
) -> list[str]:
    """
    Give the statements that bring a database to a version, none where it is there or beyond.

    Because it looks first, a history of migrations may be run from its start at any time: the first one installs
    the newest schema, and the later ones find nothing to do.

    Args:
        has_table: Says whether a table of this name is in sight.
        fetch: Runs a query without parameters and gives its rows.

    Raises:
        ConfigError: The schema that is there is half-applied or not one of ours.
    """
    there = has_table(dialect.prefix + VERSION_TABLE)
    return statements_to(dialect, fetch(version_sql(dialect)) if there else None, version)
