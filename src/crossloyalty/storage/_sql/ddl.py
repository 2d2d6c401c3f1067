"""The statements that create the tables, and the checksum by which a store is known to have them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from crossloyalty.storage._shape import SHAPES, Shape
from crossloyalty.storage._sql.dialect import Dialect

__all__ = ["SCHEMA_VERSION", "VERSION_TABLE", "checksum", "listed_if", "schema"]

SCHEMA_VERSION = 1
VERSION_TABLE = "schema_version"


@cache  # each opening of an SQLite file asks for it
def schema(dialect: Dialect) -> Mapping[str, str]:
    """
    Give the statements that create every table and index, by the name of what they create; the version table first.

    No foreign keys, triggers, sequences or identities, so that sharded and clustered servers can carry it.
    """
    made = {dialect.prefix + VERSION_TABLE: _version_table(dialect)}
    for shape in SHAPES.values():
        made[dialect.prefix + shape.table] = _table(dialect, shape)
        for name, fields in shape.orders.items():
            if name is not None:
                made[f"{dialect.prefix}{shape.table}_{name}"] = _index(dialect, shape, name, fields)
    return MappingProxyType(made)


@cache
def checksum(dialect: Dialect) -> str:
    """Give the SHA-256 of the schema, in hexadecimal; a store made from other statements has another one."""
    text = ";\n".join((dialect.name, *schema(dialect).values()))
    return hashlib.sha256(text.encode()).hexdigest()


def _version_table(dialect: Dialect) -> str:
    return (
        f"CREATE TABLE {dialect.table(VERSION_TABLE)} (\n"
        f"  {dialect.name_of('version')} {dialect.integer} NOT NULL,\n"
        f"  {dialect.name_of('checksum')} {dialect.text_key} NOT NULL,\n"
        f"  {dialect.name_of('complete')} {dialect.integer} NOT NULL,\n"
        f"  PRIMARY KEY ({dialect.name_of('version')})\n)" + _options(dialect.table_options)
    )


def _table(dialect: Dialect, shape: Shape) -> str:
    indexed = {name for order in shape.orders.values() for name in order}
    lines = []
    for column in shape.columns:
        text = dialect.text_key if column.name in indexed else dialect.text
        needed = "" if column.nullable else " NOT NULL"
        lines.append(f"  {dialect.name_of(column.name)} {text if column.is_text else dialect.integer}{needed},\n")
    key = ", ".join(map(dialect.name_of, shape.key))
    options = dialect.clustered_options if shape.table in dialect.clustered else dialect.table_options
    return f"CREATE TABLE {dialect.table(shape.table)} (\n{''.join(lines)}  PRIMARY KEY ({key})\n)" + _options(options)


def _index(dialect: Dialect, shape: Shape, name: str, fields: tuple[str, ...]) -> str:
    made = f"CREATE INDEX {dialect.table(f'{shape.table}_{name}')} ON {dialect.table(shape.table)} "
    made += f"({', '.join(map(dialect.name_of, fields))})"
    listed = listed_if(dialect, shape, name, fields)
    return f"{made} WHERE {' AND '.join(listed)}" if listed and dialect.partial_indexes else made


def listed_if(dialect: Dialect, shape: Shape, by: str | None, fields: Sequence[str], of: str = "") -> list[str]:
    """
    Give the conditions under which an index lists a row; a query that has them may use a partial index.

    Args:
        by: The index.
        fields: Those of its fields that nothing else says to be there.
        of: Put in front of each column, such as `x.`.
    """
    absent = [column.name for column in shape.columns if column.nullable and column.name in fields]
    conditions = [f"{of}{dialect.name_of(name)} IS NOT NULL" for name in absent]
    if by is not None and by in shape.filled:
        conditions.append(f"{of}{dialect.name_of(shape.filled[by])} <> ''")
    return conditions


def _options(options: str) -> str:
    return f" {options}" if options else ""
