"""
Pull what changed at a platform: window by window, page by page, each page stored together with the place to go on from.

A process that dies at any page goes on with the next one (F-30). Two that sync one list do not meet: one has the lease,
and what one has read the other cannot write again. Nothing here knows a platform's name.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.ingesting import Rejected
from crossloyalty.application.ports import AsyncTransaction, Change, Replace
from crossloyalty.application.sources import AsyncPullSource, Facts, SourceLimits
from crossloyalty.application.taking import About, Taken, asked, program_of, take
from crossloyalty.application.watching import Watched, watch_changes, watch_due
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import instant_of, time_of
from crossloyalty.domain.checks import checked_call
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import checked_time
from crossloyalty.domain.records import Key, RootKey, SourceRecord
from crossloyalty.errors import ConfigError, InvalidInput, PlatformRefused, PlatformUnavailable, shown

__all__ = ["Run", "SyncProgress", "SyncReport", "about_source", "sync"]

_T = TypeVar("_T")
_SECOND_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _SECOND_US
_KEPT_REJECTIONS: Final = 1_000


class Run(Protocol):
    """Runs a part that is over the storage alone, where the storage wants it to run."""

    def __call__(self, use_case: Coroutine[Any, Any, _T]) -> Awaitable[_T]:
        """Run it to its end."""
        ...


@attrs.frozen
class SyncProgress:
    """
    How far a sync has come; handed to the callback after each page.

    Args:
        feed: The list being read.
        since, until: The window.
        pages, orders, refunds: So far, over all lists.
    """

    feed: str
    since: datetime
    until: datetime
    pages: int
    orders: int
    refunds: int


@attrs.define
class SyncReport:
    """
    What a sync did.

    Args:
        pages: Pages read and stored.
        orders, refunds: How many they told, doubles included.
        doubtful: How many went to review.
        orders_new: Orders never seen before.
        changed, unchanged: Items that said something new, and those that did not.
        claims_created, claims_changed: Claims made, and claims whose grants or state changed.
        watched: Finished orders that were fetched again to look for later refunds.
        busy: Lists somebody else is reading now; nothing was done there.
        read_to: For each list, up to when it has been read.
        rejected: Items refused, the first 1,000 of them.
        rejected_count: How many were refused in all.
    """

    pages: int = 0
    orders: int = 0
    refunds: int = 0
    doubtful: int = 0
    orders_new: int = 0
    changed: int = 0
    unchanged: int = 0
    claims_created: int = 0
    claims_changed: int = 0
    watched: int = 0
    busy: list[str] = attrs.field(factory=list)
    read_to: dict[str, datetime] = attrs.field(factory=dict)
    rejected: list[Rejected] = attrs.field(factory=list)
    rejected_count: int = 0

    def add(self, taken: Taken) -> None:
        """Add the counts of one answer."""
        for name in (
            "orders",
            "refunds",
            "doubtful",
            "orders_new",
            "changed",
            "unchanged",
            "claims_created",
            "claims_changed",
        ):
            setattr(self, name, getattr(self, name) + getattr(taken, name))
        self.rejected_count += len(taken.rejected)
        self.rejected += taken.rejected[: _KEPT_REJECTIONS - len(self.rejected)]


class _LeaseLost(Exception):
    """Somebody else has taken the list over; what we read now is theirs to write."""


def about_source(source: AsyncPullSource) -> About:
    """
    Read whose source it is.

    Raises:
        InvalidInput: Its platform or shop cannot be one.
        ConfigError: Its limits contradict each other.
    """
    limits = source.limits
    if not isinstance(limits, SourceLimits) or not 0 <= limits.overlap_s < limits.longest_window_s:
        raise ConfigError(f"{shown(source.platform)}: the overlap has to be shorter than the longest window")
    platform = clean_id(source.platform, "platform")
    return About(platform, clean_id(source.shop_id, "shop_id"), source.capabilities)


async def sync(
    world: World,
    run: Run,
    program_id: str,
    source: AsyncPullSource,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    progress: Callable[[SyncProgress], None] | None = None,
    lease_s: float = 120.0,
) -> SyncReport:
    """
    Pull what changed since the last sync, or fill a range back in.

    Args:
        world: The ports.
        run: Runs what is over the storage alone; no transaction is open while the source is asked.
        program_id: The program.
        source: The platform.
        since: Where the first sync of a list begins, aware; later ones go on from what they have read. None: as far
            back as the platform lists changes.
        until: With *since*: read this range again and leave the place of the running sync alone.
        progress: Called after each page.
        lease_s: For how long a list is held for one process between two pages, in seconds.

    Returns:
        The counts. Lists that somebody else is reading are named in `busy`.

    Raises:
        RateLimited, PlatformUnavailable, PlatformRefused: Asking did not work; the pages so far are stored, and the
            next call goes on with the one that failed.
        InvalidInput: *until* without *since*, or not behind it.
    """
    checked_call(progress, "progress")
    for value, name in ((since, "since"), (until, "until")):
        if value is not None:
            checked_time(value, name)
    if until is not None and (since is None or until <= since):
        raise InvalidInput("until ends a range that begins at since")
    about = about_source(source)
    await run(program_of(world, program_id, about))
    report = SyncReport()
    for feed in source.feeds:
        reader = _Reader(world, run, program_id, source, about, feed, lease_s)
        await reader.read(since, until, report, progress)
    if about.capabilities.watch_refunds and until is None:
        watched = Watched()
        await watch_due(world, run, program_id, source, about, watched)
        report.watched += watched.fetched
        for taken in watched.taken:
            report.add(taken)
    return report


def _whole_second(moment: int) -> int:
    """Cut to the second: platforms are asked in whole seconds, and a cut part would fall between two windows."""
    return moment // _SECOND_US * _SECOND_US


class _Reader:
    """Reads one list."""

    def __init__(
        self,
        world: World,
        run: Run,
        program_id: str,
        source: AsyncPullSource,
        about: About,
        feed: str,
        lease_s: float,
    ) -> None:
        self._world = world
        self._run = run
        self._program_id = program_id
        self._source = source
        self._about = about
        self._feed = feed
        self._lease_us = int(lease_s * _SECOND_US)
        self._lease_id = secrets.token_hex(8)

    async def read(
        self,
        since: datetime | None,
        until: datetime | None,
        report: SyncReport,
        progress: Callable[[SyncProgress], None] | None,
    ) -> None:
        """Read the list up to now, or a range of it."""
        limits = self._source.limits
        now = self._world.now()
        target = _whole_second(now - limits.lag_s * _SECOND_US)
        oldest = _whole_second(now - limits.oldest_days * _DAY_US)
        begin = oldest if since is None else max(oldest, _whole_second(instant_of(since)))
        name = self._feed
        if until is not None and since is not None:
            target = min(target, _whole_second(instant_of(until) + _SECOND_US - 1))
            # A range has a place of its own, so that it goes on after a crash and the running sync is left alone.
            name = f"{self._feed}@{_whole_second(instant_of(since))}~{target}"
        root = Key(SourceRecord, (self._program_id, self._about.platform, self._about.shop_id, name))
        place = await self._run(self._begin(root))
        if place is None:
            report.busy.append(self._feed)
            return
        if until is not None and place.read_to_at >= target:
            place = place._replace(read_to_at=0)
        try:
            place = await self._windows(root, place, begin, oldest, target, report, progress)
        except _LeaseLost:
            report.busy.append(self._feed)
            return
        except Exception:
            await self._run(self._end(root))
            raise
        await self._run(self._end(root))
        report.read_to[self._feed] = time_of(place.read_to_at)

    async def _windows(
        self,
        root: RootKey,
        place: SourceRecord,
        begin: int,
        oldest: int,
        target: int,
        report: SyncReport,
        progress: Callable[[SyncProgress], None] | None,
    ) -> SourceRecord:
        limits = self._source.limits
        longest = limits.longest_window_s * _SECOND_US
        resumed = bool(place.window_to_at)
        while True:
            stored = place
            if not place.window_to_at:
                if place.read_to_at >= target:
                    return place
                start = max(oldest, place.read_to_at - limits.overlap_s * _SECOND_US) if place.read_to_at else begin
                if start >= target:
                    return place
                place = place._replace(window_from_at=start, window_to_at=min(start + longest, target), page="")
            since, until = time_of(place.window_from_at), time_of(place.window_to_at)
            page = place.page or None
            try:
                facts = await asked(self._source.page(self._feed, since, until, page), self._about.platform)
            except PlatformRefused:
                if not (resumed and page):
                    raise
                # Platforms forget cursors; the window is read again from its first page.
                resumed = False
                place = await self._turned(root, stored, place._replace(page=""), Facts(), report)
                continue
            resumed = False
            after = facts.next_page
            if after is not None and (after == page or not after):
                raise PlatformUnavailable("its pages do not move on", platform=self._about.platform)
            if after is None:
                new = place._replace(
                    read_to_at=max(place.read_to_at, place.window_to_at), window_from_at=0, window_to_at=0, page=""
                )
            else:
                new = place._replace(page=after)
            place = await self._turned(root, stored, new, facts, report)
            report.pages += 1
            if progress is not None:
                progress(SyncProgress(self._feed, since, until, report.pages, report.orders, report.refunds))

    async def _turned(
        self, root: RootKey, stored: SourceRecord, new: SourceRecord, facts: Facts, report: SyncReport
    ) -> SourceRecord:
        turn = _Turn(root, stored, new, self._lease_us, self._about, facts)
        report.add(await self._run(take(self._world, self._program_id, self._about, facts, turn)))
        return new

    async def _begin(self, root: RootKey) -> SourceRecord | None:
        async def body(tx: AsyncTransaction) -> SourceRecord | None:
            versions = await tx.lock([root])
            row = cast(SourceRecord, (await tx.read([root])).records[root])
            now = self._world.now()
            if row.lease_id and row.lease_ends_at > now:
                return None
            held = row._replace(lease_id=self._lease_id, lease_ends_at=now + self._lease_us)
            await tx.write([Replace(held)], roots={root: versions[root]}, final=True)
            return held

        return await self._world.run(body)

    async def _end(self, root: RootKey) -> None:
        async def body(tx: AsyncTransaction) -> None:
            versions = await tx.lock([root])
            row = cast(SourceRecord, (await tx.read([root])).records[root])
            if row.lease_id == self._lease_id:
                free = row._replace(lease_id="", lease_ends_at=0)
                await tx.write([Replace(free)], roots={root: versions[root]}, final=True)

        await self._world.run(body)


class _Turn:
    """The place in a list, moved on in the transaction that stores the page (I-76)."""

    def __init__(
        self, root: RootKey, stored: SourceRecord, new: SourceRecord, lease_us: int, about: About, facts: Facts
    ) -> None:
        self._root = root
        self._stored = stored
        self._new = new
        self._lease_us = lease_us
        self._about = about
        self._facts = facts

    @property
    def roots(self) -> Collection[RootKey]:
        """See `Beside.roots`."""
        return (self._root,)

    async def changes(
        self, tx: AsyncTransaction, batch: Batch | None, versions: Mapping[RootKey, int], now: int
    ) -> tuple[list[Change], Mapping[RootKey, int]]:
        """See `Beside.changes`."""
        row = cast(SourceRecord, (await tx.read([self._root])).records[self._root])
        # The place has to be where this reader left it, except that a range begins anew from 0.
        expected = self._stored
        same = (row.lease_id, row.window_from_at, row.window_to_at, row.page) == (
            expected.lease_id,
            expected.window_from_at,
            expected.window_to_at,
            expected.page,
        )
        if not same:
            raise _LeaseLost
        changes: list[Change] = [Replace(self._new._replace(lease_ends_at=now + self._lease_us))]
        changes += await watch_changes(tx, row.program_id, self._about, self._facts, now)
        return changes, {self._root: versions[self._root]}
