"""Whose order it is: identities and phones of members, sides they are enrolled on, buyers nobody may convert."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from crossloyalty.application import binding
from crossloyalty.application.binding import BackfillResult, BindResult
from crossloyalty.domain.keys import clean_id
from crossloyalty.loyalty._door import AsyncDoor, Door
from crossloyalty.loyalty._runners import lifted_gateway

if TYPE_CHECKING:
    from crossloyalty.application.dual_enrolling import EnrolmentsReport
    from crossloyalty.application.enrolling import EnrolResult
    from crossloyalty.application.identities import IdentityView, UnclaimedBuyer
    from crossloyalty.application.operating import BlockResult
    from crossloyalty.application.pages import Page
    from crossloyalty.application.ports import AsyncEnrolmentGateway, EnrolmentGateway
    from crossloyalty.application.unbinding import UnbindResult
    from crossloyalty.domain.identities import Identity

__all__ = ["AsyncIdentities", "Identities"]


class Identities(Door):
    """The doors of synchronous hosts."""

    __slots__ = ()

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
        return self._run(
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

    def backfill(self, member_id: str) -> BackfillResult:
        """
        Convert the past orders that a member's bound identities have bought and nobody holds; again, it goes on.

        Args:
            member_id: Who; such as a member whose claim has just bound its buyer (`ClaimResult.past_orders`).

        Returns:
            One answer for each past order inside the claim window, and how many are left for another call.
        """
        return self._run(binding.backfill(self._world, self._id, member_id))

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

        return self._run(phones.bind_phone(self._world, self._id, member_id, phone, evidence=evidence, via=via))

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

        return self._run(
            unbinding.unbind(
                self._world,
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

        return self._run(identities.page_of_identities(self._world, self._id, member_id, limit, after))

    def unclaimed_buyers(self, *, limit: int = 100, after: str | None = None) -> Page[UnclaimedBuyer]:
        """List buyers whom no member is bound to: bought, not enrolled; *after* is the last page's `next`."""
        from crossloyalty.application import identities

        return self._run(identities.page_of_unclaimed_buyers(self._world, self._id, limit, after))

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

        return self._run(enrolling.enrol(self._world, self._id, member_id, identities=identities, sides=sides))

    def run_enrolments(self, gateway: EnrolmentGateway, *, side: str) -> EnrolmentsReport:
        """
        Enrol on another side whoever waits for it (双端入会); what failed is tried again by the next run.

        Args:
            gateway: The other side; called while no transaction is open.
            side: Its name, as `enrol` was given it.
        """
        from crossloyalty.application import dual_enrolling

        lifted = lifted_gateway(gateway, plain=True)
        return self._run(dual_enrolling.run_enrolments(self._world, self._id, lifted, side=side))

    def block_buyer(
        self, *, platform: str, buyer_id: str, reason: str, key: str, scope: str = "", until: datetime | None = None
    ) -> BlockResult:
        """Put a platform's buyer identity on the deny list: nobody converts its orders."""
        clean_id(reason, "reason")
        from crossloyalty.application import operating

        return self._run(
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

    def unblock_buyer(self, *, platform: str, buyer_id: str, key: str, scope: str = "") -> BlockResult:
        """Take a platform's buyer identity off the deny list."""
        from crossloyalty.application import operating

        return self._run(
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


class AsyncIdentities(AsyncDoor):
    """The same doors, awaited."""

    __slots__ = ()

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
