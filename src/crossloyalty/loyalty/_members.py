"""A member: what it has, what happened to it, what is worth knowing about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossloyalty.loyalty._door import AsyncDoor, Door

if TYPE_CHECKING:
    from crossloyalty.application.pages import ClaimView, EntryView, OrderView, Page, TicketView
    from crossloyalty.application.snapshots import MemberSnapshot
    from crossloyalty.application.timeline import Moment
    from crossloyalty.domain.customers import CustomerState, RiskFlag

__all__ = ["AsyncMembers", "Members"]


class Members(Door):
    """The doors of synchronous hosts."""

    __slots__ = ()

    def member(self, member_id: str) -> MemberSnapshot:
        """Give a member at a glance; somebody never seen has zeros everywhere."""
        from crossloyalty.application import snapshots

        return self._run(snapshots.member_snapshot(self._world, self._id, member_id))

    def orders(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[OrderView]:
        """List the orders a member holds or, by a bound identity, bought; *after* is the last page's `next`."""
        from crossloyalty.application import pages

        return self._run(pages.page_of_orders(self._world, self._id, member_id, limit, after))

    def claims(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[ClaimView]:
        """List a member's claims, latest order first; *after* is the last page's `next`."""
        from crossloyalty.application import pages

        return self._run(pages.page_of_claims(self._world, self._id, member_id, limit, after))

    def tickets(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[TicketView]:
        """List a member's requests that are no claims (yet), latest first; *after* is the last page's `next`."""
        from crossloyalty.application import pages

        return self._run(pages.page_of_tickets(self._world, self._id, member_id, limit, after))

    def entries(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[EntryView]:
        """List a member's ledger rows, latest first; *after* is the last page's `next`."""
        from crossloyalty.application import pages

        return self._run(pages.page_of_entries(self._world, self._id, member_id, limit, after))

    def timeline(self, member_id: str, *, limit: int = 100, after: str | None = None) -> Page[Moment]:
        """
        List what happened to a member (客户动态), latest first, each thing with its sentence in Chinese and English.

        Args:
            member_id: Whose.
            limit: Moments, 1 to 1,000.
            after: The last page's `next`.
        """
        from crossloyalty.application import timeline

        return self._run(timeline.page_of_timeline(self._world, self._id, member_id, limit, after))

    def customer_state(self, member_id: str, *, active_days: int = 90, lost_days: int = 365) -> CustomerState:
        """
        Say where a customer stands: PROSPECT, NEW, ACTIVE, SLEEPING or LOST.

        Args:
            member_id: Who.
            active_days: With an order in so many days they are new or active.
            lost_days: Behind so many days without one they are lost; in between they sleep.
        """
        from crossloyalty.application import customers

        return self._run(
            customers.state_of_customer(self._world, self._id, member_id, active_days=active_days, lost_days=lost_days)
        )

    def risk_flags(self, member_id: str, *, refunded_claims: int = 3) -> tuple[RiskFlag, ...]:
        """
        Give what about a member is worth a look: claims refunded whole, debt; nobody is banned by it (D15).

        Args:
            member_id: Who.
            refunded_claims: From how many refunded claims on it is a pattern.
        """
        from crossloyalty.application import customers

        return self._run(customers.flags_of_member(self._world, self._id, member_id, refunded_claims=refunded_claims))


class AsyncMembers(AsyncDoor):
    """The same doors, awaited."""

    __slots__ = ()

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
