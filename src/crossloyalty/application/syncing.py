"""
Pull what changed at a platform: window by window, page by page, stored together with the place to go on from.

Pages that come quickly are stored a few at a time (see `_Held`). A process that dies goes on behind the last page that
was stored (F-30): what was read and not stored yet is read again, since the place moves in the transaction of its facts
alone. Two that sync one list do not meet: one has the lease, and what one has read the other cannot write again.
Nothing here knows a platform's name.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.ingesting import Rejected
from crossloyalty.application.ports import AsyncTransaction, Change, Replace
from crossloyalty.application.sources import AsyncPullSource, Doubtful, Facts, Item, SourceLimits
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
# Pages are held until they have so many rows, or so long after the last storing, and then stored: a process that dies
# reads again what it held.
_ROWS_HELD: Final = 1_000
_HELD_US: Final = 2 * _SECOND_US


class Run(Protocol):
    """Runs a part that is over the storage alone, where the storage wants it to run."""

    def __call__(self, use_case: Coroutine[Any, Any, _T]) -> Awaitable[_T]:
        """Run it to its end."""
        ...


@attrs.frozen
class SyncProgress:
    """
    How far a sync has come; handed to the callback for each page, once it is stored.

    Args:
        feed: The list being read.
        since, until: The window of the page.
        pages: So far, over all lists, this one included.
        orders, refunds: Stored so far, over all lists.
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
        rejected: Items refused, the first 1,000 of them; each names its place among what was stored with it.
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
        progress: Called for each page, once it is stored.
        lease_s: For how long a list is held for one process between two times that it stores, in seconds.

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
        held = _Held(place, self._lease_us, self._world.now())
        try:
            place = await self._windows(root, held, begin, oldest, target, report, progress)
        except _LeaseLost:
            report.busy.append(self._feed)
            return
        except Exception:
            await self._run(self._end(root))
            raise
        if held.stored.lease_id:
            await self._run(self._end(root))
        report.read_to[self._feed] = time_of(place.read_to_at)

    async def _windows(
        self,
        root: RootKey,
        held: _Held,
        begin: int,
        oldest: int,
        target: int,
        report: SyncReport,
        progress: Callable[[SyncProgress], None] | None,
    ) -> SourceRecord:
        try:
            return await self._pages(root, held, begin, oldest, target, report, progress)
        except Exception:
            # What was read before it failed is stored; the next call goes on with the page that failed.
            await self._store(root, held, report, progress)
            raise

    async def _pages(
        self,
        root: RootKey,
        held: _Held,
        begin: int,
        oldest: int,
        target: int,
        report: SyncReport,
        progress: Callable[[SyncProgress], None] | None,
    ) -> SourceRecord:
        limits = self._source.limits
        longest = limits.longest_window_s * _SECOND_US
        place = held.place
        resumed = bool(place.window_to_at)
        while True:
            if not place.window_to_at:
                start = max(oldest, place.read_to_at - limits.overlap_s * _SECOND_US) if place.read_to_at else begin
                if place.read_to_at >= target or start >= target:
                    held.let_go()
                    await self._store(root, held, report, progress)
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
                place = place._replace(page="")
                await self._save(root, held, place, Facts())
                continue
            resumed = False
            new = self._behind(place, facts)
            if held.parts_with(facts):
                await self._store(root, held, report, progress)
            held.take(facts, new, (since, until), first=page is None)
            place = new
            if held.is_full(self._world.now()):
                await self._store(root, held, report, progress)

    def _behind(self, place: SourceRecord, facts: Facts) -> SourceRecord:
        """Give the place behind a page that was read at a place."""
        after = facts.next_page
        if after is None:
            read_to_at = max(place.read_to_at, place.window_to_at)
            return place._replace(read_to_at=read_to_at, window_from_at=0, window_to_at=0, page="")
        if after == (place.page or None) or not after:
            raise PlatformUnavailable("its pages do not move on", platform=self._about.platform)
        return place._replace(page=after)

    async def _store(
        self, root: RootKey, held: _Held, report: SyncReport, progress: Callable[[SyncProgress], None] | None
    ) -> None:
        """Store the pages that are held, with the place behind them, and tell of each."""
        windows, facts, repeated = held.give(self._world.now())
        if not windows:
            return
        taken = await self._save(root, held, held.place, facts)
        taken.add_unchanged(repeated)
        report.add(taken)
        for since, until in windows:
            report.pages += 1
            if progress is not None:
                progress(SyncProgress(self._feed, since, until, report.pages, report.orders, report.refunds))

    async def _save(self, root: RootKey, held: _Held, place: SourceRecord, facts: Facts) -> Taken:
        turn = _Turn(root, held.stored, place, self._lease_us, self._about, facts)
        taken = await self._run(take(self._world, self._program_id, self._about, facts, turn))
        held.stored = place
        return taken

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


class _Held:
    """
    Pages that were read and are not stored yet, with the place behind them.

    A few of them are stored together, because a transaction costs as much as fifty orders.

    Args:
        stored: The place as it stands in the store.
        lease_us: How long the list is leased from one storing to the next, in microseconds.
        now: When the place was stored, in microseconds.
    """

    def __init__(self, stored: SourceRecord, lease_us: int, now: int) -> None:
        self.stored = stored
        self.place = stored
        self._longest_us = min(_HELD_US, lease_us // 4)
        self._stored_at = now
        self._windows: list[tuple[datetime, datetime]] = []
        self._items: list[Item] = []
        self._doubtful: Sequence[Doubtful] = ()
        self._repeated: list[Item] = []
        # What the first page of the window gave, by identity: where pages are turned backwards, it is read twice.
        self._told: Mapping[int, Item] = {}

    def parts_with(self, facts: Facts) -> bool:
        """Say that a page cannot be stored with those held: of what is in doubt, the last word counts."""
        return bool(self._windows) and bool(self._doubtful or facts.doubtful)

    def take(self, facts: Facts, place: SourceRecord, window: tuple[datetime, datetime], *, first: bool) -> None:
        """
        Hold a page.

        Args:
            facts: What it said.
            place: Behind it.
            window: In which it was read.
            first: It is the first page of that window.
        """
        self._windows.append(window)
        self.place = place
        self._doubtful = facts.doubtful
        told = self._told
        if first:
            self._told = {} if facts.doubtful else {id(item): item for item in facts.items}
        elif told:
            self._repeated += [item for item in facts.items if id(item) in told]
            self._items += [item for item in facts.items if id(item) not in told]
            return
        self._items += facts.items

    def let_go(self) -> None:
        """Give the lease back with what is held: it is the last of the list."""
        self.place = self.place._replace(lease_id="", lease_ends_at=0)

    def is_full(self, now: int) -> bool:
        """Say that it is time to store; *now* in microseconds."""
        soon = 0 <= now - self._stored_at < self._longest_us
        return not soon or len(self._items) + len(self._repeated) >= _ROWS_HELD

    def give(self, now: int) -> tuple[Sequence[tuple[datetime, datetime]], Facts, Sequence[Item]]:
        """Give the windows of the pages held, what they said, and what they said again; nothing is held any more."""
        windows, repeated = self._windows, self._repeated
        facts = Facts(items=tuple(self._items), doubtful=tuple(self._doubtful))
        self._windows, self._items, self._doubtful, self._repeated = [], [], (), []
        self._stored_at = now
        return windows, facts, repeated


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
        new = self._new
        if new.lease_id:
            new = new._replace(lease_ends_at=now + self._lease_us)
        changes: list[Change] = [Replace(new)]
        changes += await watch_changes(tx, row.program_id, self._about, self._facts, now)
        return changes, {self._root: versions[self._root]}
