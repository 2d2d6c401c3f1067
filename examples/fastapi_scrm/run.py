# extras: fastapi,sqlalchemy
"""
Drives the FastAPI application of this folder from inside, without a port, and checks what it answers.

    pip install 'sqlalchemy[asyncio]' aiosqlite
    python examples/fastapi_scrm/run.py

Without more it uses an SQLite file in a temporary folder. To see the same on a server, name an empty database:

    DATABASE_URL=postgresql://user:password@localhost/shop python examples/fastapi_scrm/run.py
    DATABASE_URL=mysql://user:password@localhost/shop python examples/fastapi_scrm/run.py
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parent))

import httpx
from app import PROGRAM, ClaimBody, ClaimLog, claim_order, create_app
from sqlalchemy import func, select

from crossloyalty import Order, OrderStatus

FIRST, SECOND, UNKNOWN = "3816123456789012345", "3816123456789012352", "3816123456789012369"
FINISHED_AT = datetime.now(UTC) - timedelta(days=1)
PAID_AT = FINISHED_AT - timedelta(days=3)


def order(order_no: str) -> Order:
    return Order(
        platform="taobao",
        order_no=order_no,
        status=OrderStatus.FINISHED,
        paid_at=PAID_AT,
        finished_at=FINISHED_AT,
        paid_fen=29_900,
    )


def asked(order_no: str) -> dict[str, object]:
    paid_on = PAID_AT.astimezone(ZoneInfo(PROGRAM.timezone)).date()
    return {"order_no": order_no, "paid_fen": 29_900, "paid_on": paid_on.isoformat()}


async def main(database_url: str) -> None:
    app = create_app(database_url)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://shop") as web:
        loyalty, sessions = app.state.loyalty, app.state.sessions

        async def logged() -> int:
            async with sessions() as session:
                return await session.scalar(select(func.count()).select_from(ClaimLog))

        await loyalty.ingest([order(FIRST), order(SECOND)])

        # 1. Through the route: the claim and the host's row in one transaction.
        answer = (await web.post("/members/m1/claims", json=asked(FIRST))).json()
        assert (answer["created"], answer["points"]) == (True, 299), answer
        assert await logged() == 1
        print("claimed with the host's row:", answer["points"], "points")

        # 2. The host rolls back: nothing of ours stays, and the order can be claimed again.
        async with sessions() as session:
            undone = await claim_order(loyalty, session, "m1", ClaimBody.model_validate(asked(SECOND)))
            assert undone.created  # provisional, until the host commits
            await session.rollback()
        member = await loyalty.member("m1")
        assert (member.points, await logged()) == (299, 1)
        print("rolled back by the host:", member.points, "points as before")

        # 3. A business "no" leaves the host's transaction alone: its row is kept.
        refused = (await web.post("/members/m2/claims", json={"order_no": UNKNOWN})).json()
        assert not refused["created"]
        assert await logged() == 2
        print("a no, and the host's row is kept:", refused["text"].splitlines()[0])

        # 4. Everybody at once: one gets it.
        answers = await asyncio.gather(*(web.post(f"/members/r{n}/claims", json=asked(SECOND)) for n in range(8)))
        assert sum(each.json()["created"] for each in answers) == 1
        assert (await loyalty.verify()).ok
        print("eight at once: one claim")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(os.environ.get("DATABASE_URL") or f"sqlite:///{folder}/shop.db"))
