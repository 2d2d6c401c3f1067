"""What the tests of the storages share."""

from places import server_place
from sql_databases import sql_database

__all__ = ["server_place", "sql_database"]
