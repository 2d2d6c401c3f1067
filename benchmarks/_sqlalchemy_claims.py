"""The SQLAlchemy version as a side to measure: a database with its tables and orders, claims, what members have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from _balances import Balances, balances
from _handwritten import Request
from _orm_rules import order_fields
from _sqlalchemy_orm.claims import claim_order
from _sqlalchemy_orm.models import Account, Base, Claim, Member, SpendDay, Tag
from _sqlalchemy_orm.models import Order as OrderRow
from _workload import Clock
from servers import Server
from sqlalchemy import Engine, create_engine, insert, select, text
from sqlalchemy.orm import Session, sessionmaker

from crossloyalty import Order


class SqlalchemySide:
    """
    Claims by SQLAlchemy; a claim is a session of its own on a connection of the pool.

    Args:
        engine: Of a database that has the tables.
    """

    def __init__(self, engine: Engine) -> None:
        self.clock = Clock()
        self._sessions = sessionmaker(engine)

    def claim(self, request: Request) -> None:
        with self._sessions.begin() as session:
            claim_order(session, request, self.clock.moment)

    def disconnect(self) -> None:
        """Connections belong to the pool and not to a thread."""

    def balances(self) -> dict[str, Balances]:
        with self._sessions() as session:

            def rows(*columns: Any) -> Sequence[Any]:
                return session.execute(select(Member.member_id, *columns).join(Member)).all()

            spend = rows(SpendDay.day, SpendDay.spend_fen)
            return balances(
                members=[(who, tier) for who, tier in session.execute(select(Member.member_id, Member.tier))],
                accounts=rows(Account.asset, Account.account, Account.balance, Account.seq),
                spend=[(member_id, day.isoformat(), fen) for member_id, day, fen in spend],
                tags=rows(Tag.tag, Tag.claims, Tag.net_fen),
                claims=rows(Claim.net_fen),
            )


@contextmanager
def sqlalchemy_side(store: Server, orders: Sequence[Order]) -> Iterator[SqlalchemySide]:
    """Create SQLAlchemy's tables in an empty database, load the orders, and give the side."""
    engine = create_engine(store.url("psycopg"), pool_size=8)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.execute(insert(OrderRow), [order_fields(order) for order in orders])
        session.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    try:
        yield SqlalchemySide(engine)
    finally:
        engine.dispose()
