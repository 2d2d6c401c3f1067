"""What hosts and staff do to a member's assets and standing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from crossloyalty.domain.keys import clean_id
from crossloyalty.loyalty._door import AsyncDoor, Door

if TYPE_CHECKING:
    from crossloyalty.application.acting import ActionResult
    from crossloyalty.application.opening import OpeningProgress, OpeningReport
    from crossloyalty.application.operating import AdjustResult, BlockResult, CouponUse, TierResult

__all__ = ["AsyncOperations", "Operations"]


class Operations(Door):
    """The doors of synchronous hosts."""

    __slots__ = ()

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

        return self._run(
            operating.adjust(self._world, self._id, member_id, asset=asset, amount=amount, key=key, note=note)
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

        return self._run(operating.use_coupon(self._world, self._id, member_id, lot_no=lot_no, key=key))

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

        return self._run(opening.import_opening(self._world, self._id, rows, name=name, batch=batch, progress=progress))

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

        return self._run(acting.record_action(self._world, self._id, member_id, action=action, key=key))

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

        return self._run(operating.set_tier(self._world, self._id, member_id, tier=tier, key=key, note=note))

    def block(self, member_id: str, *, reason: str, key: str, until: datetime | None = None) -> BlockResult:
        """Put a member on the deny list: no new claims, no spending; what was granted stays."""
        clean_id(reason, "reason")
        from crossloyalty.application import operating

        return self._run(operating.block(self._world, self._id, member_id, reason=reason, until=until, key=key))

    def unblock(self, member_id: str, *, key: str) -> BlockResult:
        """Take a member off the deny list."""
        from crossloyalty.application import operating

        return self._run(operating.block(self._world, self._id, member_id, reason="", until=None, key=key))


class AsyncOperations(AsyncDoor):
    """The same doors, awaited."""

    __slots__ = ()

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
