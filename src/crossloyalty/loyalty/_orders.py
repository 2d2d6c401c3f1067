"""Orders and refunds that come in: handed over, pulled, pushed, in doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from crossloyalty._bridge import incoming_of, lift_source, own_source
from crossloyalty.application import ingesting
from crossloyalty.application.ingesting import IngestProgress, IngestReport
from crossloyalty.loyalty._door import AsyncDoor, Door
from crossloyalty.loyalty._runners import run_here

if TYPE_CHECKING:
    from crossloyalty.application.doubting import DoubtfulOrder
    from crossloyalty.application.pages import Page
    from crossloyalty.application.receiving import InboxReport, ParkedMessage, Received
    from crossloyalty.application.sources import AsyncPullSource, PullSource
    from crossloyalty.application.syncing import SyncProgress, SyncReport

__all__ = ["AsyncOrders", "Orders"]


class Orders(Door):
    """The doors of synchronous hosts."""

    __slots__ = ()

    def ingest(
        self,
        items: Iterable[object],
        *,
        batch: int = 1000,
        progress: Callable[[IngestProgress], None] | None = None,
    ) -> IngestReport:
        """
        Take in orders and refunds, doubled, late and out of order; orders of bound buyers convert by themselves.

        Args:
            items: `Order` and `Refund` values; read as needed.
            batch: Items a transaction.
            progress: Called after each batch.

        Returns:
            Counts and the rejected items with their reasons.
        """
        return self._run(ingesting.ingest(self._world, self._id, items, batch=batch, progress=progress))

    def sync(
        self,
        source: PullSource,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: Callable[[SyncProgress], None] | None = None,
    ) -> SyncReport:
        """
        Pull what changed at a platform since the last sync; run it every few minutes, in as many processes as you like.

        Pages are stored together with the place to go on from, up to about 500 rows at a time, so a process that dies
        goes on behind the last one that was stored.

        Args:
            source: The platform's, such as `TaobaoSource`.
            since: Where the very first sync begins, aware; None: as far back as the platform lists changes.
            until: With *since*: read this range again, and leave the running sync's place alone.
            progress: Called for each page, once it is stored.

        Returns:
            Counts, what was refused, and the lists that another process is reading now.

        Raises:
            RateLimited, PlatformUnavailable, PlatformRefused: The platform did not answer well; the pages so far are
                stored.
            ConfigError: The source is asynchronous, or a host's transaction is open around this door.
        """
        from crossloyalty.application import syncing

        self._runner.check_own("sync")
        return self._run(
            syncing.sync(
                self._world,
                run_here,
                self._id,
                lift_source(source),
                since=since,
                until=until,
                progress=progress,
            )
        )

    def receive(
        self,
        source: PullSource,
        headers: Mapping[str, str],
        body: bytes,
        *,
        query: Mapping[str, str] | None = None,
        method: str = "POST",
        later: bool = False,
    ) -> Received:
        """
        Take in what a platform sent to your address: verify it, keep it, fetch the order it names.

        Args:
            source: The platform's; one that takes messages.
            headers: As they arrived, in any case of letters.
            body: The raw bytes, before anything was parsed.
            query: The parameters of the address.
            method: The HTTP verb.
            later: Only keep the messages for `handle_messages`, where the platform waits for a second or two only.

        Returns:
            What to answer the platform, and what became of the messages; a forged message is a value too.
        """
        from crossloyalty.application import receiving

        self._runner.check_own("receive")
        incoming = incoming_of(headers, body, query, method)
        return self._run(receiving.receive(self._world, run_here, self._id, lift_source(source), incoming, later=later))

    def handle_messages(self, source: PullSource, *, limit: int = 200) -> InboxReport:
        """
        Work off the messages that wait, and fetch those in a platform's queue; run it every few seconds.

        Args:
            source: The platform's.
            limit: The most messages.

        Raises:
            Retryable, NeedsHuman: The platform's queue gave an error; no message is lost by it.
        """
        from crossloyalty.application import receiving

        self._runner.check_own("handle_messages")
        return self._run(receiving.handle_messages(self._world, run_here, self._id, lift_source(source), limit=limit))

    def parked_messages(self, *, limit: int = 100, after: str | None = None) -> Page[ParkedMessage]:
        """List the messages that were given up on; *after* is the last page's `next`."""
        from crossloyalty.application import receiving

        return self._run(receiving.page_of_parked(self._world, self._id, limit, after))

    def retry_parked(self, source: PullSource) -> InboxReport:
        """Try the parked messages of a source once more, up to 200 of them."""
        from crossloyalty.application import receiving

        self._runner.check_own("retry_parked")
        return self._run(receiving.retry_parked(self._world, run_here, self._id, lift_source(source)))

    def doubtful(self, *, limit: int = 100, after: str | None = None) -> Page[DoubtfulOrder]:
        """List what platforms told in a way that cannot be believed; *after* is the last page's `next`."""
        from crossloyalty.application import doubting

        return self._run(doubting.page_of_doubtful(self._world, self._id, limit, after))

    def dismiss_doubtful(self, doubt_id: str) -> bool:
        """
        Take something off the review list because somebody has looked at it.

        Args:
            doubt_id: As `doubtful` gives it.

        Returns:
            Whether it was still there.
        """
        from crossloyalty.application import doubting

        return self._run(doubting.dismiss_doubtful(self._world, self._id, doubt_id))


class AsyncOrders(AsyncDoor):
    """The same doors, awaited."""

    __slots__ = ()

    async def ingest(
        self,
        items: Iterable[object],
        *,
        batch: int = 1000,
        progress: Callable[[IngestProgress], None] | None = None,
    ) -> IngestReport:
        """See `Loyalty.ingest`."""
        return await self._run(ingesting.ingest(self._world, self._id, items, batch=batch, progress=progress))

    async def sync(
        self,
        source: AsyncPullSource,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: Callable[[SyncProgress], None] | None = None,
    ) -> SyncReport:
        """See `Loyalty.sync`."""
        from crossloyalty.application import syncing

        self._runner.check_own("sync")
        return await syncing.sync(
            self._world,
            self._run,
            self._id,
            own_source(source),
            since=since,
            until=until,
            progress=progress,
        )

    async def receive(
        self,
        source: AsyncPullSource,
        headers: Mapping[str, str],
        body: bytes,
        *,
        query: Mapping[str, str] | None = None,
        method: str = "POST",
        later: bool = False,
    ) -> Received:
        """See `Loyalty.receive`."""
        from crossloyalty.application import receiving

        self._runner.check_own("receive")
        incoming = incoming_of(headers, body, query, method)
        return await receiving.receive(self._world, self._run, self._id, own_source(source), incoming, later=later)

    async def handle_messages(self, source: AsyncPullSource, *, limit: int = 200) -> InboxReport:
        """See `Loyalty.handle_messages`."""
        from crossloyalty.application import receiving

        self._runner.check_own("handle_messages")
        return await receiving.handle_messages(self._world, self._run, self._id, own_source(source), limit=limit)

    async def parked_messages(self, *, limit: int = 100, after: str | None = None) -> Page[ParkedMessage]:
        """See `Loyalty.parked_messages`."""
        from crossloyalty.application import receiving

        return await self._run(receiving.page_of_parked(self._world, self._id, limit, after))

    async def retry_parked(self, source: AsyncPullSource) -> InboxReport:
        """See `Loyalty.retry_parked`."""
        from crossloyalty.application import receiving

        self._runner.check_own("retry_parked")
        return await receiving.retry_parked(self._world, self._run, self._id, own_source(source))

    async def doubtful(self, *, limit: int = 100, after: str | None = None) -> Page[DoubtfulOrder]:
        """See `Loyalty.doubtful`."""
        from crossloyalty.application import doubting

        return await self._run(doubting.page_of_doubtful(self._world, self._id, limit, after))

    async def dismiss_doubtful(self, doubt_id: str) -> bool:
        """See `Loyalty.dismiss_doubtful`."""
        from crossloyalty.application import doubting

        return await self._run(doubting.dismiss_doubtful(self._world, self._id, doubt_id))
