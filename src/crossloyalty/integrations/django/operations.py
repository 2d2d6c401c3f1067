"""The only operation our migrations need."""

from __future__ import annotations

from typing import Any

from django.db import router
from django.db.migrations.operations.base import Operation

from crossloyalty.integrations._schema import dialect_of, missing_statements
from crossloyalty.storage._sql.versions import drop_sql

__all__ = ["SchemaVersion"]


class SchemaVersion(Operation):  # type: ignore[misc]  # Django brings no types
    """
    Brings our tables to a version of the schema; undone, version 1 drops them and later ones change nothing.

    Args:
        version: Counted from 1.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, version: int) -> None:
        self.version = version

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: there are no models."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """
        Install or upgrade, where the database routers allow it.

        Raises:
            ConfigError: The schema that is there is half-applied or not ours, or the database is of another kind.
        """
        connection = schema_editor.connection
        if not router.allow_migrate(connection.alias, app_label):
            return
        with connection.cursor() as cursor:

            def fetch(sql: str) -> list[Any]:
                cursor.execute(sql)
                return list(cursor.fetchall())

            statements = missing_statements(
                dialect_of(connection.vendor),
                self.version,
                has_table=set(connection.introspection.table_names(cursor)).__contains__,
                fetch=fetch,
            )
        for sql in statements:
            schema_editor.execute(sql, params=None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop the tables with all they hold, where the database routers allow it."""
        connection = schema_editor.connection
        if self.version == 1 and router.allow_migrate(connection.alias, app_label):
            for sql in drop_sql(dialect_of(connection.vendor)):
                schema_editor.execute(sql, params=None)

    def describe(self) -> str:
        """Say what it does, for the output of `migrate`."""
        return f"Bring the tables of crossloyalty to schema version {self.version}"
