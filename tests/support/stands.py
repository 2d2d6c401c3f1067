"""A database that has the schema, and hosts whose transactions are rolled back unless they commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import frozen
from hosts import BaseHost, kind_of, open_host

__all__ = ["Stand"]


@frozen
class Stand:
    """
    One kind of host over one database.

    Args:
        name: A name of `HOSTS`.
        where: The database.
    """

    name: str
    where: Any

    @property
    def kind(self) -> str:
        """Which database it is."""
        return kind_of(self.name)

    @contextmanager
    def host(self, *first: str) -> Iterator[BaseHost]:
        """Open a host and its transaction, which begins with some statements."""
        host = open_host(self.name, self.where)
        try:
            host.begin()
            for sql in first:
                host.execute(sql)
            yield host
            host.rollback()
        finally:
            host.close()
