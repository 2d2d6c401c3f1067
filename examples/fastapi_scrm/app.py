"""
A FastAPI application that claims orders inside the transactions of its own SQLAlchemy sessions.

`create_app(url)` takes sqlite:///file, postgresql://user:password@host/name or mysql://user:password@host/name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import String

from crossloyalty import AsyncLoyalty, Program, Proof, rules
from crossloyalty.errors import HostTransactionLost
from crossloyalty.integrations.sqlalchemy.schema import upgrade_schema

PROGRAM = Program(program_id="brand-a", timezone="Asia/Shanghai", rewards=[rules.PointsPerYuan("1")])
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "mysql": "mysql+aiomysql"}
TRIES = 5


class Base(DeclarativeBase):
    """The host's own tables."""


class ClaimLog(Base):
    """Who asked for what; kept whatever the answer was."""

    __tablename__ = "claim_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[str] = mapped_column(String(64))
    order_no: Mapped[str] = mapped_column(String(64))
    created: Mapped[bool]


class ClaimBody(BaseModel):
    """What a member typed."""

    order_no: str
    paid_fen: int | None = None
    paid_on: date | None = None

    def proof(self) -> Proof:
        if self.paid_fen is None or self.paid_on is None:
            return Proof.none()
        return Proof.amount_and_day(paid_fen=self.paid_fen, paid_on=self.paid_on)


class Claimed(BaseModel):
    """What the member is told."""

    created: bool
    points: int
    text: str


def storage_for(url: URL) -> Any:
    """Give the storage that takes calls outside of the host's transactions: imports, due work, queries."""
    if url.drivername == "sqlite":
        from crossloyalty.storage.sqlite import SqliteStorage

        return SqliteStorage(url.database or "")
    if url.drivername == "postgresql":
        from crossloyalty.storage.postgresql import AsyncPostgresqlStorage

        return AsyncPostgresqlStorage(url.render_as_string(hide_password=False))
    from crossloyalty.storage.mysql import AsyncMysqlStorage

    return AsyncMysqlStorage(url.render_as_string(hide_password=False))


def create_app(database_url: str) -> FastAPI:
    """Make the application; nothing is opened before its lifespan begins."""
    url = make_url(database_url)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # READ COMMITTED is the default everywhere but on MySQL, where REPEATABLE READ would cost needless new tries.
        options = {"isolation_level": "READ COMMITTED"} if url.drivername == "mysql" else {}
        engine = create_async_engine(url.set(drivername=DRIVERS[url.drivername]), **options)
        async with engine.begin() as connection:
            # An example makes its tables itself; a host does it in Alembic revisions.
            await connection.run_sync(Base.metadata.create_all)
            await connection.run_sync(upgrade_schema)
        storage = storage_for(url)
        app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
        app.state.loyalty = AsyncLoyalty(PROGRAM, storage)
        try:
            yield
        finally:
            storage.close()
            await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/members/{member_id}/claims")
    async def claim(member_id: str, body: ClaimBody) -> Claimed:
        for tries in range(TRIES):
            try:
                # The transaction ends inside the route: an answer must not leave before the commit.
                async with app.state.sessions() as session, session.begin():
                    return await claim_order(app.state.loyalty, session, member_id, body)
            except HostTransactionLost:
                await asyncio.sleep(0.05 * 2**tries)  # all is rolled back; start again with a fresh session
        raise HTTPException(503, "busy")

    return app


async def claim_order(loyalty: AsyncLoyalty, session: AsyncSession, member_id: str, body: ClaimBody) -> Claimed:
    """Claim an order and note it in the host's log, in the session's transaction: both or neither."""
    result = await loyalty.joined(session).claim(
        member_id, platform="taobao", order_no=body.order_no, proof=body.proof()
    )
    session.add(ClaimLog(member_id=member_id, order_no=body.order_no, created=result.created))
    return Claimed(created=result.created, points=result.points, text=result.explain("zh"))
