"""
Every marketplace at once, on a laptop and without any account: the doubles stand in for the platforms.

    python -m pip install "crossloyalty[crypto]"  # messages of Kuaishou and WeChat come encrypted
    python examples/sync_all.py

For each platform: its double is started with a book of orders, its source is synced into one store, messages are
received, members convert their orders, some orders are refunded, and the totals are printed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from custom_adapter import CornerKit

from crossloyalty import Loyalty, OrderStatus, Program, Proof, rules
from crossloyalty.adapters.wire.token_stores import MemoryTokenStore
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import AdapterKit, KitClock
from crossloyalty.testing.doubles import Faults
from crossloyalty.testing.kits import PLATFORM_KITS, platform_kit

ORDERS = 60
# Which platforms: the built-in ones, and one of your own.
KITS: Mapping[str, Callable[[], AdapterKit]] = {
    **{name: partial(platform_kit, name) for name in PLATFORM_KITS},
    "corner": CornerKit,
}


def go(kit: AdapterKit, loyalty: Loyalty, clock: KitClock, stack: ExitStack) -> str:
    """Walk one platform's road; give its line of totals."""
    book = kit.make_book()
    book.fill(ORDERS, since=clock() - timedelta(days=2), until=clock() - timedelta(hours=1), refunded=0)
    double = stack.enter_context(kit.make_double(book, Faults(expire_every=40), clock))
    source = kit.make_source(double, tokens=MemoryTokenStore(), clock=clock)
    report = loyalty.sync(source, since=clock() - timedelta(days=3))
    # What changed while its pages were turned is found by the next sync.
    double.faults.drift_every = 0
    clock.move(hours=1)
    caught = loyalty.sync(source)
    # Orders move on; where the platform has messages, they tell at once, elsewhere the next sync does.
    pushed = 0
    for order in [each for each in book.orders() if each.status is OrderStatus.SHIPPED]:
        book.move(order.order_no, at=clock())
        if kit.pushes:
            message = double.message(order.order_no)
            pushed += loyalty.receive(
                source, message.headers, message.body, query=message.query, method=message.method
            ).taken
        elif kit.queues:
            double.message(order.order_no)
    if kit.queues:
        pushed += loyalty.handle_messages(source).taken
    clock.move(minutes=10)
    moved = 0 if kit.pushes or kit.queues else loyalty.sync(source).pages
    finished = [each for each in book.orders() if each.status is OrderStatus.FINISHED]
    claims = points = 0
    for place, order in enumerate(finished):
        proof = Proof.by_host("scanned in the shop")
        member = f"m{place % 10}"
        result = loyalty.claim(member, platform=source.platform, order_no=order.order_no, proof=proof)
        claims += result.created
        points += result.points
    # A tenth of them goes back; what was given is taken back by the next sync.
    clock.move(days=1)
    for order in finished[::10]:
        book.refund(order.order_no, at=clock())
    clock.move(days=1)
    before = sum(loyalty.member(f"m{place}").points for place in range(10))
    again = loyalty.sync(source)
    taken_back = before - sum(loyalty.member(f"m{place}").points for place in range(10))
    orders = report.orders_new + caught.orders_new
    pages = report.pages + caught.pages + moved + again.pages
    return (
        f"{kit.platform:12} {orders:6} orders {pages:5} pages {pushed:4} messages "
        f"{claims:4} claims {points:7} points {taken_back:6} taken back {len(loyalty.doubtful().items):3} in doubt"
    )


def main() -> None:
    """Walk every platform's road over one store, and print a line each."""
    kits = [make() for make in KITS.values()]
    program = Program(
        program_id="brand-a",
        platforms=[platform for kit in kits for platform in kit.platforms],
        eligibility=rules.Finished(within_days=90),
        rewards=[rules.PointsPerYuan("1")],
        source_tags=rules.SourceTags(),
    )
    clock = KitClock()
    loyalty = Loyalty(program, MemoryStorage(), clock=clock)
    with ExitStack() as stack:
        for kit in kits:
            print(go(kit, loyalty, clock, stack))
    violations = loyalty.verify().violations
    print(f"one store, {len(kits)} platforms, {len(violations)} violations")
    if violations:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
