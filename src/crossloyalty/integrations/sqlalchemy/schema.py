"""
The schema inside Alembic revisions.

A revision calls `upgrade_schema(op.get_bind(), 1)`; `include_name` in `env.py` keeps autogenerate from dropping tables
it finds no model for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from crossloyalty.errors import ConfigError
from crossloyalty.integrations._schema import dialect_of, missing_statements
from crossloyalty.storage._sql.ddl import SCHEMA_VERSION, schema
from crossloyalty.storage._sql.sqlite_dialect import SQLITE
from crossloyalty.storage._sql.versions import drop_sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["drop_schema", "include_name", "upgrade_schema"]

# Their names are the same in every dialect.
_TABLES: Final = frozenset(name for name, sql in schema(SQLITE).items() if sql.startswith("CREATE TABLE"))


def upgrade_schema(bind: Connection | None, to_version: int = SCHEMA_VERSION) -> None:
    """
    Bring our tables to a version of the schema; where there are none, make the newest; never begins or commits.

    Args:
        bind: What `op.get_bind()` gives.
        to_version: Counted from 1.

    Raises:
        ConfigError: The schema that is there is half-applied or not ours, this library does not know the version, or
            Alembic only writes a script.
    """
    connection = _required(bind)
    import sqlalchemy

    statements = missing_statements(
        dialect_of(connection.dialect.name),
        to_version,
        has_table=sqlalchemy.inspect(connection).has_table,
        fetch=lambda sql: connection.exec_driver_sql(sql).all(),
    )
    for sql in statements:
        connection.exec_driver_sql(sql)


def drop_schema(bind: Connection | None) -> None:
    """
    Drop our tables with all they hold; never begins or commits.

    Args:
        bind: What `op.get_bind()` gives.

    Raises:
        ConfigError: Alembic only writes a script.
    """
    connection = _required(bind)
    for sql in drop_sql(dialect_of(connection.dialect.name)):
        connection.exec_driver_sql(sql)


def include_name(name: str | None, type_: str, parent_names: Mapping[str, Any]) -> bool:
    """
    Say whether autogenerate should look at something; it should not at our tables.

    Args:
        name: Of a table, column, index …
        type_: Alembic's word for its kind.
        parent_names: Not looked at.
    """
    return type_ != "table" or name not in _TABLES


def _required(bind: Connection | None) -> Connection:
    if bind is None:  # Alembic's offline mode
        raise ConfigError(
            "a script cannot look which schema is there: give op.execute() the statements of the storage's"
            " install_sql() or upgrade_sql()"
        )
    return bind
