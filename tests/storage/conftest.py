"""What the tests of the storages share."""

from sql_databases import sql_database

__all__ = ["sql_database"]
