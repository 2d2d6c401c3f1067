"""
What proofs and bindings cost, on SQLite with `synchronous=FULL`.

    python benchmarks/identity.py [--quick] [--json] [--only NAME] [--dir FOLDER]

`claim.with_proof` compares claims with amount and day with claims of the same orders by their bound buyers;
`claim.that_binds` the same where the claim binds the buyer as well, which happens once a buyer. `ingest.half_bound`
takes in orders half of whose buyers are bound, against taking them in without buyers and claiming that half in bulk.
`member.large` looks at a member with 10,000 orders, against one with 10 in the same store. Stores are verified before
a figure is given. A figure about members is one more entry of `figures`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).resolve().parents[1] / "src"
sys.path[:0] = [str(SOURCE), str(Path(__file__).resolve().parent)]

import attrs  # noqa: E402
from _harness import BLOCK, PAIRS, Figure, alternate, as_json, as_table, own_peak_mb, settle_memory, speeds  # noqa: E402
from _workload import CLAIMS_A_MEMBER, Clock, Pair, Work, make_work, program  # noqa: E402

from crossloyalty import ClaimRequest, Loyalty, Order, Proof, rules  # noqa: E402
from crossloyalty.storage.sqlite import SqliteStorage  # noqa: E402

WARM: Final = 100
BULK: Final = 1_000
HALF_BOUND: Final = 100_000
LARGE: Final = 10_000
SMALL: Final = 10


def bought(work: Work) -> list[Order]:
    """Give the orders of a work, each with a buyer of its own."""
    return [attrs.evolve(order, buyer_id=f"b{order.order_no}") for order in work.orders]


def _door(folder: Path, name: str, *, binds: bool = True) -> Loyalty:
    rule = program() if binds else attrs.evolve(program(), binding=rules.Binding(on_claim="never"))
    return Loyalty(rule, SqliteStorage(folder / f"{name}.db", synchronous="FULL"), clock=Clock())


def bind_unconverted(door: Loyalty, work: Work) -> None:
    """Bind each order's buyer to its claimer while the claimer is on the deny list, so that nothing converts yet."""
    members = dict.fromkeys(request[0] for request in work.requests)
    for member in members:
        door.block(member, reason="set-up", key=f"block {member}")
    for order, request in zip(bought(work), work.requests, strict=True):
        door.bind(request[0], platform=order.platform, buyer_id=order.buyer_id or "")
    for member in members:
        door.unblock(member, key=f"unblock {member}")


def _sound(*doors: Loyalty) -> None:
    for door in doors:
        if not door.verify().ok:
            raise SystemExit("a store is not sound")


def proofs(folder: Path, *, pairs: int, binds: bool) -> Figure:
    """Single claims of the same orders, with a proof and by bound buyers, a transaction each."""
    name = "claim.that_binds" if binds else "claim.with_proof"
    work = make_work(WARM + pairs * BLOCK)
    doors = [_door(folder, f"{name}-proof", binds=binds), _door(folder, f"{name}-bound")]
    for door in doors:
        door.ingest(bought(work))
    bind_unconverted(doors[1], work)

    def claim(door: Loyalty, at: int, proven: bool) -> None:
        for who, platform, order_no, paid_fen, paid_on in work.requests[at : at + BLOCK]:
            proof = Proof.amount_and_day(paid_fen=paid_fen, paid_on=paid_on) if proven else Proof.none()
            result = door.claim(who, platform=platform, order_no=order_no, proof=proof)
            if not result.created:
                raise SystemExit(f"not claimed: {result.reasons}")

    def blocks() -> Iterator[Pair]:
        for at in range(WARM, len(work.requests), BLOCK):
            yield partial(claim, doors[0], at, True), partial(claim, doors[1], at, False)

    for at in range(0, WARM, BLOCK):
        claim(doors[0], at, True)
        claim(doors[1], at, False)
    settle_memory()
    taken = alternate(blocks())
    _sound(*doors)
    note = f"{pairs} pairs of {BLOCK} claims; with amount and day against the bound buyer"
    return speeds(name, taken, BLOCK, target=None if binds else 0.8, note=note)


def half_bound(folder: Path, *, orders: int = HALF_BOUND, size: int = BULK) -> Figure:
    """
    Orders of which every second one's buyer is bound, against the same conversions in bulk.

    Args:
        folder: Where the stores go.
        orders: How many in all; each batch is made when its turn has come, so that memory does not grow with them.
        size: How many a transaction.
    """
    bind_every_second(folder, orders=orders, size=size)
    ours, plain = _door(folder, "half-bound"), _door(folder, "half-plain")
    settle_memory()
    taken = alternate(half_bound_pairs(ours, plain, orders=orders, size=size))
    peak = own_peak_mb()
    _sound(ours, plain)
    note = (
        f"{orders:,} orders in pairs of {size}, half of bound buyers; taken in and claimed in bulk; the process held"
        f" {peak:.0f} MB at most"
    )
    figure = speeds("ingest.half_bound", taken, size, target=0.6, note=note)
    return attrs.evolve(figure, unit="orders/s")


def bind_every_second(folder: Path, *, orders: int, size: int) -> None:
    """Bind the buyer of every second order that will come; not timed, so that it need not wait for the disk."""
    door = Loyalty(program(), SqliteStorage(folder / "half-bound.db", synchronous="NORMAL"), clock=Clock())
    for at in range(0, orders, size):
        work = _part(at, orders=orders, size=size)
        for order, request in list(zip(bought(work), work.requests, strict=True))[::2]:
            door.bind(request.member_id, platform=order.platform, buyer_id=order.buyer_id or "")
        _tell("bound the buyers of", at, at + size, orders)


def half_bound_pairs(ours: Loyalty, plain: Loyalty, *, orders: int, size: int) -> Iterator[Pair]:
    """Make the next batch for both sides."""

    def ingest(work: Work) -> None:
        report = ours.ingest(bought(work), batch=size)
        if report.claims_created != size // 2 or report.batches != 1:
            raise SystemExit(f"not converted: {report}")

    def in_bulk(work: Work) -> None:
        plain.ingest(work.orders, batch=size)
        asked = [
            ClaimRequest(member_id=who, platform=platform, order_no=order_no, proof=Proof.by_host("bulk"))
            for who, platform, order_no, _, _ in work.requests[::2]
        ]
        if not all(result.created for result in plain.claim_many(asked)):
            raise SystemExit("not converted in bulk")

    for at in range(0, orders, size):
        work = _part(at, orders=orders, size=size)
        yield partial(ingest, work), partial(in_bulk, work)
        _tell("took in", at, at + size, orders)


def _part(at: int, *, orders: int, size: int) -> Work:
    members = max(1, orders // CLAIMS_A_MEMBER)
    return make_work(size, members=members, places=range(at, at + size), seed=at)


def _tell(what: str, before: int, done: int, orders: int) -> None:
    if done * 10 // orders > before * 10 // orders:
        print(f"{what} {done:,} of {orders:,} orders", file=sys.stderr, flush=True)


def large_member(folder: Path, *, pairs: int, large: int = LARGE, small: int = SMALL) -> Figure:
    """A member with many orders at a glance, against one with few in the same store."""
    door = _door(folder, "large-member")
    for who, places in (("large", range(large)), ("small", range(large, large + small))):
        work = make_work(len(places), places=places)
        door.ingest(work.orders)
        asked = [
            ClaimRequest(member_id=who, platform=platform, order_no=order_no, proof=Proof.by_host("bulk"))
            for _, platform, order_no, _, _ in work.requests
        ]
        for at in range(0, len(asked), BULK):
            if not all(result.created for result in door.claim_many(asked[at : at + BULK])):
                raise SystemExit("not converted in bulk")

    def look(who: str, orders: int) -> None:
        for _ in range(BLOCK):
            if door.member(who).orders != orders:
                raise SystemExit("not all orders are there")

    look("large", large)
    look("small", small)
    settle_memory()
    taken = alternate((partial(look, "large", large), partial(look, "small", small)) for _ in range(pairs))
    _sound(door)
    note = f"{pairs} pairs of {BLOCK} looks; a member with {large:,} orders against one with {small}"
    return attrs.evolve(speeds("member.large", taken, BLOCK, target=0.66, note=note), unit="members/s")


def figures(folder: Path, *, quick: bool) -> dict[str, Callable[[], Figure]]:
    """Name what can be measured."""
    pairs = PAIRS if quick else 3 * PAIRS
    return {
        "claim.with_proof": lambda: proofs(folder, pairs=pairs, binds=False),
        "claim.that_binds": lambda: proofs(folder, pairs=pairs, binds=True),
        "ingest.half_bound": lambda: half_bound(folder, orders=(PAIRS * BULK if quick else HALF_BOUND)),
        "member.large": lambda: large_member(folder, pairs=pairs),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What proofs and bindings cost.")
    parser.add_argument("--quick", action="store_true", help="fewer pairs")
    parser.add_argument("--json", action="store_true", help="print one JSON object and no table")
    parser.add_argument("--only", metavar="NAME", action="append", help="measure this figure; may be repeated")
    parser.add_argument("--dir", type=Path, default=Path(), help="a folder on the disk to measure; default: here")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=given.dir, ignore_cleanup_errors=True) as name:
        makers = figures(Path(name), quick=given.quick)
        for only in given.only or ():
            if only not in makers:
                parser.error(f"no figure {only}; there are {', '.join(makers)}")
        done = []
        for figure, make in makers.items():
            if not given.only or figure in given.only:
                print(f"measuring {figure} …", file=sys.stderr, flush=True)
                done.append(make())
    print(as_json(done) if given.json else as_table(done))


if __name__ == "__main__":
    main()
