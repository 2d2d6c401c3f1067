"""A server that is killed under load and comes back: what was acknowledged is there, nothing is there twice."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import count
from typing import Any, Final

import pytest
from builders import PROGRAM_ID, Clock, assert_sound, order, right_proof
from harness import LATER, open_door, reopen_door
from places import SERVER_KINDS, Place
from private_server import PrivateServer
from stores import installed

from crossloyalty import AsyncEngine, ClaimResult, Loyalty, Reason
from crossloyalty.application.driving import drive
from crossloyalty.errors import StorageBusy
from crossloyalty.testing import dump

CALLERS: Final = 4
AT_LEAST: Final = 10  # acknowledged claims before the next kill
KILLS: Final = 3
MANY_KILLS: Final = 20
PATIENCE_S: Final = 120
FEN: Final = 10_000


class Book:
    """What the callers were told, and whether they may stop."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, str]] = []
        self.over = False

    def enter(self, member: str, order_no: str, result: ClaimResult, *, asked_again: bool) -> None:
        """Take down an answer: created, unless an earlier call ended with the word that its outcome is unknown."""
        assert result.created or (asked_again and result.reason is Reason.ALREADY_CLAIMED_BY_YOU), result
        self.answers.append((member, order_no))

    def wait_for_more(self, claims: int) -> None:
        """Wait until so many more claims are acknowledged."""
        wanted, end = len(self.answers) + claims, time.monotonic() + PATIENCE_S
        while len(self.answers) < wanted:
            assert time.monotonic() < end, "nobody is answered any more"
            time.sleep(0.01)


async def call_again(call: Callable[[], Awaitable[Any]]) -> tuple[Any, bool]:
    """Call until it is answered; give the answer and whether it took more than one call."""
    calls = 0
    while True:
        calls += 1
        try:
            return await call(), calls > 1
        except StorageBusy:  # anything else ends the test
            continue


async def claim_on_and_on(ingest: Any, claim: Any, caller: int, book: Book) -> None:
    """Ingest and claim order after order, each until it is answered."""
    for number in count(1_000_000 * (caller + 1)):
        if book.over:
            return
        each, member = order(number, paid_fen=FEN), f"m{caller}"
        await call_again(partial(ingest, [each]))
        asked = {"platform": each.platform, "order_no": each.order_no, "proof": right_proof(each)}
        result, asked_again = await call_again(partial(claim, member, **asked))
        book.enter(member, each.order_no, result, asked_again=asked_again)


def call_plainly(door: Loyalty, caller: int, book: Book) -> None:
    """Work as one caller of a plain door, in this thread."""

    async def ingest(items: Any) -> Any:
        return door.ingest(items)

    async def claim(*args: Any, **kwargs: Any) -> Any:
        return door.claim(*args, **kwargs)

    drive(claim_on_and_on(ingest, claim, caller, book))


def call_in_tasks(place: Place, callers: range, book: Book) -> None:
    """Work as several callers, tasks of one event loop, over the asynchronous storage."""

    async def main() -> None:
        async with place.open_async() as storage, asyncio.TaskGroup() as tasks:
            door = AsyncEngine(storage, clock=Clock(LATER)).program(PROGRAM_ID)
            for caller in callers:
                tasks.create_task(claim_on_and_on(door.ingest, door.claim, caller, book))

    asyncio.run(main())


def reachable(start: Callable[..., PrivateServer], kind: str) -> tuple[Place, PrivateServer]:
    """Start a server with an empty store, MySQL's reached by TCP: PyMySQL leaves a Unix socket open that is refused."""
    if kind == "postgresql":
        server = start(kind)
        return Place(installed(server.new_database())), server
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        port = found.getsockname()[1]
    server = start(kind, {"skip_networking": "OFF", "bind_address": "127.0.0.1", "port": port})
    return Place(installed(server.new_database()).at("127.0.0.1", port)), server


@pytest.mark.parametrize("kills", [KILLS, pytest.param(MANY_KILLS, marks=pytest.mark.release)])
@pytest.mark.parametrize("kind", SERVER_KINDS)
def test_a_killed_server_loses_no_acknowledged_claim(start_private_server: Any, kind: str, kills: int) -> None:
    """Killed and restarted again and again under load, it holds every claim that was acknowledged, and each once."""
    place, server = reachable(start_private_server, kind)
    book = Book()
    with place.open() as storage, ThreadPoolExecutor(CALLERS + 1) as pool:
        door = open_door(storage)
        try:
            running = [pool.submit(call_plainly, door, caller, book) for caller in range(CALLERS)]
            running.append(pool.submit(call_in_tasks, place, range(CALLERS, 2 * CALLERS), book))
            for _ in range(kills):
                book.wait_for_more(AT_LEAST)
                server.kill()
                server.restart()
            book.wait_for_more(AT_LEAST)
        finally:
            book.over = True
        for each in running:
            each.result(PATIENCE_S)
        tables = dump(storage)
        assert Counter((claim.member_id, claim.order_no) for claim in tables["claims"]) == Counter(book.answers)
        after = reopen_door(storage)
        for member, claimed in Counter(member for member, _ in book.answers).items():
            assert after.member(member).window_spend_fen == FEN * claimed
        assert_sound(after)
