"""The schema as a database itself describes it, so that two ways of making it can be compared."""

from __future__ import annotations

from typing import Any

from sql_databases import SqlDatabase

__all__ = ["reflected"]

# Column order is left out: an upgrade puts new columns last, and our statements name what they mean. So are defaults:
# our inserts give every column.
_QUERIES = {
    "sqlite": {
        "tables": "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'",
        "columns": 'SELECT t.name, c.name, c.type, c."notnull", c.pk, c.hidden'
        " FROM pragma_table_list t, pragma_table_xinfo(t.name) c WHERE t.schema = 'main'",
        "indexes": 'SELECT t.name, i.name, i."unique", i.origin, c.seqno, c.name, c.coll, c."desc", i.partial,'
        " (SELECT substr(sql, instr(sql, ' WHERE ')) FROM sqlite_master WHERE name = i.name AND i.partial)"
        " FROM pragma_table_list t, pragma_index_list(t.name) i, pragma_index_xinfo(i.name) c"
        " WHERE t.schema = 'main' AND c.key",
    },
    "postgresql": {
        "tables": "SELECT relname, relkind, relpersistence FROM pg_class"
        " WHERE relnamespace = current_schema::regnamespace",
        "columns": "SELECT table_name, column_name, data_type, is_nullable, collation_name, is_identity, is_generated"
        " FROM information_schema.columns WHERE table_schema = current_schema",
        # Names every column with its collation, and the predicate.
        "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema",
        "constraints": "SELECT conrelid::regclass::text, conname, contype, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = current_schema::regnamespace",
    },
    "mysql": {
        "tables": "SELECT table_name, engine, row_format, table_collation FROM information_schema.tables"
        " WHERE table_schema = database()",
        "columns": "SELECT table_name, column_name, column_type, is_nullable, collation_name, column_key, extra"
        " FROM information_schema.columns WHERE table_schema = database()",
        "indexes": "SELECT table_name, index_name, non_unique, seq_in_index, column_name, sub_part, index_type"
        " FROM information_schema.statistics WHERE table_schema = database()",
    },
}


def reflected(database: SqlDatabase) -> dict[str, list[tuple[Any, ...]]]:
    """Describe tables, columns, keys and indexes of ours in a database; nothing of it depends on what made them."""
    return {
        part: sorted((row for row in database.run(sql) if row[0].startswith(database.dialect.prefix)), key=repr)
        for part, sql in _QUERIES[database.dialect.name].items()
    }
