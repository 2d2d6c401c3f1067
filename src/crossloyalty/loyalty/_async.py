"""The doors of asynchronous hosts: the methods of the plain ones, awaited; a test compares the signatures."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from crossloyalty._bridge import incoming_of, own_source
from crossloyalty.application import (
    binding,
    claiming,
    ingesting,
)
from crossloyalty.application import programs as revisions
from crossloyalty.application.binding import BackfillResult, BindResult
from crossloyalty.application.claiming import ClaimRequest
from crossloyalty.application.grouping import GroupCommit
from crossloyalty.application.ingesting import IngestProgress, IngestReport
from crossloyalty.application.ports import AsyncSleep, AsyncStorage, Clock, Storage
from crossloyalty.application.world import World
from crossloyalty.domain.answers import ClaimResult
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import Order
from crossloyalty.domain.ownership import NO_PROOF, Proof
from crossloyalty.domain.program import CALC, Program
from crossloyalty.errors import ConfigError, shown
from crossloyalty.loyalty._runners import (
    AsyncRunner,
    checked_program,
    checked_requests,
    claim_one,
    lifted_cipher,
    lifted_gateway,
    program_ids,
)

if TYPE_CHECKING:
    from crossloyalty.application.acting import ActionResult
    from crossloyalty.application.checking import ProofChecks
    from crossloyalty.application.delivering import Delivery, DeliveryAnswer
    from crossloyalty.application.doubting import DoubtfulOrder
    from crossloyalty.application.dual_enrolling import EnrolmentsReport
    from crossloyalty.application.due import DueReport
    from crossloyalty.application.enrolling import EnrolResult
    from crossloyalty.application.erasing import EraseResult
    from crossloyalty.application.events import Event
    from crossloyalty.application.explaining import Explanation
    from crossloyalty.application.exporting import PersonExport
    from crossloyalty.application.identities import IdentityView, UnclaimedBuyer
    from crossloyalty.application.merging import MergeResult, UnmergeResult
    from crossloyalty.application.opening import OpeningProgress, OpeningReport
    from crossloyalty.application.operating import AdjustResult, BlockResult, CouponUse, TierResult
    from crossloyalty.application.pages import ClaimView, EntryView, OrderView, Page, TicketView
    from crossloyalty.application.ports import AsyncEnrolmentGateway, AsyncPhoneCipher
    from crossloyalty.application.recalculating import RecalculationReport
    from crossloyalty.application.receiving import InboxReport, ParkedMessage, Received
    from crossloyalty.application.reindexing import PhoneReindexReport
    from crossloyalty.application.reviewing import Review, ReviewResult
    from crossloyalty.application.snapshots import MemberSnapshot
    from crossloyalty.application.sources import AsyncPullSource
    from crossloyalty.application.syncing import SyncProgress, SyncReport
    from crossloyalty.application.timeline import Moment
    from crossloyalty.application.unbinding import UnbindResult
    from crossloyalty.application.verifying import VerifyProgress, VerifyReport
    from crossloyalty.domain.customers import CustomerState, RiskFlag
    from crossloyalty.domain.identities import Identity

__all__ = ["AsyncEngine", "AsyncLoyalty"]

_T = TypeVar("_T")


class AsyncLoyalty:
    """
    One program for asynchronous hosts; the same methods as `Loyalty`, awaited.

    Args:
        program: As for `Loyalty`; published or compared at the first call.
        storage: An asynchronous storage, or a plain one: then every use case runs whole in one thread of its own, and a
            cancelled call leaves only when its transaction has ended.
        clock, random: As for `Loyalty`.
        sleep: Awaited between tries over an asynchronous storage; a plain one pauses in its own thread.
        group_commit, checks: As for `Loyalty`; ports may be asynchronous over an asynchronous storage.
    """

    __slots__ = ("_groups", "_id", "_parent", "_program", "_runner")

    def __init__(
        self,
        program: Program,
        storage: Storage | AsyncStorage,
        *,
        clock: Clock | None = None,
        sleep: AsyncSleep | None = None,
        random: Callable[[], float] | None = None,
        group_commit: GroupCommit | None = None,
        checks: ProofChecks | None = None,
    ) -> None:
        self._runner = AsyncRunner(storage, clock, sleep, random, group_commit, checks)
        self._id = checked_program(program).program_id
        self._groups = self._runner.groups(self._id)
        self._program: Program | None = program
        self._parent = self  # who publishes the program, if it has to be

    @classmethod
    def _of(cls, runner: AsyncRunner, program_id: str) -> AsyncLoyalty:
        door = cls.__new__(cls)
        door._runner = runner
        door._id = program_id
        door._groups = runner.groups(program_id)
        door._program = None
        door._parent = door
        return door

    @property
    def program_id(self) -> str:
        """The program this door leads to."""
        return self._id

    def joined(self, connection: object) -> AsyncLoyalty:
        """
        See `Loyalty.joined`.

        Args:
            connection: An asynchronous one: of psycopg, aiomysql or asyncmy, or SQLAlchemy's `AsyncConnection` or
                `AsyncSession`; used by this task alone. A call that is cancelled in the middle of a statement costs
                the host its transaction.
        """
        door = AsyncLoyalty._of(self._runner.joined(connection), self._id)
        door._parent = self._parent
        return door

    @property
    def _world(self) -> World:
        return self._runner.world

    async def _run(self, use_case: Coroutine[Any, Any, _T]) -> _T:
        if self._parent._program is not None:
            try:
                await self._parent._publish_first(self._parent._program)
            except BaseException:
                use_case.close()
                raise
        return await self._runner.run(use_case)

    async def _publish_first(self, program: Program) -> None:
        await self._runner.run(revisions.publish_first(await self._runner.first_world(), program))
        self._program = None

    async def ingest(
        self,
        items: Iterable[object],
        *,
        batch: int = 1000,
        progress: Callable[[IngestProgress], None] | None = None,
    ) -> IngestReport:
        """See `Loyalty.ingest`."""
        return await self._run(ingesting.ingest(self._world, self._id, items, batch=batch, progress=progress))

    async def claim(
        self,
        member_id: str,
        *,
        platform: str,
        order_no: str,
        proof: Proof = NO_PROOF,
        touch: str = "",
        device: str = "",
    ) -> ClaimResult:
        """See `Loyalty.claim`."""
        request = ClaimRequest(
            member_id=member_id, platform=platform, order_no=order_no, proof=proof, touch=touch, device=device
        )
        if self._groups is not None and self._program is None:
            return await self._groups.claim(request)
        return await self._run(claim_one(self._world, self._id, request))

    async def claim_many(self, requests: Iterable[ClaimRequest]) -> list[ClaimResult]:
        """See `Loyalty.claim_many`."""
        return await self._run(claiming.claim_orders(self._world, self._id, checked_requests(requests)))

    async def quote(self, member_id: str, order: Order) -> ClaimResult:
        """See `Loyalty.quote`."""
        from crossloyalty.application import quoting

        return await self._run(quoting.quote_order(self._world, self._id, member_id, order))

    async def bind(
        self,
        member_id: str,
        *,
        platform: str,
        buyer_id: str,
        scope: str = "",
        evidence: str = "",
        via: str = "host",
    ) -> BindResult:
        """See `Loyalty.bind`."""
        return await self._run(
            binding.bind(
                self._world,
                self._id,
                member_id,
                platform=platform,
                buyer_id=buyer_id,
                scope=scope,
                evidence=evidence,
                via=via,
            )
        )

    async def backfill(self, member_id: str) -> BackfillResult:
        """See `Loyalty.backfill`."""
        return await self._run(binding.backfill(self._world, self._id, member_id))

    async def bind_phone(self, member_id: str, phone: str, *, evidence: str = "", via: str = "host") -> BindResult:
        """See `Loyalty.bind_phone`."""
        from crossloyalty.application import phones

        return await self._run(phones.bind_phone(self._world, self._id, member_id, phone, evidence=evidence, via=via))

    async def unbind(
        self, member_id: str, *, platform: str, buyer_id: str, scope: str = "", reason: str = ""
    ) -> UnbindResult:
        """See `Loyalty.unbind`."""
        from crossloyalty.application import unbinding

        return await self._run(
            unbinding.unbind(
                self._world, self._id, member_id, platform=platform, buyer_id=buyer_id, scope=scope, reason=reason
            )
        )

    async def identities(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[IdentityView]:
        """See `Loyalty.identities`."""
        from crossloyalty.application import identities

        return await self._run(identities.page_of_identities(self._world, self._id, member_id, limit, after))

    async def unclaimed_buyers(self, *, limit: int = 100, after: str | None = None) -> Page[UnclaimedBuyer]:
        """See `Loyalty.unclaimed_buyers`."""
        from crossloyalty.application import identities

        return await self._run(identities.page_of_unclaimed_buyers(self._world, self._id, limit, after))

    async def issue_token(self, *, platform: str, order_no: str, valid_minutes: int = 1440) -> str:
        """See `Loyalty.issue_token`."""
        from crossloyalty.application import tokens

        return await self._run(
            tokens.issue_token(self._world, self._id, platform=platform, order_no=order_no, valid_minutes=valid_minutes)
        )

    async def reviews(self, *, limit: int = 100, after: str | None = None) -> Page[Review]:
        """See `Loyalty.reviews`."""
        from crossloyalty.application import reviewing

        return await self._run(reviewing.page_of_reviews(self._world, self._id, limit, after))

    async def approve(self, review_id: str, *, reason: str, operator: str, key: str) -> ReviewResult:
        """See `Loyalty.approve`."""
        from crossloyalty.application import reviewing

        return await self._run(
            reviewing.approve(self._world, self._id, review_id, reason=reason, operator=operator, key=key)
        )

    async def refuse(self, review_id: str, *, reason: str, operator: str, key: str) -> ReviewResult:
        """See `Loyalty.refuse`."""
        from crossloyalty.application import reviewing

        return await self._run(
            reviewing.refuse(self._world, self._id, review_id, reason=reason, operator=operator, key=key)
        )

    async def dispute(
        self, member_id: str, *, platform: str, order_no: str, evidence: str, operator: str, key: str
    ) -> ReviewResult:
        """See `Loyalty.dispute`."""
        from crossloyalty.application import reviewing

        return await self._run(
            reviewing.dispute(
                self._world,
                self._id,
                member_id,
                platform=platform,
                order_no=order_no,
                evidence=evidence,
                operator=operator,
                key=key,
            )
        )

    async def run_due(self, *, batch: int = 200, progress: Callable[[DueReport], None] | None = None) -> DueReport:
        """See `Loyalty.run_due`."""
        from crossloyalty.application import due

        return await self._run(due.run_due(self._world, self._id, batch=batch, progress=progress))

    async def member(self, member_id: str) -> MemberSnapshot:
        """See `Loyalty.member`."""
        from crossloyalty.application import snapshots

        return await self._run(snapshots.member_snapshot(self._world, self._id, member_id))

    async def orders(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[OrderView]:
        """See `Loyalty.orders`."""
        from crossloyalty.application import pages

        return await self._run(pages.page_of_orders(self._world, self._id, member_id, limit, after))

    async def claims(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[ClaimView]:
        """See `Loyalty.claims`."""
        from crossloyalty.application import pages

        return await self._run(pages.page_of_claims(self._world, self._id, member_id, limit, after))

    async def tickets(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[TicketView]:
        """See `Loyalty.tickets`."""
        from crossloyalty.application import pages

        return await self._run(pages.page_of_tickets(self._world, self._id, member_id, limit, after))

    async def entries(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[EntryView]:
        """See `Loyalty.entries`."""
        from crossloyalty.application import pages

        return await self._run(pages.page_of_entries(self._world, self._id, member_id, limit, after))

    async def timeline(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[Moment]:
        """See `Loyalty.timeline`."""
        from crossloyalty.application import timeline

        return await self._run(timeline.page_of_timeline(self._world, self._id, member_id, limit, after))

    async def explain(self, *, platform: str, order_no: str) -> Explanation:
        """See `Loyalty.explain`."""
        from crossloyalty.application import explaining

        return await self._run(explaining.explain(self._world, self._id, platform=platform, order_no=order_no))

    async def adjust(self, member_id: str, *, asset: str, amount: int, key: str, note: str = "") -> AdjustResult:
        """See `Loyalty.adjust`."""
        from crossloyalty.application import operating

        return await self._run(
            operating.adjust(self._world, self._id, member_id, asset=asset, amount=amount, key=key, note=note)
        )

    async def use_coupon(self, member_id: str, *, lot_no: int, key: str) -> CouponUse:
        """See `Loyalty.use_coupon`."""
        from crossloyalty.application import operating

        return await self._run(operating.use_coupon(self._world, self._id, member_id, lot_no=lot_no, key=key))

    async def import_opening(
        self,
        rows: Iterable[object],
        *,
        name: str,
        batch: int = 500,
        progress: Callable[[OpeningProgress], None] | None = None,
    ) -> OpeningReport:
        """See `Loyalty.import_opening`."""
        from crossloyalty.application import opening

        return await self._run(
            opening.import_opening(self._world, self._id, rows, name=name, batch=batch, progress=progress)
        )

    async def enrol(
        self, member_id: str, *, identities: Iterable[Identity] = (), sides: Iterable[str] = ()
    ) -> EnrolResult:
        """See `Loyalty.enrol`."""
        from crossloyalty.application import enrolling

        return await self._run(enrolling.enrol(self._world, self._id, member_id, identities=identities, sides=sides))

    async def run_enrolments(self, gateway: AsyncEnrolmentGateway, *, side: str) -> EnrolmentsReport:
        """See `Loyalty.run_enrolments`."""
        from crossloyalty.application import dual_enrolling

        lifted = lifted_gateway(gateway, plain=self._runner.is_plain)
        return await self._run(dual_enrolling.run_enrolments(self._world, self._id, lifted, side=side))

    async def customer_state(self, member_id: str, *, active_days: int = 90, lost_days: int = 365) -> CustomerState:
        """See `Loyalty.customer_state`."""
        from crossloyalty.application import customers

        return await self._run(
            customers.state_of_customer(self._world, self._id, member_id, active_days=active_days, lost_days=lost_days)
        )

    async def risk_flags(self, member_id: str, *, refunded_claims: int = 3) -> tuple[RiskFlag, ...]:
        """See `Loyalty.risk_flags`."""
        from crossloyalty.application import customers

        return await self._run(
            customers.flags_of_member(self._world, self._id, member_id, refunded_claims=refunded_claims)
        )

    async def merge(
        self,
        member_id: str,
        other_id: str,
        *,
        key: str,
        survivor: str = "",
        version: int = 0,
        given_twice: Literal["keep", "claw_back"] = "keep",
    ) -> MergeResult:
        """See `Loyalty.merge`."""
        from crossloyalty.application import merging

        return await self._run(
            merging.merge(
                self._world,
                self._id,
                member_id,
                other_id,
                key=key,
                survivor=survivor,
                version=version,
                given_twice=given_twice,
            )
        )

    async def unmerge(self, member_id: str, *, key: str) -> UnmergeResult:
        """See `Loyalty.unmerge`."""
        from crossloyalty.application import merging

        return await self._run(merging.unmerge(self._world, self._id, member_id, key=key))

    async def erase_person(self, member_id: str) -> EraseResult:
        """See `Loyalty.erase_person`."""
        from crossloyalty.application import erasing

        return await self._run(erasing.erase_person(self._world, self._id, member_id))

    async def export_person(
        self, member_id: str, *, operator: str, phone_cipher: AsyncPhoneCipher | None = None
    ) -> PersonExport:
        """See `Loyalty.export_person`."""
        from crossloyalty.application import exporting

        cipher = lifted_cipher(phone_cipher, plain=self._runner.is_plain)
        return await self._run(
            exporting.export_person(self._world, self._id, member_id, operator=operator, phone_cipher=cipher)
        )

    async def reindex_phones(
        self,
        phones: Iterable[str] | None = None,
        *,
        retire: bool = False,
        encrypt: bool = False,
        batch: int = 200,
        progress: Callable[[PhoneReindexReport], None] | None = None,
    ) -> PhoneReindexReport:
        """See `Loyalty.reindex_phones`."""
        from crossloyalty.application import reindexing

        return await self._run(
            reindexing.reindex_phones(
                self._world, self._id, phones, retire=retire, encrypt=encrypt, batch=batch, progress=progress
            )
        )

    async def record_action(self, member_id: str, *, action: str, key: str) -> ActionResult:
        """See `Loyalty.record_action`."""
        from crossloyalty.application import acting

        return await self._run(acting.record_action(self._world, self._id, member_id, action=action, key=key))

    async def set_tier(self, member_id: str, *, tier: str, key: str, note: str = "") -> TierResult:
        """See `Loyalty.set_tier`."""
        from crossloyalty.application import operating

        return await self._run(operating.set_tier(self._world, self._id, member_id, tier=tier, key=key, note=note))

    async def block(self, member_id: str, *, reason: str, key: str, until: datetime | None = None) -> BlockResult:
        """See `Loyalty.block`."""
        clean_id(reason, "reason")
        from crossloyalty.application import operating

        return await self._run(operating.block(self._world, self._id, member_id, reason=reason, until=until, key=key))

    async def unblock(self, member_id: str, *, key: str) -> BlockResult:
        """See `Loyalty.unblock`."""
        from crossloyalty.application import operating

        return await self._run(operating.block(self._world, self._id, member_id, reason="", until=None, key=key))

    async def block_buyer(
        self, *, platform: str, buyer_id: str, reason: str, key: str, scope: str = "", until: datetime | None = None
    ) -> BlockResult:
        """See `Loyalty.block_buyer`."""
        clean_id(reason, "reason")
        from crossloyalty.application import operating

        return await self._run(
            operating.block_buyer(
                self._world,
                self._id,
                platform=platform,
                buyer_id=buyer_id,
                scope=scope,
                reason=reason,
                until=until,
                key=key,
            )
        )

    async def unblock_buyer(self, *, platform: str, buyer_id: str, key: str, scope: str = "") -> BlockResult:
        """See `Loyalty.unblock_buyer`."""
        from crossloyalty.application import operating

        return await self._run(
            operating.block_buyer(
                self._world,
                self._id,
                platform=platform,
                buyer_id=buyer_id,
                scope=scope,
                reason="",
                until=None,
                key=key,
            )
        )

    async def deliveries(self, *, limit: int = 100, after: str | None = None) -> Page[Delivery]:
        """See `Loyalty.deliveries`."""
        from crossloyalty.application import delivering

        return await self._run(delivering.page_of_deliveries(self._world, self._id, limit, after))

    async def answer_delivery(self, key: str, *, amount: int | None = None) -> DeliveryAnswer:
        """See `Loyalty.answer_delivery`."""
        from crossloyalty.application import delivering

        return await self._run(delivering.answer_delivery(self._world, self._id, key, amount=amount))

    async def pending_events(self, *, limit: int = 100) -> list[Event]:
        """See `Loyalty.pending_events`."""
        from crossloyalty.application import events

        return await self._run(events.pending_events(self._world, self._id, limit=limit))

    async def ack(self, ids: Iterable[str]) -> int:
        """See `Loyalty.ack`."""
        from crossloyalty.application import events

        return await self._run(events.ack(self._world, self._id, ids))

    async def revision(self) -> int:
        """See `Loyalty.revision`."""
        return await self._run(revisions.current_revision(self._world, self._id))

    async def publish(self, program: Program, *, expected_revision: int) -> int:
        """See `Loyalty.publish`."""
        if checked_program(program).program_id != self._id:
            raise ConfigError(f"this door leads to {shown(self._id)}, not {shown(program.program_id)}")
        return await self._run(revisions.publish(self._world, program, expected_revision=expected_revision))

    async def recalculate(
        self,
        *,
        calc: int = CALC,
        dry_run: bool = False,
        batch: int = 200,
        progress: Callable[[RecalculationReport], None] | None = None,
    ) -> RecalculationReport:
        """See `Loyalty.recalculate`."""
        from crossloyalty.application import recalculating

        return await self._run(
            recalculating.recalculate(self._world, self._id, calc=calc, dry_run=dry_run, batch=batch, progress=progress)
        )

    async def verify(self, *, progress: Callable[[VerifyProgress], None] | None = None) -> VerifyReport:
        """See `Loyalty.verify`."""
        from crossloyalty.application import verifying

        return await self._run(verifying.verify(self._world, self._id, progress=progress))

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


class AsyncEngine:
    """
    All programs of one storage, for asynchronous hosts; the same methods as `Engine`, awaited.

    Args:
        storage, clock, sleep, random, group_commit: As for `AsyncLoyalty`.
    """

    __slots__ = ("_runner",)

    def __init__(
        self,
        storage: Storage | AsyncStorage,
        *,
        clock: Clock | None = None,
        sleep: AsyncSleep | None = None,
        random: Callable[[], float] | None = None,
        group_commit: GroupCommit | None = None,
        checks: ProofChecks | None = None,
    ) -> None:
        self._runner = AsyncRunner(storage, clock, sleep, random, group_commit, checks)

    def joined(self, connection: object) -> AsyncEngine:
        """See `Engine.joined`."""
        engine = AsyncEngine.__new__(AsyncEngine)
        engine._runner = self._runner.joined(connection)
        return engine

    def program(self, program_id: str) -> AsyncLoyalty:
        """See `Engine.program`."""
        return AsyncLoyalty._of(self._runner, clean_id(program_id, "program_id"))

    async def programs(self) -> list[str]:
        """See `Engine.programs`."""
        return await self._runner.run(program_ids(self._runner.world))

    async def publish(self, program: Program, *, expected_revision: int) -> int:
        """See `Engine.publish`."""
        return await self._runner.run(
            revisions.publish(self._runner.world, checked_program(program), expected_revision=expected_revision)
        )

    async def run_due(self, *, batch: int = 200) -> dict[str, DueReport]:
        """See `Engine.run_due`."""
        return {program_id: await self.program(program_id).run_due(batch=batch) for program_id in await self.programs()}

    async def verify(self) -> dict[str, VerifyReport]:
        """See `Engine.verify`."""
        return {program_id: await self.program(program_id).verify() for program_id in await self.programs()}
