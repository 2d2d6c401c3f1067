"""Orders become members': asked for, decided by staff, disputed, explained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crossloyalty.application import claiming
from crossloyalty.application.claiming import ClaimRequest
from crossloyalty.domain.answers import ClaimResult
from crossloyalty.domain.orders import Order
from crossloyalty.domain.ownership import NO_PROOF, Proof
from crossloyalty.loyalty._door import AsyncDoor, Door
from crossloyalty.loyalty._runners import checked_requests, claim_one

if TYPE_CHECKING:
    from crossloyalty.application.explaining import Explanation
    from crossloyalty.application.pages import Page
    from crossloyalty.application.reviewing import Review, ReviewResult

__all__ = ["AsyncClaims", "Claims"]


class Claims(Door):
    """The doors of synchronous hosts."""

    __slots__ = ()

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
        return self._run(claim_one(self._world, self._id, request))

    def claim_many(self, requests: Iterable[ClaimRequest]) -> list[ClaimResult]:
        """
        Convert many orders in one transaction.

        Args:
            requests: In any order; the outcome does not depend on it.

        Returns:
            One answer per request, in the order of the requests.
        """
        return self._run(claiming.claim_orders(self._world, self._id, checked_requests(requests)))

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

        return self._run(quoting.quote_order(self._world, self._id, member_id, order))

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

        return self._run(
            tokens.issue_token(self._world, self._id, platform=platform, order_no=order_no, valid_minutes=valid_minutes)
        )

    def reviews(self, *, limit: int = 100, after: str | None = None) -> Page[Review]:
        """List what waits for a person: held requests, then identities two members want; the longest wait in front."""
        from crossloyalty.application import reviewing

        return self._run(reviewing.page_of_reviews(self._world, self._id, limit, after))

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

        return self._run(reviewing.approve(self._world, self._id, review_id, reason=reason, operator=operator, key=key))

    def refuse(self, review_id: str, *, reason: str, operator: str, key: str) -> ReviewResult:
        """
        End a request, or the wish for an identity; asking again with the same proof does not open it again.

        Args:
            review_id, reason, operator, key: As for `approve`.

        Raises:
            IdempotencyConflict: The key was used for another request.
        """
        from crossloyalty.application import reviewing

        return self._run(reviewing.refuse(self._world, self._id, review_id, reason=reason, operator=operator, key=key))

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

        return self._run(
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

    def explain(self, *, platform: str, order_no: str) -> Explanation:
        """Explain an order to staff: who holds it, what each rule gives and why, who else asked."""
        from crossloyalty.application import explaining

        return self._run(explaining.explain(self._world, self._id, platform=platform, order_no=order_no))


class AsyncClaims(AsyncDoor):
    """The same doors, awaited."""

    __slots__ = ()

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

    async def explain(self, *, platform: str, order_no: str) -> Explanation:
        """See `Loyalty.explain`."""
        from crossloyalty.application import explaining

        return await self._run(explaining.explain(self._world, self._id, platform=platform, order_no=order_no))
