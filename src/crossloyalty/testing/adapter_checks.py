"""What every adapter promises, tried against its double; plain calls that need no pytest."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Final

import attrs

from crossloyalty.domain.orders import RefundStatus
from crossloyalty.domain.ownership import Proof
from crossloyalty.errors import NeedsHuman, Retryable
from crossloyalty.loyalty import AsyncLoyalty
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing.adapter_kit import (
    AdapterKit,
    Stand,
    check_complete,
    finished_orders,
    program_for,
    stored_orders,
)
from crossloyalty.testing.doubles import FaultKind, Faults
from crossloyalty.testing.dump import dump

__all__ = [
    "check_async_equals_plain",
    "check_capabilities_are_kept",
    "check_fetch_gives_an_order_with_its_refunds",
    "check_lasting_faults_are_typed",
    "check_no_secret_shows",
    "check_no_transaction_is_open_during_a_call",
    "check_refunds_after_finishing_arrive",
    "check_sync_again_changes_nothing",
    "check_sync_goes_on_after_any_page",
    "check_sync_loses_and_doubles_nothing",
]

# Primes, so that faults of all kinds meet pages, refreshes and details in ever new places.
STORM: Final = {
    FaultKind.THROTTLE: 17,
    FaultKind.DROP: 23,
    FaultKind.ERROR: 29,
    FaultKind.CUT: 31,
    FaultKind.HTML: 37,
    FaultKind.EMPTY: 41,
    FaultKind.WRONG: 43,
    FaultKind.DELAY: 47,
}
LASTING: Final = (
    FaultKind.THROTTLE,
    FaultKind.DROP,
    FaultKind.ERROR,
    FaultKind.HTML,
    FaultKind.EMPTY,
    FaultKind.CUT,
    FaultKind.WRONG,
    FaultKind.DEEP,
    FaultKind.HUGE,
    FaultKind.BOMB,
    FaultKind.REDIRECT,
)


def check_sync_loses_and_doubles_nothing(kit: AdapterKit) -> None:
    """Orders pulled from a drifting, failing double with short-lived tokens: none missing, none doubled, none wrong."""
    faults = Faults(every=STORM, expire_every=25, drift_every=3)
    with Stand.open(kit, orders=kit.orders, faults=faults) as stand:
        first = stand.loyalty.sync(stand.source, since=stand.since)
        assert (first.busy, first.rejected) == ([], []), first
        ended = stand.double.expiries + (0 if stand.double.authorised else 1)
        assert stand.double.refreshes <= ended, "one refresh for each token that ended"
        stand.double.faults.drift_every = 0
        # What changed while the pages were turned is found by the next sync.
        stand.clock.move(hours=2)
        second = stand.loyalty.sync(stand.source)
        check_complete(stand)
        assert first.orders_new + second.orders_new >= len(stand.told())
        assert stand.loyalty.doubtful().items == ()


def check_sync_again_changes_nothing(kit: AdapterKit) -> None:
    """A second sync reads the overlap again and finds nothing new."""
    with Stand.open(kit, orders=120) as stand:
        stand.loyalty.sync(stand.source, since=stand.since)
        before = stored_orders(stand.storage)
        stand.clock.move(minutes=1)
        again = stand.loyalty.sync(stand.source)
        assert (again.changed, again.orders_new) == (0, 0)
        assert stored_orders(stand.storage) == before
        check_complete(stand)


class _Stop(Exception):
    pass


def check_sync_goes_on_after_any_page(kit: AdapterKit) -> None:
    """A sync that ends after each single page is gone on with at the next one, and everything arrives (F-30)."""
    with Stand.open(kit, orders=150) as stand:

        def stop(_: object) -> None:
            raise _Stop

        for _ in range(500):
            try:
                stand.loyalty.sync(stand.source, since=stand.since, progress=stop)
                break
            except _Stop:
                continue
        check_complete(stand)
        read = stand.double.pages
    with Stand.open(kit, orders=150) as stand:
        stand.loyalty.sync(stand.source, since=stand.since)
        # The overlap between two windows is all that is read twice.
        assert read <= stand.double.pages, "pages that were stored are not read again"


def check_refunds_after_finishing_arrive(kit: AdapterKit) -> None:
    """A refund that is asked for and paid back after the order was finished is in the store, and taken back."""
    with Stand.open(kit, orders=60) as stand:
        stand.loyalty.sync(stand.source, since=stand.since)
        order = next(each for each in finished_orders(stand.book) if not stand.book.refunds(each.order_no))
        claimed = stand.loyalty.claim(
            "m1", platform=stand.source.platform, order_no=order.order_no, proof=Proof.by_host("kit")
        )
        assert claimed.created, claimed
        stand.clock.move(hours=30)
        opened = stand.book.refund(order.order_no, at=stand.clock(), status=RefundStatus.OPEN)
        stand.clock.move(hours=30)
        stand.loyalty.sync(stand.source)
        stand.book.put(attrs.evolve(opened, status=RefundStatus.SUCCESS, modified_at=stand.clock()))
        touched = stand.book.order(order.order_no)
        assert touched is not None
        stand.book.put(attrs.evolve(touched, modified_at=stand.clock()))
        stand.clock.move(hours=30)
        stand.loyalty.sync(stand.source)
        check_complete(stand)
        [view] = stand.loyalty.claims("m1").items
        goods = (order.paid_fen or 0) - (order.shipping_fen or 0)
        assert view.net_fen == goods - opened.amount_fen


def check_fetch_gives_an_order_with_its_refunds(kit: AdapterKit) -> None:
    """One order comes with its refunds; a number nobody has is nothing, not an error."""
    with Stand.open(kit, orders=40) as stand:
        for order in stand.book.orders():
            if kit.expected(order) is None:
                continue
            facts = stand.source.fetch(order.order_no)
            assert facts.doubtful == ()
            stand.loyalty.ingest(facts.items)
        check_complete(stand)
        assert stand.source.fetch(kit.number(99_999)).items == ()


def check_lasting_faults_are_typed(kit: AdapterKit) -> None:
    """A fault that lasts ends in a typed error after few calls, moves no place, and afterwards everything arrives."""
    with Stand.open(kit, orders=30) as stand:
        for kind in LASTING:
            stand.double.faults = Faults(always=kind)
            before = len(stand.double.calls)
            error: object = None
            try:
                stand.loyalty.sync(stand.source, since=stand.since)
            except (Retryable, NeedsHuman) as raised:
                error = raised
            assert error is not None, f"{kind.name} for ever went unnoticed"
            assert getattr(error, "platform", "") == stand.source.platform, error
            assert len(stand.double.calls) - before <= 20, f"{kind.name}: tries without an end"
            assert stored_orders(stand.storage) == {}
        stand.double.faults = Faults()
        stand.loyalty.sync(stand.source, since=stand.since)
        check_complete(stand)


def check_no_transaction_is_open_during_a_call(kit: AdapterKit) -> None:
    """While the platform is asked, no transaction of the store is open (F-37)."""
    with Stand.open(kit, orders=60) as stand:
        open_then: list[int] = []
        stand.double.on_call = lambda _: open_then.append(stand.storage.open)
        stand.loyalty.sync(stand.source, since=stand.since)
        assert set(open_then) == {0}


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def check_no_secret_shows(kit: AdapterKit) -> None:
    """Tokens and secrets (all named "canary") and receivers stand in no log, error, repr or record."""
    root, kept = logging.getLogger(), _Kept()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    try:
        with Stand.open(kit, orders=40, faults=Faults(every=STORM, expire_every=10)) as stand:
            stand.loyalty.sync(stand.source, since=stand.since)
            texts = [str(dump(stand.storage)), repr(stand.source), repr(vars(stand.source))]
            stand.double.faults = Faults(always=FaultKind.ERROR)
            stand.clock.move(hours=1)
            try:
                stand.loyalty.sync(stand.source)
            except Retryable as error:
                texts += [repr(error), str(error), repr(vars(error)), repr(error.__cause__), repr(error.__context__)]
    finally:
        root.removeHandler(kept)
        root.setLevel(level)
    for text in (*kept.lines, *texts):
        for secret in ("canary", "13800138000", "张三"):
            assert secret not in text, f"{secret} shows in: {text[:200]}"


def check_async_equals_plain(kit: AdapterKit) -> None:
    """The asynchronous source stores what the plain one stores."""
    with Stand.open(kit, orders=80, faults=Faults(expire_every=20)) as stand:
        stand.loyalty.sync(stand.source, since=stand.since)
        check_complete(stand)
        storage = MemoryStorage()

        async def main() -> None:
            source = kit.make_async_source(stand.double, tokens=stand.tokens, clock=stand.clock)
            assert source is not None
            loyalty = AsyncLoyalty(program_for(kit), storage, clock=stand.clock)
            await loyalty.sync(source, since=stand.since)
            await kit.close(source)

        asyncio.run(main())
        assert stored_orders(storage) == stored_orders(stand.storage)


def check_capabilities_are_kept(kit: AdapterKit) -> None:
    """What a source claims of itself fits together, and buyers are ids that can be bound, never masked ones."""
    with Stand.open(kit, orders=60) as stand:
        source, claims = stand.source, stand.source.capabilities
        assert all((source.platform, source.shop_id, source.feeds, claims.pull))
        assert 0 <= source.limits.overlap_s < source.limits.longest_window_s
        assert claims.auto_convert == (claims.buyer_id_scope != "none")
        assert claims.watch_refunds or "refunds" in source.feeds or not claims.refund_detail
        stand.loyalty.sync(source, since=stand.since)
        buyers = {each["fields"].get("buyer_id") for each in stored_orders(stand.storage).values() if each["fields"]}
        assert not any("*" in buyer for buyer in buyers if buyer)
        assert bool(buyers - {None}) == claims.auto_convert
        window = timedelta(seconds=source.limits.longest_window_s)
        facts = source.page(source.feeds[0], stand.clock() - window, stand.clock(), None)
        assert facts.seen >= 0
