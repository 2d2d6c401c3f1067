"""The doors of synchronous hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from crossloyalty._bridge import incoming_of, lift_source
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
from crossloyalty.application.ports import Clock, Sleep, Storage
from crossloyalty.domain.answers import ClaimResult
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import Order
from crossloyalty.domain.ownership import NO_PROOF, Proof
from crossloyalty.domain.program import CALC, Program
from crossloyalty.errors import ConfigError, shown
from crossloyalty.loyalty._runners import (
    SyncRunner,
    checked_program,
    checked_requests,
    claim_one,
    lifted_cipher,
    lifted_gateway,
    program_ids,
    run_here,
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
    from crossloyalty.application.ports import EnrolmentGateway, PhoneCipher
    from crossloyalty.application.recalculating import RecalculationReport
    from crossloyalty.application.receiving import InboxReport, ParkedMessage, Received
    from crossloyalty.application.reindexing import PhoneReindexReport
    from crossloyalty.application.reviewing import Review, ReviewResult
    from crossloyalty.application.snapshots import MemberSnapshot
    from crossloyalty.application.sources import PullSource
    from crossloyalty.application.syncing import SyncProgress, SyncReport
    from crossloyalty.application.timeline import Moment
    from crossloyalty.application.unbinding import UnbindResult
    from crossloyalty.application.verifying import VerifyProgress, VerifyReport
    from crossloyalty.domain.customers import CustomerState, RiskFlag
    from crossloyalty.domain.identities import Identity

__all__ = ["Engine", "Loyalty"]


class Loyalty:
    """
    One program over a plain storage, for synchronous hosts.

    Args:
        program: The rules; published into an empty store, compared with the newest revision otherwise.
        storage: Where the program lives.
        clock: Gives the present moment as an aware datetime; the system's clock unless given.
        sleep: Pauses between the tries of a contended call, in seconds.
        random: Draws the jitter of those pauses, 0 to 1.
        group_commit: Let concurrent calls of `claim` share transactions; off unless given.
        checks: What phones and tokens are checked by, and who counts attempts; see `ProofChecks`.

    Raises:
        ProgramDiffers: The store holds other rules under this program id; call `publish` instead.
        ConfigError: The storage is asynchronous, or `group_commit` is given with one that joins a host's transaction.
    """

    __slots__ = ("_groups", "_id", "_runner")

    def __init__(
        self,
        program: Program,
        storage: Storage,
        *,
        clock: Clock | None = None,
        sleep: Sleep | None = None,
        random: Callable[[], float] | None = None,
        group_commit: GroupCommit | None = None,
        checks: ProofChecks | None = None,
    ) -> None:
        self._runner = SyncRunner(storage, clock, sleep, random, group_commit, checks)
        self._id = checked_program(program).program_id
        self._groups = self._runner.groups(self._id)
        self._runner.run(revisions.publish_first(self._runner.world, program))

    @classmethod
    def _of(cls, runner: SyncRunner, program_id: str) -> Loyalty:
        door = cls.__new__(cls)
        door._runner = runner
        door._id = program_id
        door._groups = runner.groups(program_id)
        return door

    @property
    def program_id(self) -> str:
        """The program this door leads to."""
        return self._id

    def joined(self, connection: object) -> Loyalty:
        """
        Give a door to the same program that works inside the transaction the host has open on a connection.

        Each call takes a savepoint in it and never commits; a "no" of ours leaves the host's work as it was. Answers
        are provisional until the host commits: tell the member afterwards. Group commit is off.

        Args:
            connection: To the database of this door's storage: a driver's, SQLAlchemy's `Connection` or `Session`, or
                Django's `connections[alias]`.

        Returns:
            A door for as long as the transaction lasts; making one costs next to nothing.

        Raises:
            ConfigError: The connection cannot be joined, or is asynchronous. Later, by each call: the host has no
                transaction open.
            HostTransactionLost: Later, by each call: the host's transaction can no longer commit and has to be rolled
                back.
        """
        return Loyalty._of(self._runner.joined(connection), self._id)

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
        return self._runner.run(ingesting.ingest(self._runner.world, self._id, items, batch=batch, progress=progress))

    def claim(
        self,
        member_id: str,
        *,
        platform: str,
        order_no: str,
        proof: Proof = NO_PROOF,
        touch: str = "",
        device: str = "",
    ) -> ClaimResult:
        """
        Convert an order for a member.

        Args:
            member_id: Who asks.
            platform: Where the order was placed, such as "tmall".
            order_no: As typed; a sub-order's number will do.
            proof: What shows that the order is theirs.
            touch: Where it was typed, for reports.
            device: Your key of the device or address it came from, for counting attempts; kept as a hash only.

        Returns:
            The answer; a "no" is a value with reasons. Exactly one call ever has `created` True for an order.

        Raises:
            InvalidInput: The member id or platform cannot be one.
            StorageBusy: Too much contention; nothing was changed.
        """
        request = ClaimRequest(
            member_id=member_id, platform=platform, order_no=order_no, proof=proof, touch=touch, device=device
        )
        if self._groups is not None:
            return self._groups.claim(request)
        return self._runner.run(claim_one(self._runner.world, self._id, request))

    def claim_many(self, requests: Iterable[ClaimRequest]) -> list[ClaimResult]:
        """
        Convert many orders in one transaction.

        Args:
            requests: In any order; the outcome does not depend on it.

        Returns:
            One answer per request, in the order of the requests.
        """
        return self._runner.run(claiming.claim_orders(self._runner.world, self._id, checked_requests(requests)))

    def quote(self, member_id: str, order: Order) -> ClaimResult:
        """
        Say what an order would give a member, by the same decision as a claim that the host vouches for.

        Nothing is written.

        Args:
            member_id: Who would hold it.
            order: As the host sees it; what is stored of it is merged in.

        Returns:
            A result with `created` False; `granted` is what a claim would give now, and `reasons` say why it would not:
            such as that somebody else holds the order, or that its buyer is bound to somebody or denied.
        """
        from crossloyalty.application import quoting

        return self._runner.run(quoting.quote_order(self._runner.world, self._id, member_id, order))

    def bind(
        self,
        member_id: str,
        *,
        platform: str,
        buyer_id: str,
        scope: str = "",
        evidence: str = "",
        via: str = "host",
    ) -> BindResult:
        """
        Bind an identity to a member; past orders inside the claim window convert now, later ones on ingest.

        Args:
            member_id: Who the buyer is.
            platform: Where the identity is from: a platform, or another kind; see `Identity`.
            buyer_id: The id there; masked values are refused, of a phone it is the blind index.
            scope: Where that id is unique, such as an app or shop id; empty for the whole platform.
            evidence: What shows it.
            via: Who says so: "host", "callback" (the platform) or "operator" (a person, who gives evidence).

        Returns:
            The outcome; an identity of somebody else is refused as a value.
        """
        return self._runner.run(
            binding.bind(
                self._runner.world,
                self._id,
                member_id,
                platform=platform,
                buyer_id=buyer_id,
                scope=scope,
                evidence=evidence,
                via=via,
            )
        )

    def backfill(self, member_id: str) -> BackfillResult:
        """
        Convert the past orders that a member's bound identities have bought and nobody holds; again, it goes on.

        Args:
            member_id: Who; such as a member whose claim has just bound its buyer (`ClaimResult.past_orders`).

        Returns:
            One answer for each past order inside the claim window, and how many are left for another call.
        """
        return self._runner.run(binding.backfill(self._runner.world, self._id, member_id))

    def bind_phone(self, member_id: str, phone: str, *, evidence: str = "", via: str = "host") -> BindResult:
        """
        Bind a phone to a member: by its blind index, and under the cipher of this door where it has one.

        Args:
            member_id: Whose phone it is.
            phone: In any spelling; it is stored nowhere as it is.
            evidence, via: As for `bind`.

        Returns:
            The outcome, as of `bind`; with `Binding(by_phone=True)` past orders that name the phone convert now.

        Raises:
            InvalidInput: It is no phone, or a masked one; the message does not show it.
            ConfigError: The door was built without a `PhoneIndex`, or its cipher hides nothing.
        """
        from crossloyalty.application import phones

        return self._runner.run(
            phones.bind_phone(self._runner.world, self._id, member_id, phone, evidence=evidence, via=via)
        )

    def unbind(
        self, member_id: str, *, platform: str, buyer_id: str, scope: str = "", reason: str = ""
    ) -> UnbindResult:
        """
        Take an identity off a member; claims, debts and what was given once stay where they are.

        Args:
            member_id: Whose it is.
            platform, buyer_id, scope: The identity, as for `bind`.
            reason: Why, kept with the binding.

        Returns:
            The outcome; until `free_at` only the same member can bind it again.
        """
        from crossloyalty.application import unbinding

        return self._runner.run(
            unbinding.unbind(
                self._runner.world,
                self._id,
                member_id,
                platform=platform,
                buyer_id=buyer_id,
                scope=scope,
                reason=reason,
            )
        )

    def identities(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[IdentityView]:
        """List a member's identities, also those that ended, latest first; *after* is the last page's `next`."""
        from crossloyalty.application import identities

        return self._runner.run(identities.page_of_identities(self._runner.world, self._id, member_id, limit, after))

    def unclaimed_buyers(self, *, limit: int = 100, after: str | None = None) -> Page[UnclaimedBuyer]:
        """List buyers whom no member is bound to: bought, not enrolled; *after* is the last page's `next`."""
        from crossloyalty.application import identities

        return self._runner.run(identities.page_of_unclaimed_buyers(self._runner.world, self._id, limit, after))

    def issue_token(self, *, platform: str, order_no: str, valid_minutes: int = 1440) -> str:
        """
        Make a one-time token that proves an order, to be sent where only its buyer reads it.

        Args:
            platform, order_no: The order, known or not; a sub-order's number will do.
            valid_minutes: For how long it proves anything, 1 to 525,600.

        Returns:
            The token; `Proof.token` takes it. The first member who brings it has used it.

        Raises:
            ConfigError: The door was built without `OrderTokens`.
        """
        from crossloyalty.application import tokens

        return self._runner.run(
            tokens.issue_token(
                self._runner.world, self._id, platform=platform, order_no=order_no, valid_minutes=valid_minutes
            )
        )

    def reviews(self, *, limit: int = 100, after: str | None = None) -> Page[Review]:
        """List what waits for a person: held requests, then identities two members want; the longest wait in front."""
        from crossloyalty.application import reviewing

        return self._runner.run(reviewing.page_of_reviews(self._runner.world, self._id, limit, after))

    def approve(self, review_id: str, *, reason: str, operator: str, key: str) -> ReviewResult:
        """
        Give somebody what they asked for, whatever held it; an order that somebody else holds moves to them.

        Args:
            review_id: As `reviews` names it.
            reason: Why, kept as the evidence; no personal data.
            operator: Who decided.
            key: Idempotency key.

        Raises:
            IdempotencyConflict: The key was used for another request.
        """
        from crossloyalty.application import reviewing

        return self._runner.run(
            reviewing.approve(self._runner.world, self._id, review_id, reason=reason, operator=operator, key=key)
        )

    def refuse(self, review_id: str, *, reason: str, operator: str, key: str) -> ReviewResult:
        """
        End a request, or the wish for an identity; asking again with the same proof does not open it again.

        Args:
            review_id, reason, operator, key: As for `approve`.

        Raises:
            IdempotencyConflict: The key was used for another request.
        """
        from crossloyalty.application import reviewing

        return self._runner.run(
            reviewing.refuse(self._runner.world, self._id, review_id, reason=reason, operator=operator, key=key)
        )

    def dispute(
        self, member_id: str, *, platform: str, order_no: str, evidence: str, operator: str, key: str
    ) -> ReviewResult:
        """
        Give an order to its true buyer: the claim moves, its key stays taken, and the holder before loses all it gave.

        Args:
            member_id: The true buyer.
            platform, order_no: The order; a sub-order's number will do.
            evidence: What shows it; no personal data.
            operator: Who decided.
            key: Idempotency key.

        Raises:
            IdempotencyConflict: The key was used for another request.
        """
        from crossloyalty.application import reviewing

        return self._runner.run(
            reviewing.dispute(
                self._runner.world,
                self._id,
                member_id,
                platform=platform,
                order_no=order_no,
                evidence=evidence,
                operator=operator,
                key=key,
            )
        )

    def run_due(self, *, batch: int = 200, progress: Callable[[DueReport], None] | None = None) -> DueReport:
        """
        Do everything whose time has come: issue, expiry, tier review, ticket expiry; run it every few minutes.

        Args:
            batch: Members or orders a transaction.
            progress: Called after each batch with the counts so far.
        """
        from crossloyalty.application import due

        return self._runner.run(due.run_due(self._runner.world, self._id, batch=batch, progress=progress))

    def member(self, member_id: str) -> MemberSnapshot:
        """Give a member at a glance; somebody never seen has zeros everywhere."""
        from crossloyalty.application import snapshots

        return self._runner.run(snapshots.member_snapshot(self._runner.world, self._id, member_id))

    def orders(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[OrderView]:
        """List the orders a member holds or, by a bound identity, bought; *after* is the last page's `next`."""
        from crossloyalty.application import pages

        return self._runner.run(pages.page_of_orders(self._runner.world, self._id, member_id, limit, after))

    def claims(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[ClaimView]:
        """List a member's claims, latest order first; *after* is the last page's `next`."""
        from crossloyalty.application import pages

        return self._runner.run(pages.page_of_claims(self._runner.world, self._id, member_id, limit, after))

    def tickets(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[TicketView]:
        """List a member's requests that are no claims (yet), latest first; *after* is the last page's `next`."""
        from crossloyalty.application import pages

        return self._runner.run(pages.page_of_tickets(self._runner.world, self._id, member_id, limit, after))

    def entries(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[EntryView]:
        """List a member's ledger rows, latest first; *after* is the last page's `next`."""
        from crossloyalty.application import pages

        return self._runner.run(pages.page_of_entries(self._runner.world, self._id, member_id, limit, after))

    def timeline(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[Moment]:
        """
        List what happened to a member (客户动态), latest first, each thing with its sentence in Chinese and English.

        Args:
            member_id: Whose.
            limit: Moments, 1 to 1,000.
            after: The last page's `next`.
        """
        from crossloyalty.application import timeline

        return self._runner.run(timeline.page_of_timeline(self._runner.world, self._id, member_id, limit, after))

    def explain(self, *, platform: str, order_no: str) -> Explanation:
        """Explain an order to staff: who holds it, what each rule gives and why, who else asked."""
        from crossloyalty.application import explaining

        return self._runner.run(explaining.explain(self._runner.world, self._id, platform=platform, order_no=order_no))

    def adjust(self, member_id: str, *, asset: str, amount: int, key: str, note: str = "") -> AdjustResult:
        """
        Correct a balance by hand, once per key.

        Args:
            member_id: Whose.
            asset: "points", "growth" or "stored_value" (fen).
            amount: Positive gives, negative takes; never more than there is.
            key: Idempotency key.
            note: Why.

        Raises:
            IdempotencyConflict: The key was used for another request.
        """
        from crossloyalty.application import operating

        return self._runner.run(
            operating.adjust(self._runner.world, self._id, member_id, asset=asset, amount=amount, key=key, note=note)
        )

    def use_coupon(self, member_id: str, *, lot_no: int, key: str) -> CouponUse:
        """
        Take note that a coupon was used, so that a later refund does not revoke it.

        Args:
            member_id: Whose coupon: `MemberSnapshot.member_id` for the numbers in its `coupons`. Somebody who was
                merged away is good for the numbers the gateway was told before that.
            lot_no: The piece.
            key: Idempotency key, such as the gateway's own number of the use.

        Returns:
            Whether it was there to be used.
        """
        from crossloyalty.application import operating

        return self._runner.run(operating.use_coupon(self._runner.world, self._id, member_id, lot_no=lot_no, key=key))

    def import_opening(
        self,
        rows: Iterable[object],
        *,
        name: str,
        batch: int = 500,
        progress: Callable[[OpeningProgress], None] | None = None,
    ) -> OpeningReport:
        """
        Take in what members bring from the system before, once; an import that broke off goes on when it is repeated.

        Args:
            rows: `OpeningClaim`, `OpeningBalance`, `OpeningTier`, `OpeningSpend` and `OpeningGift` values, such as
                `read_opening` gives; in the same order each time, read as needed.
            name: Of this import.
            batch: Rows a transaction.
            progress: Called after each batch.

        Returns:
            Counts and the rows set aside with their reasons. No event is sent.
        """
        from crossloyalty.application import opening

        return self._runner.run(
            opening.import_opening(self._runner.world, self._id, rows, name=name, batch=batch, progress=progress)
        )

    def enrol(self, member_id: str, *, identities: Iterable[Identity] = (), sides: Iterable[str] = ()) -> EnrolResult:
        """
        Take note that a member has enrolled (入会) and give the gifts for it, once for a person.

        Args:
            member_id: Who, unless an identity is known already: then it is whom that belongs to.
            identities: What is known of them; those that are nobody's are bound.
            sides: Other systems in which they are to be enrolled as well; see `run_enrolments`.

        Returns:
            Who they are, whether this call enrolled them, and how far each side has come.
        """
        from crossloyalty.application import enrolling

        return self._runner.run(
            enrolling.enrol(self._runner.world, self._id, member_id, identities=identities, sides=sides)
        )

    def run_enrolments(self, gateway: EnrolmentGateway, *, side: str) -> EnrolmentsReport:
        """
        Enrol on another side whoever waits for it (双端入会); what failed is tried again by the next run.

        Args:
            gateway: The other side; called while no transaction is open.
            side: Its name, as `enrol` was given it.
        """
        from crossloyalty.application import dual_enrolling

        lifted = lifted_gateway(gateway, plain=True)
        return self._runner.run(dual_enrolling.run_enrolments(self._runner.world, self._id, lifted, side=side))

    def customer_state(self, member_id: str, *, active_days: int = 90, lost_days: int = 365) -> CustomerState:
        """
        Say where a customer stands: PROSPECT, NEW, ACTIVE, SLEEPING or LOST.

        Args:
            member_id: Who.
            active_days: With an order in so many days they are new or active.
            lost_days: Behind so many days without one they are lost; in between they sleep.
        """
        from crossloyalty.application import customers

        return self._runner.run(
            customers.state_of_customer(
                self._runner.world, self._id, member_id, active_days=active_days, lost_days=lost_days
            )
        )

    def risk_flags(self, member_id: str, *, refunded_claims: int = 3) -> tuple[RiskFlag, ...]:
        """
        Give what about a member is worth a look: claims refunded whole, debt; nobody is banned by it (D15).

        Args:
            member_id: Who.
            refunded_claims: From how many refunded claims on it is a pattern.
        """
        from crossloyalty.application import customers

        return self._runner.run(
            customers.flags_of_member(self._runner.world, self._id, member_id, refunded_claims=refunded_claims)
        )

    def merge(
        self,
        member_id: str,
        other_id: str,
        *,
        key: str,
        survivor: str = "",
        version: int = 0,
        given_twice: Literal["keep", "claw_back"] = "keep",
    ) -> MergeResult:
        """
        Make two members one: what they hold adds up at the survivor, and the other id goes on as an alias (会员合并).

        Args:
            member_id, other_id: The two, in any order.
            key: Idempotency key.
            survivor: Which of the two stands for both; default the smaller id. Given together with *version*.
            version: Of the decision who survives, from 1; of several calls the newest counts, whatever order they
                come in.
            given_twice: What becomes of a reward once per member that both were given: kept, or the later one taken.

        Returns:
            Who survives; two that are one already stay as they are.

        Raises:
            InvalidInput: An id cannot be one, both are the same, or the survivor is neither.
            IdempotencyConflict: The key was used for another request.
        """
        from crossloyalty.application import merging

        return self._runner.run(
            merging.merge(
                self._runner.world,
                self._id,
                member_id,
                other_id,
                key=key,
                survivor=survivor,
                version=version,
                given_twice=given_twice,
            )
        )

    def unmerge(self, member_id: str, *, key: str) -> UnmergeResult:
        """
        Undo a merge: a member that was merged away gets back what it brought, as far as it is still there.

        Args:
            member_id: Who was merged away.
            key: Idempotency key.

        Returns:
            Whether it stood under another member.

        Raises:
            IdempotencyConflict: The key was used for another request.
        """
        from crossloyalty.application import merging

        return self._runner.run(merging.unmerge(self._runner.world, self._id, member_id, key=key))

    def erase_person(self, member_id: str) -> EraseResult:
        """
        Take out everything personal that is kept of somebody, whichever ids they were merged from; idempotent.

        Args:
            member_id: Who.

        Returns:
            Whether anything was there. Ledger sums stay, and order numbers stay taken.
        """
        from crossloyalty.application import erasing

        return self._runner.run(erasing.erase_person(self._runner.world, self._id, member_id))

    def export_person(self, member_id: str, *, operator: str, phone_cipher: PhoneCipher | None = None) -> PersonExport:
        """
        Give everything that is kept about a person, masked; each call is noted as the event `member.exported`.

        Args:
            member_id: Who, by any of their ids.
            operator: Who asks for it.
            phone_cipher: Shows the phones that are kept under it; unless given, they stay masked.
        """
        from crossloyalty.application import exporting

        cipher = lifted_cipher(phone_cipher, plain=True)
        return self._runner.run(
            exporting.export_person(self._runner.world, self._id, member_id, operator=operator, phone_cipher=cipher)
        )

    def reindex_phones(
        self,
        phones: Iterable[str] | None = None,
        *,
        retire: bool = False,
        encrypt: bool = False,
        batch: int = 200,
        progress: Callable[[PhoneReindexReport], None] | None = None,
    ) -> PhoneReindexReport:
        """
        Put what is kept of phones under the current version of the `PhoneIndex` of this door; idempotent.

        Args:
            phones: All there are, in any spelling; read as needed. None: those kept under the cipher of this door.
            retire: Take the old versions out, so that they find nothing any more; else both find the same member.
            encrypt: Hide each of them anew by the cipher, also those that are kept by their index alone.
            batch: Phones or orders a transaction, 1 to 10,000.
            progress: Called after each batch with the counts so far.

        Returns:
            Counts, and the phones that two members have; of those nothing is changed.

        Raises:
            ConfigError: The door was built without a `PhoneIndex`, or without the cipher that is needed.
        """
        from crossloyalty.application import reindexing

        return self._runner.run(
            reindexing.reindex_phones(
                self._runner.world, self._id, phones, retire=retire, encrypt=encrypt, batch=batch, progress=progress
            )
        )

    def record_action(self, member_id: str, *, action: str, key: str) -> ActionResult:
        """
        Take note of something a member did that is no order, and give what the rules give for it, once per key.

        Args:
            member_id: Who.
            action: Its name, as the rules' `Action.action` has it.
            key: Idempotency key, such as the id of the review or of the share.

        Returns:
            What was given, or the reason why nothing was; limits count on the local day of this call.

        Raises:
            IdempotencyConflict: The key was used for another request.
        """
        from crossloyalty.application import acting

        return self._runner.run(acting.record_action(self._runner.world, self._id, member_id, action=action, key=key))

    def set_tier(self, member_id: str, *, tier: str, key: str, note: str = "") -> TierResult:
        """
        Give a tier by hand, held to the end of its period whatever was spent.

        Args:
            member_id: Whom.
            tier: Its name; "" takes back what was given by hand.
            key: Idempotency key.
            note: Why.

        Returns:
            The tier behind it.

        Raises:
            InvalidInput: The program has no such tier above the lowest.
            IdempotencyConflict: The key was used for another request.
        """
        from crossloyalty.application import operating

        return self._runner.run(
            operating.set_tier(self._runner.world, self._id, member_id, tier=tier, key=key, note=note)
        )

    def block(self, member_id: str, *, reason: str, key: str, until: datetime | None = None) -> BlockResult:
        """Put a member on the deny list: no new claims, no spending; what was granted stays."""
        clean_id(reason, "reason")
        from crossloyalty.application import operating

        return self._runner.run(
            operating.block(self._runner.world, self._id, member_id, reason=reason, until=until, key=key)
        )

    def unblock(self, member_id: str, *, key: str) -> BlockResult:
        """Take a member off the deny list."""
        from crossloyalty.application import operating

        return self._runner.run(
            operating.block(self._runner.world, self._id, member_id, reason="", until=None, key=key)
        )

    def block_buyer(
        self, *, platform: str, buyer_id: str, reason: str, key: str, scope: str = "", until: datetime | None = None
    ) -> BlockResult:
        """Put a platform's buyer identity on the deny list: nobody converts its orders."""
        clean_id(reason, "reason")
        from crossloyalty.application import operating

        return self._runner.run(
            operating.block_buyer(
                self._runner.world,
                self._id,
                platform=platform,
                buyer_id=buyer_id,
                scope=scope,
                reason=reason,
                until=until,
                key=key,
            )
        )

    def unblock_buyer(self, *, platform: str, buyer_id: str, key: str, scope: str = "") -> BlockResult:
        """Take a platform's buyer identity off the deny list."""
        from crossloyalty.application import operating

        return self._runner.run(
            operating.block_buyer(
                self._runner.world,
                self._id,
                platform=platform,
                buyer_id=buyer_id,
                scope=scope,
                reason="",
                until=None,
                key=key,
            )
        )

    def deliveries(self, *, limit: int = 100, after: str | None = None) -> Page[Delivery]:
        """List what waits to be done outside (issue, take back); *after* is the last page's `next`."""
        from crossloyalty.application import delivering

        return self._runner.run(delivering.page_of_deliveries(self._runner.world, self._id, limit, after))

    def answer_delivery(self, key: str, *, amount: int | None = None) -> DeliveryAnswer:
        """
        Note that a delivery was done outside, once.

        Args:
            key: As `deliveries` gives it.
            amount: What was done; None: all of it. Less is possible where something was to be taken back: what is
                missing is owed or written off, as `ClawBack` says.

        Returns:
            The outcome; the same answer again changes nothing.

        Raises:
            InvalidInput: There is no such delivery, or the amount cannot be one.
            IdempotencyConflict: Another amount was noted before.
        """
        from crossloyalty.application import delivering

        return self._runner.run(delivering.answer_delivery(self._runner.world, self._id, key, amount=amount))

    def pending_events(self, *, limit: int = 100) -> list[Event]:
        """Read events that are not acknowledged yet, oldest first, ordered per member."""
        from crossloyalty.application import events

        return self._runner.run(events.pending_events(self._runner.world, self._id, limit=limit))

    def ack(self, ids: Iterable[str]) -> int:
        """Acknowledge events by their ids; says how many were pending."""
        from crossloyalty.application import events

        return self._runner.run(events.ack(self._runner.world, self._id, ids))

    def revision(self) -> int:
        """Give the number of the revision in force; `publish` wants it back."""
        return self._runner.run(revisions.current_revision(self._runner.world, self._id))

    def publish(self, program: Program, *, expected_revision: int) -> int:
        """
        Append a revision of the rules; claims settled before stay under theirs.

        Args:
            program: The new rules, of this program.
            expected_revision: The revision it replaces.

        Returns:
            The revision now in force.

        Raises:
            ProgramDiffers: Another revision is in force.
        """
        if checked_program(program).program_id != self._id:
            raise ConfigError(f"this door leads to {shown(self._id)}, not {shown(program.program_id)}")
        return self._runner.run(revisions.publish(self._runner.world, program, expected_revision=expected_revision))

    def recalculate(
        self,
        *,
        calc: int = CALC,
        dry_run: bool = False,
        batch: int = 200,
        progress: Callable[[RecalculationReport], None] | None = None,
    ) -> RecalculationReport:
        """
        Settle claims that stand under an older arithmetic again; upgrading the library alone never does that.

        Args:
            calc: The version of the arithmetic; default the newest.
            dry_run: Say what would change, and write nothing.
            batch: Orders a transaction.
            progress: Called after each batch with the report so far.

        Returns:
            How many claims were looked at, and those that count something else now.

        Raises:
            InvalidInput: There is no such arithmetic.
        """
        from crossloyalty.application import recalculating

        return self._runner.run(
            recalculating.recalculate(
                self._runner.world, self._id, calc=calc, dry_run=dry_run, batch=batch, progress=progress
            )
        )

    def verify(self, *, progress: Callable[[VerifyProgress], None] | None = None) -> VerifyReport:
        """Check what always holds over the whole program; an empty list of violations is the good answer."""
        from crossloyalty.application import verifying

        return self._runner.run(verifying.verify(self._runner.world, self._id, progress=progress))

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
        return self._runner.run(
            syncing.sync(
                self._runner.world,
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
        return self._runner.run(
            receiving.receive(self._runner.world, run_here, self._id, lift_source(source), incoming, later=later)
        )

    def handle_messages(self, source: PullSource, *, limit: int = 200) -> InboxReport:
        """
        Work off the messages that wait, and fetch those in a platform's queue; run it every few seconds.

        Args:
            source: The platform's.
            limit: The most messages.
        """
        from crossloyalty.application import receiving

        self._runner.check_own("handle_messages")
        return self._runner.run(
            receiving.handle_messages(self._runner.world, run_here, self._id, lift_source(source), limit=limit)
        )

    def parked_messages(self, *, limit: int = 100, after: str | None = None) -> Page[ParkedMessage]:
        """List the messages that were given up on; *after* is the last page's `next`."""
        from crossloyalty.application import receiving

        return self._runner.run(receiving.page_of_parked(self._runner.world, self._id, limit, after))

    def retry_parked(self, source: PullSource) -> InboxReport:
        """Try the parked messages of a source once more, up to 200 of them."""
        from crossloyalty.application import receiving

        self._runner.check_own("retry_parked")
        return self._runner.run(receiving.retry_parked(self._runner.world, run_here, self._id, lift_source(source)))

    def doubtful(self, *, limit: int = 100, after: str | None = None) -> Page[DoubtfulOrder]:
        """List what platforms told in a way that cannot be believed; *after* is the last page's `next`."""
        from crossloyalty.application import doubting

        return self._runner.run(doubting.page_of_doubtful(self._runner.world, self._id, limit, after))

    def dismiss_doubtful(self, doubt_id: str) -> bool:
        """
        Take something off the review list because somebody has looked at it.

        Args:
            doubt_id: As `doubtful` gives it.

        Returns:
            Whether it was still there.
        """
        from crossloyalty.application import doubting

        return self._runner.run(doubting.dismiss_doubtful(self._runner.world, self._id, doubt_id))


class Engine:
    """
    All programs of one plain storage, for synchronous hosts.

    Args:
        storage, clock, sleep, random, group_commit, checks: As for `Loyalty`.
    """

    __slots__ = ("_runner",)

    def __init__(
        self,
        storage: Storage,
        *,
        clock: Clock | None = None,
        sleep: Sleep | None = None,
        random: Callable[[], float] | None = None,
        group_commit: GroupCommit | None = None,
        checks: ProofChecks | None = None,
    ) -> None:
        self._runner = SyncRunner(storage, clock, sleep, random, group_commit, checks)

    def joined(self, connection: object) -> Engine:
        """Give one whose doors work inside the transaction the host has open on a connection; see `Loyalty.joined`."""
        engine = Engine.__new__(Engine)
        engine._runner = self._runner.joined(connection)
        return engine

    def program(self, program_id: str) -> Loyalty:
        """Open the door to a program; its newest revision is read by each use case (`UnknownProgram` when none is)."""
        return Loyalty._of(self._runner, clean_id(program_id, "program_id"))

    def programs(self) -> list[str]:
        """Name the programs in the store, in order."""
        return self._runner.run(program_ids(self._runner.world))

    def publish(self, program: Program, *, expected_revision: int) -> int:
        """Publish a program's next revision; 0 is expected of one that is new."""
        return self._runner.run(
            revisions.publish(self._runner.world, checked_program(program), expected_revision=expected_revision)
        )

    def run_due(self, *, batch: int = 200) -> dict[str, DueReport]:
        """Do what is due in every program, in turn; answers by program id."""
        return {program_id: self.program(program_id).run_due(batch=batch) for program_id in self.programs()}

    def verify(self) -> dict[str, VerifyReport]:
        """Check every program; answers by program id."""
        return {program_id: self.program(program_id).verify() for program_id in self.programs()}
