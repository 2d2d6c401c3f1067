"""Sides to measure on servers: the package, the hand-written versions; their stores, and that both hold the same."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from _handwritten import Request
from _handwritten_mysql import HandwrittenMysql
from _handwritten_postgresql import HandwrittenPostgresql
from _servers import Servers, connected, dialect_of, install, put, rows_of, tables
from _workload import Clock, new_store, program
from servers import Kind, Server

from crossloyalty import ClaimRequest, GroupCommit, Loyalty, Order, Proof
from crossloyalty.storage.mysql import MysqlStorage
from crossloyalty.storage.postgresql import PostgresqlStorage
from crossloyalty.storage.sqlite import SqliteStorage


class Side(Protocol):
    """What is measured: claims at the moment its clock shows, from any thread where the version can."""

    clock: Clock

    def claim(self, request: Request) -> None:
        """Convert one order, in a transaction of its own unless the side shares them."""
        ...

    def disconnect(self) -> None:
        """Close what the calling thread has open."""
        ...


class OurSide:
    """
    The package, as a host calls it.

    Args:
        storage: Of a store that has the orders.
        group_commit: Whether concurrent callers share transactions.
    """

    def __init__(
        self, storage: PostgresqlStorage | MysqlStorage | SqliteStorage, *, group_commit: bool = False
    ) -> None:
        self.clock = Clock()
        self._loyalty = Loyalty(
            program(), storage, clock=self.clock, group_commit=GroupCommit() if group_commit else None
        )

    def claim(self, request: Request) -> None:
        who, platform, order_no, paid_fen, paid_on = request
        proof = Proof.amount_and_day(paid_fen=paid_fen, paid_on=paid_on)
        result = self._loyalty.claim(who, platform=platform, order_no=order_no, proof=proof)
        if not result.created:
            raise SystemExit(f"not created: {result}")

    def claim_many(self, requests: Sequence[Request]) -> None:
        results = self._loyalty.claim_many(
            [
                ClaimRequest(
                    member_id=request.member_id,
                    platform=request.platform,
                    order_no=request.order_no,
                    proof=Proof.amount_and_day(paid_fen=request.paid_fen, paid_on=request.paid_on),
                )
                for request in requests
            ]
        )
        if not all(result.created for result in results):
            raise SystemExit("a claim of the bulk was not created")

    def disconnect(self) -> None:
        """Connections belong to the storage's pool and not to a thread."""


class HandwrittenSide:
    """A hand-written version, with a clock."""

    def __init__(self, version: HandwrittenPostgresql | HandwrittenMysql) -> None:
        self.clock = Clock()
        self._version = version

    def claim(self, request: Request) -> None:
        self._version.claim(request, self.clock.instant)

    def claim_many(self, requests: Sequence[Request]) -> None:
        if isinstance(self._version, HandwrittenMysql):
            raise NotImplementedError
        self._version.claim_many(requests, self.clock.instant)

    def disconnect(self) -> None:
        """There is one connection, for one thread."""


@contextmanager
def our_side(store: Server | Path, *, group_commit: bool = False) -> Iterator[OurSide]:
    """Open the package on a store."""
    storage: PostgresqlStorage | MysqlStorage | SqliteStorage
    if isinstance(store, Path):
        storage = SqliteStorage(store)
    elif store.kind == "postgresql":
        storage = PostgresqlStorage(store.conninfo)
    else:
        storage = MysqlStorage(store.url())
    with storage:
        yield OurSide(storage, group_commit=group_commit)


@contextmanager
def handwritten_side(store: Server) -> Iterator[HandwrittenSide]:
    """Open the hand-written version for the kind of server."""
    version = HandwrittenPostgresql(store.conninfo) if store.kind == "postgresql" else HandwrittenMysql(store.pymysql)
    try:
        yield HandwrittenSide(version)
    finally:
        version.close()


@contextmanager
def store_with(servers: Servers, kind: Kind, orders: Sequence[Order]) -> Iterator[Server]:
    """Give a new store of the package on a server that knows these orders."""
    with servers.database(kind) as store:
        _fill((store,), orders)
        yield store


@contextmanager
def twin_stores_with(servers: Servers, kind: Kind, orders: Sequence[Order]) -> Iterator[tuple[Server, Server]]:
    """Give two new stores with the same rows."""
    if kind == "postgresql":
        with store_with(servers, kind, orders) as first, servers.database(kind, template=first) as second:
            yield first, second
    else:
        with servers.database(kind) as first, servers.database(kind) as second:
            _fill((first, second), orders)
            yield first, second


def _fill(stores: Sequence[Server], orders: Sequence[Order]) -> None:
    # Taken in by the package, into a file; its rows are the same in every storage and are loaded in sets.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "orders.db")
        new_store(path, orders)
        for store in stores:
            install(store)
        with closing(sqlite3.connect(path)) as handle:
            for table in tables(dialect_of(stores[0])):
                rows = handle.execute(f"SELECT * FROM {table}").fetchall()
                for store in stores:
                    put(store, table, rows)


def same_rows_on(first: Server, second: Server) -> int:
    """
    Prove that both sides did the same: every row of every table of both stores is equal.

    Returns:
        How many rows were compared.

    Raises:
        SystemExit: They differ; the message shows the first row that does.
    """
    counted = 0
    for table in tables(dialect_of(first)):
        ours, baseline = (sorted(rows_of(store, table), key=repr) for store in (first, second))
        if ours != baseline:
            only_ours = sorted(set(ours) - set(baseline), key=repr)[:1]
            only_baseline = sorted(set(baseline) - set(ours), key=repr)[:1]
            raise SystemExit(
                f"{table} differs: {len(ours)} and {len(baseline)} rows\n"
                f"ours:     {only_ours}\nbaseline: {only_baseline}"
            )
        counted += len(ours)
    return counted


def checkpoint(servers: Servers) -> None:
    """Let PostgreSQL write what loading has left, so that no measured side pays for it."""
    with connected(servers.server("postgresql")) as connection:
        connection.execute("CHECKPOINT")
