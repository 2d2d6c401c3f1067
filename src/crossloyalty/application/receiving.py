"""
Take in what platforms push: verified, kept once, then the order it names is fetched and taken in.

A message is never believed, it only says what to fetch; so it does not matter in which order messages come, how often,
or how late. One that cannot be worked off is parked after some tries, and the platform is told that it was taken: the
others go on, and the next sync finds the order anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.pages import Page, cursor_of, row_behind
from crossloyalty.application.ports import AsyncTransaction, Change, Delete, Insert, Replace, Scan
from crossloyalty.application.sources import (
    Acknowledgement,
    AsyncMessageChannel,
    AsyncPullSource,
    Facts,
    Incoming,
    Pushed,
    PushSource,
)
from crossloyalty.application.syncing import Run, about_source
from crossloyalty.application.taking import About, Taken, asked, program_of, take, typed
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import time_of
from crossloyalty.domain.records import Key, MessageRecord, RootKey
from crossloyalty.errors import (
    ConfigError,
    CrossloyaltyError,
    ForgedMessage,
    InvalidInput,
    NeedsHuman,
    Retryable,
    shown,
)

__all__ = [
    "InboxReport",
    "ParkedMessage",
    "Received",
    "handle_messages",
    "page_of_parked",
    "receive",
    "retry_parked",
]

WAITING: Final = "WAITING"
DONE: Final = "DONE"
PARKED: Final = "PARKED"
_MOST_TRIES: Final = 5
_LONGEST_ID: Final = 120
_DAY_US: Final = 86_400 * 1_000_000
# Platforms send again for hours or days; after a month nobody does.
_KEPT_DAYS: Final = 30
_AT_ONCE: Final = 200
_LIST: Final = " parked"


@attrs.define
class InboxReport:
    """
    What became of messages.

    Args:
        taken: Messages whose order was fetched and taken in.
        again: Messages that had been worked off before.
        ignored: Messages about no order.
        failed: Messages that could not be worked off now; they are tried again.
        parked: Messages given up on until somebody calls `retry_parked`.
        waiting: Messages kept to be worked off by `handle_messages`.
        left: Messages about another shop, left in the platform's queue.
        error: What went wrong last, for logs.
    """

    taken: int = 0
    again: int = 0
    ignored: int = 0
    failed: int = 0
    parked: int = 0
    waiting: int = 0
    error: str = ""
    left: int = 0


@attrs.define(kw_only=True)
class Received(InboxReport):
    """
    What to answer the platform, and what became of its messages.

    Args:
        acknowledgement: Status, headers and body to answer with.
        refused: Why nothing was taken in: a wrong signature, an old time, another shop; "" when it was.
    """

    acknowledgement: Acknowledgement
    refused: str = ""


@attrs.frozen
class ParkedMessage:
    """A message that was given up on."""

    platform: str
    shop_id: str
    message_id: str
    topic: str
    order_no: str
    refund_id: str
    tries: int
    error: str
    received_at: datetime


async def receive(
    world: World,
    run: Run,
    program_id: str,
    source: AsyncPullSource,
    incoming: Incoming,
    *,
    later: bool = False,
    tries: int = _MOST_TRIES,
) -> Received:
    """
    Take in what a platform sent to the host's address.

    Args:
        world: The ports.
        run: Runs what is over the storage alone.
        program_id: The program.
        source: The platform; a `PushSource` as well.
        incoming: As it arrived, untouched.
        later: Only keep the messages, for `handle_messages`; where a platform waits for its answer a second or two.
        tries: After how many failures a message is parked.

    Returns:
        The answer for the platform. A forged message is a value, not an error.

    Raises:
        StorageBusy: The messages could not be kept; answer with an error, and the platform sends again.
        ConfigError: The source takes no messages, or the program does not know its platform.
    """
    if not isinstance(source, PushSource):
        raise ConfigError(f"{shown(source.platform)}: this source takes no messages")
    about = about_source(source)
    try:
        pushed = source.verify(incoming, world.clock())
    except ForgedMessage as error:
        return Received(acknowledgement=source.acknowledge(incoming, False), refused=str(error))
    except Exception as error:  # noqa: BLE001 - a message that makes a reader stumble is not taken in
        return Received(acknowledgement=source.acknowledge(incoming, False), refused=type(error).__name__)
    if any(each.shop_id not in ("", about.shop_id) for each in pushed):
        return Received(acknowledgement=source.acknowledge(incoming, False), refused="a message for another shop")
    report = InboxReport()
    rows = await run(_keep(world, program_id, about, pushed, report))
    if later:
        report.waiting += len(rows)
        ok = True
    else:
        ok = await _handle(world, run, program_id, source, about, rows, tries, report)
    answer = source.acknowledge(incoming, ok)
    return Received(acknowledgement=answer, **attrs.asdict(report))


async def handle_messages(
    world: World,
    run: Run,
    program_id: str,
    source: AsyncPullSource,
    *,
    limit: int = _AT_ONCE,
    tries: int = _MOST_TRIES,
) -> InboxReport:
    """
    Work off the messages that wait, after fetching new ones where they wait in a queue of the platform.

    Args:
        world: The ports.
        run: Runs what is over the storage alone.
        program_id: The program.
        source: The platform; an `AsyncMessageChannel` as well where it has a queue.
        limit: The most messages, 1 to 1,000.
        tries: After how many failures a message is parked.

    Raises:
        Retryable, NeedsHuman: The queue could not be asked, or not told what was taken; what it gave is kept or comes
            again. An order that could not be fetched is no error but counted.
    """
    if type(limit) is not int or not 1 <= limit <= 1000:
        raise InvalidInput(f"limit lies between 1 and 1000: {shown(limit)}")
    about = about_source(source)
    report = InboxReport()
    if isinstance(source, AsyncMessageChannel):
        waiting = await typed(source.consume(limit), about.platform)
        # One queue may hold the messages of many shops: what is confirmed here never reaches the others.
        pushed = [each for each in waiting if each.shop_id in ("", about.shop_id)]
        report.left += len(waiting) - len(pushed)
        await run(_keep(world, program_id, about, pushed, report))
        if pushed:
            # Kept before it is confirmed: a crash in between makes the platform send it again (F-28).
            await typed(source.confirm(list(dict.fromkeys(each.message_id for each in pushed))), about.platform)
    rows = await run(_waiting(world, program_id, about, limit))
    await _handle(world, run, program_id, source, about, rows, tries, report)
    await run(_forget(world, program_id, about))
    return report


async def retry_parked(
    world: World, run: Run, program_id: str, source: AsyncPullSource, *, tries: int = _MOST_TRIES
) -> InboxReport:
    """Try the parked messages of a source once more, up to 200 of them."""
    about = about_source(source)
    rows = await run(_waiting(world, program_id, about, _AT_ONCE, PARKED))
    report = InboxReport()
    await _handle(world, run, program_id, source, about, rows, tries, report)
    return report


async def page_of_parked(world: World, program_id: str, limit: int, after: str | None) -> Page[ParkedMessage]:
    """List the parked messages of a program."""
    if type(limit) is not int or not 1 <= limit <= 1000:
        raise InvalidInput(f"limit lies between 1 and 1000: {shown(limit)}")
    place = row_behind(after, program_id, _LIST)
    behind = None if place is None else (program_id, *place[2:])
    scan = Scan(MessageRecord, (program_id, PARKED), by="by_state", limit=limit + 1, after=behind)

    async def body(tx: AsyncTransaction) -> list[MessageRecord]:
        return cast("list[MessageRecord]", list((await tx.read(scans=[scan])).rows[0]))

    rows = await world.run(body, readonly=True)
    more = len(rows) > limit
    rows = rows[:limit]
    items = tuple(
        ParkedMessage(
            row.platform,
            row.shop_id,
            row.message_id,
            row.topic,
            row.order_no,
            row.refund_id,
            row.tries,
            row.error,
            time_of(row.received_at),
        )
        for row in rows
    )
    if not more:
        return Page(items, None)
    last = rows[-1]
    named = [last.state, last.platform, last.shop_id, last.received_at, last.message_id]
    return Page(items, cursor_of(named, program_id, _LIST))


# -- the inbox ---------------------------------------------------------------------------------------------------------


def _message_id(text: str) -> str:
    """Give an id that fits a key; a long one is named by its digest."""
    if len(text) <= _LONGEST_ID and text.isprintable() and text.strip():
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


async def _keep(
    world: World, program_id: str, about: About, pushed: Sequence[Pushed], report: InboxReport
) -> list[MessageRecord]:
    """
    Keep messages that are new.

    Returns:
        Those of all given that still wait, each once.
    """
    await program_of(world, program_id, about)
    report.ignored += sum(not each.order_no for each in pushed)
    now = world.now()
    rows: dict[Key, MessageRecord] = {}
    for each in pushed:
        if each.order_no:
            row = MessageRecord(
                program_id,
                about.platform,
                about.shop_id,
                _message_id(each.message_id),
                WAITING,
                now,
                each.sent_at,
                each.topic[:_LONGEST_ID],
                each.order_no[:_LONGEST_ID],
                each.refund_id[:_LONGEST_ID],
                0,
                "",
            )
            key = Key(MessageRecord, row[:4])
            report.again += key in rows
            rows.setdefault(key, row)
    if not rows:
        return []

    async def body(tx: AsyncTransaction) -> tuple[list[MessageRecord], int]:
        await tx.lock(())
        held = cast("Mapping[Key, MessageRecord]", (await tx.read(list(rows))).records)
        new = [row for key, row in rows.items() if key not in held]
        if new:
            await tx.write([Insert.of(new)], roots={}, final=True)
        waiting = [row for row in held.values() if row.state == WAITING]
        return new + waiting, len(held) - len(waiting)

    waiting, again = await world.run(body)
    report.again += again
    return waiting


async def _waiting(
    world: World, program_id: str, about: About, limit: int, state: str = WAITING
) -> list[MessageRecord]:
    async def body(tx: AsyncTransaction) -> list[MessageRecord]:
        prefix = (program_id, state, about.platform, about.shop_id)
        scan = Scan(MessageRecord, prefix, by="by_state", limit=limit)
        return cast("list[MessageRecord]", list((await tx.read(scans=[scan])).rows[0]))

    return await world.run(body, readonly=True)


async def _handle(
    world: World,
    run: Run,
    program_id: str,
    source: AsyncPullSource,
    about: About,
    rows: Collection[MessageRecord],
    tries: int,
    report: InboxReport,
) -> bool:
    """Work messages off one by one; give whether none of them has to be sent again."""
    ok = True
    for row in rows:
        facts = Facts()
        try:
            facts = await asked(source.fetch(row.order_no, row.refund_id), about.platform)
            problem = "" if facts.items or facts.doubtful else "the platform knows no such order"
        except (Retryable, NeedsHuman) as error:
            problem = f"{type(error).__name__} {_code(error)}".strip()
        if not problem:
            taken: Taken = await run(take(world, program_id, about, facts, _Settled(row)))
            if not (taken.rejected and not taken.orders and not taken.refunds):
                report.taken += 1
                continue
            problem = f"rejected: {taken.rejected[0].code}"
        report.error = problem
        state = await run(_failed(world, row, problem, tries))
        report.parked += state == PARKED
        report.failed += state == WAITING
        ok = ok and state != WAITING
    return ok


def _code(error: CrossloyaltyError) -> str:
    code: Any = getattr(error, "code", "")
    return code if isinstance(code, str) else ""


async def _failed(world: World, row: MessageRecord, problem: str, tries: int) -> str:
    key = Key(MessageRecord, row[:4])

    async def body(tx: AsyncTransaction) -> str:
        await tx.lock(())
        held = cast("MessageRecord | None", (await tx.read([key])).records.get(key))
        if held is None:
            return WAITING
        # A rejected one was settled with its facts a moment ago; that does not make it right.
        state = PARKED if held.state == PARKED or held.tries + 1 >= tries else WAITING
        new = held._replace(state=state, tries=held.tries + 1, error=problem[:200])
        await tx.write([Replace(new)], roots={}, final=True)
        return state

    return await world.run(body)


class _Settled:
    """A message, done in the transaction that takes its order in (I-77)."""

    roots: Collection[RootKey] = ()

    def __init__(self, row: MessageRecord) -> None:
        self._key = Key(MessageRecord, row[:4])

    async def changes(
        self, tx: AsyncTransaction, batch: Batch | None, versions: Mapping[RootKey, int], now: int
    ) -> tuple[list[Change], Mapping[RootKey, int]]:
        """See `Beside.changes`."""
        held = cast("MessageRecord | None", (await tx.read([self._key])).records.get(self._key))
        if held is None or held.state == DONE:
            return [], {}
        return [Replace(held._replace(state=DONE, error=""))], {}


async def _forget(world: World, program_id: str, about: About) -> None:
    """Remove messages that were done long ago."""

    async def body(tx: AsyncTransaction) -> None:
        await tx.lock(())
        prefix = (program_id, DONE, about.platform, about.shop_id)
        high = world.now() - _KEPT_DAYS * _DAY_US
        scan = Scan(MessageRecord, prefix, by="by_state", low=0, high=high, limit=_AT_ONCE)
        old = cast("list[MessageRecord]", list((await tx.read(scans=[scan])).rows[0]))
        if old:
            await tx.write([Delete(Key(MessageRecord, row[:4])) for row in old], roots={}, final=True)

    await world.run(body)
