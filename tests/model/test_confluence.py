"""
Confluence: whatever the order and the doubling of messages, the same is held in the end (design, section 4).

Compared are claim key, holder and state; net entries per (claim, rule); spend per day; coupons; balances, debt and tier
at a fixed clock. Not compared: ids, numbers of rows, events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import attrs
import pytest
from builders import SHANGHAI, Clock, assert_sound
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import (
    MEMBERS,
    PROGRAM_ID,
    SLOTS,
    Registry,
    clock_at_start,
    finished_at,
    finished_message,
    order_message,
    orders,
    program,
    proof_of,
    refund_message,
    refunds,
)

from crossloyalty import (
    ClaimRequest,
    Loyalty,
    Milestone,
    Order,
    OrderStatus,
    Program,
    Proof,
    Refund,
    RefundStatus,
    rules,
)
from crossloyalty.application.ports import Storage
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump

# Each of them takes an order through several histories.
EXAMPLES = settings().max_examples * 2 // 5
VARIANTS = range(6)

# The member each order belongs to, so that no two proven members run a race whose winner is the first by right.
OWNERS = ["m1", "m1", "m2", "m1", "m2", "m1"]


def projection(loyalty: Loyalty, storage: Storage) -> dict[str, Any]:
    """Give everything that confluence is about."""
    tables: dict[str, list[Any]] = dump(storage)
    net: Counter[Any] = Counter()
    for entry in tables["entries"]:
        if entry.kind in ("grant", "claw_back", "cancel", "shortfall", "exempt"):
            sign = -1 if entry.account in ("debt", "waived", "exempt") else 1
            net[entry.family, entry.order_no, entry.holder_no, entry.rule_id] += sign * entry.amount
    members = {name: loyalty.member(name) for name in MEMBERS}
    return {
        "claims": {(row.family, row.order_no): (row.member_id, row.holder_no, row.state) for row in tables["claims"]},
        "net": {place: amount for place, amount in net.items() if amount},
        "spend": {(row.member_id, row.day): row.spend_fen for row in tables["spend_days"] if row.spend_fen},
        "coupons": {name: Counter((at.code, at.state) for at in member.coupons) for name, member in members.items()},
        "balances": {
            (name, asset): (at.available, at.pending, at.debt)
            for name, member in members.items()
            for asset, at in member.balances.items()
            if at.available or at.pending or at.debt
        },
        "tiers": {name: member.tier for name, member in members.items()},
        "tags": {name: (member.tags, member.first_source) for name, member in members.items()},
    }


def plain(of: Program, **changes: Any) -> Program:
    """Take away what binds a result to the order of first settlements: what tiers decide, and once per member."""
    assert of.tiers is not None
    return attrs.evolve(
        of,
        rewards=[
            attrs.evolve(rule, rates=()) if rule.rates else rule
            for rule in of.rewards
            if not rule.once_per_member and not (rule.scope and rule.scope.tiers)
        ],
        tiers=attrs.evolve(of.tiers, levels=[attrs.evolve(level, points_multiplier="1") for level in of.tiers.levels]),
        on_refund=rules.ClawBack(shortfall="debt"),
        ownership="proof",
        caps=(),
        **changes,
    )


Step = tuple[str, Any]


def play(of: Program, steps: Sequence[Step], cuts: Sequence[bool] = (), look: Any = projection) -> dict[str, Any]:
    """Do some steps and look at the end of them; neighbouring messages share an ingest unless a cut parts them."""
    storage = MemoryStorage()
    loyalty = Loyalty(of, storage, clock=clock_at_start())
    waiting: list[Any] = []
    for place, (kind, what) in enumerate(steps):
        if waiting and (kind != "tell" or cuts[place % len(cuts)]):
            loyalty.ingest(waiting)
            waiting = []
        if kind == "tell":
            waiting.append(what)
        elif kind == "claim":
            member, slot, proof = what
            at = SLOTS[slot]
            loyalty.claim(member, platform=at.platform, order_no=at.order_no, proof=proof_of(slot, proof))
        elif kind == "merge":
            loyalty.merge(*what, key=f"merge {place}")
        else:
            loyalty.bind(what[0], platform=what[1], buyer_id=what[2])
    loyalty.ingest(waiting)
    assert_sound(loyalty)
    return look(loyalty, storage)


def milestone(slot: int) -> Milestone:
    at = SLOTS[slot]
    return Milestone(platform=at.platform, order_no=at.order_no, event="reviewed", at=finished_at(slot))


def histories(slot: int) -> st.SearchStrategy[list[Step]]:
    """Draw what the platform says about one order over time; states only go forward and no refund stays open."""

    def tell(status: str, hour: int, **said: Any) -> Step:
        stated = {"line_status": (None,) * 3, "figure": None, "line_figure": None, "bare": False} | said
        source = stated.pop("source", "API")
        return "tell", order_message(slot, status, hour, source, **stated)

    def paid_back(refund_id: str, status: str, hour: int | None, percent: int, line: int | None = None) -> Step:
        return "tell", refund_message(slot, refund_id, status, hour, percent, line, False)

    percent = st.sampled_from([1, 33, 60, 100])
    finished = st.sampled_from(
        [
            [tell("FINISHED", 20)],
            [tell("PAID", 1), tell("FINISHED", 20)],
            [tell("FINISHED", 20), tell("FINISHED", 21, source="EXPORT", bare=True)],
            [tell("FINISHED", 20), tell("FINISHED", 30, figure=60)],
            [tell("FINISHED", 20), tell("FINISHED", 25, source="EXPORT", line_figure=50)],
            [tell("FINISHED", 20), tell("CLOSED", 30)],
            [tell("FINISHED", 20, line_status=("CLOSED_REFUNDED", None, None))],
        ]
    )
    back = st.one_of(
        st.just([]),
        st.builds(lambda p: [paid_back("r1", "SUCCESS", 22, p)], percent),
        st.builds(
            lambda p, line: [paid_back("r1", "OPEN", 21, p, line), paid_back("r1", "SUCCESS", 22, p, line)],
            percent,
            st.integers(0, 1),
        ),
        st.builds(
            lambda p: [
                paid_back("r1", "OPEN", 21, p),
                paid_back("r1", "CLOSED", None, p),
                paid_back("r1", "CLOSED", 23, p),
            ],
            percent,
        ),
        st.builds(lambda p: [paid_back("r1", "SUCCESS", 22, p), paid_back("r1", "PAYOUT_FAILED", 23, p)], percent),
        st.builds(
            lambda p, q: [paid_back("r1", "SUCCESS", 22, p), paid_back("r2", "SUCCESS", 22, q)], percent, percent
        ),
    )
    seen = st.sampled_from([[], [("tell", milestone(slot))]])
    mine = st.just([("claim", (OWNERS[slot], slot, "right"))])
    return st.builds(lambda *parts: [step for part in parts for step in part], finished, back, seen, mine)


def strangers(slot: int) -> st.SearchStrategy[Step]:
    """Draw a request that must not win."""
    others = [name for name in MEMBERS if name != OWNERS[slot]]
    return st.builds(
        lambda name, proof: ("claim", (name, slot, proof)), st.sampled_from(others), st.sampled_from(["wrong", "none"])
    )


@st.composite
def permuted(draw: st.DrawFn) -> tuple[list[Step], list[Step], list[bool]]:
    """Draw up to five messages and the claims to them, and the same shuffled and doubled."""
    chosen = draw(st.lists(st.integers(0, len(SLOTS) - 1), min_size=1, max_size=2, unique=True))
    steps = [step for slot in chosen for step in draw(histories(slot))]
    steps += draw(st.lists(st.one_of([strangers(slot) for slot in chosen]), max_size=1))
    for slot in chosen:
        if SLOTS[slot].buyer and draw(st.booleans()):
            steps.append(("bind", (OWNERS[slot], SLOTS[slot].platform, SLOTS[slot].buyer)))
    told = [step for step in steps if step[0] == "tell"]
    doubled = draw(st.lists(st.sampled_from(told), max_size=5))
    other = draw(st.permutations([*steps, *doubled]))
    return steps, other, draw(st.lists(st.booleans(), min_size=1, max_size=4))


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=EXAMPLES)
@given(drawn=permuted())
def test_confluence_a(variant: int, drawn: tuple[list[Step], list[Step], list[bool]]) -> None:
    """Without multipliers and member-scope rewards every permutation and doubling of messages ends the same."""
    steps, other, cuts = drawn
    of = plain(program(variant))
    assert play(of, steps, [True]) == play(of, other, cuts)


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=EXAMPLES)
@given(
    later=st.lists(st.sampled_from([0, 3, 5]).flatmap(histories), min_size=1, max_size=2),
    data=st.data(),
)
def test_confluence_b(variant: int, later: list[list[Step]], data: st.DataObject) -> None:
    """With multipliers and a coupon once per member it ends the same while the order of first settlements is kept."""
    of = attrs.evolve(program(variant), on_refund=rules.ClawBack(shortfall="debt"), ownership="proof")
    first: list[Step] = []
    for slot in (5, 0, 3, 1):
        first.append(("tell", finished_message(slot, 10)))
        first.append(("claim", (OWNERS[slot], slot, "right")))
    told = [step for history in later for step in history if step[0] == "tell"]
    doubled = data.draw(st.lists(st.sampled_from(told), max_size=3))
    other = data.draw(st.permutations([*told, *doubled]))
    assert play(of, [*first, *told], [True]) == play(
        of, [*first, *other], data.draw(st.lists(st.booleans(), min_size=1))
    )


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=EXAMPLES)
@given(
    before=st.lists(orders(st.integers(0, 5)) | refunds(st.integers(0, 5)), max_size=3),
    batch=st.lists(orders(st.integers(0, 5)) | refunds(st.integers(0, 5)), min_size=2, max_size=5),
    claimed=st.lists(st.tuples(st.sampled_from(MEMBERS), st.integers(0, 5)), max_size=4, unique=True),
    data=st.data(),
)
def test_confluence_c(
    variant: int, before: list[Any], batch: list[Any], claimed: list[Any], data: st.DataObject
) -> None:
    """Inside one batch no order matters: messages and claims shuffled and doubled end the same under every program."""
    same = Registry().same
    before, batch = [same(item) for item in before], [same(item) for item in batch]
    usual = [finished_message(slot, 20) for slot in (0, 1, 2, 5)]
    requests = [
        ClaimRequest(
            member_id=member,
            platform=SLOTS[slot].platform,
            order_no=SLOTS[slot].order_no,
            proof=proof_of(slot, "right"),
        )
        for member, slot in claimed
    ]

    def end(told: list[Any], asked: list[ClaimRequest]) -> tuple[Any, Any]:
        storage, clock = MemoryStorage(), clock_at_start()
        loyalty = Loyalty(program(variant), storage, clock=clock)
        loyalty.ingest([*before, *map(same, usual)])
        answers = loyalty.claim_many(asked)
        clock.move(days=20)
        loyalty.run_due()
        spent = "stored_value" if program(variant).external_books else "points"
        loyalty.adjust("m1", asset=spent, amount=-100, key="spent")
        loyalty.ingest(told)
        assert_sound(loyalty)
        return projection(loyalty, storage), {(at.member_id, at.platform, at.order_no): at.reasons for at in answers}

    doubled = data.draw(st.lists(st.sampled_from(batch), max_size=3))
    assert end(batch, requests) == end(
        data.draw(st.permutations([*batch, *doubled])), data.draw(st.permutations(requests))
    )


# -- merges ------------------------------------------------------------------------------------------------------------


def totals(loyalty: Loyalty, storage: Storage) -> dict[str, Any]:
    """Give what a set of members that became one holds together, whoever a row was written with."""
    held = projection(loyalty, storage)
    held["claims"] = {key: state for key, (_, *state) in held["claims"].items()}
    survivors = {loyalty.member(name).member_id for name in MEMBERS}
    held["spend"] = {place: fen for place, fen in held["spend"].items() if place[0] in survivors}
    return held | {"stands": {name: loyalty.member(name).member_id for name in MEMBERS}}


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=max(1, EXAMPLES // 2))
@given(
    drawn=permuted(),
    merges=st.lists(st.permutations(MEMBERS).map(lambda m: m[:2]), min_size=1, max_size=3),
    data=st.data(),
)
def test_confluence_of_merges(
    variant: int, drawn: tuple[list[Step], list[Step], list[bool]], merges: list[list[str]], data: st.DataObject
) -> None:
    """I-53: a set of merges, in any order and anywhere among the messages, gives one survivor set with equal totals."""
    # Who asks with a wrong proof may be one with who asked with the right one, and of one asker the last proof counts.
    steps, other = ([step for step in some if step[0] != "claim" or step[1][2] == "right"] for some in drawn[:2])
    cuts, of = drawn[2], plain(program(variant))
    united = [("merge", pair) for pair in merges]
    for step in data.draw(st.permutations(united)):
        other.insert(data.draw(st.integers(0, len(other))), step)
    assert play(of, [*steps, *united], [True], totals) == play(of, other, cuts, totals)


@settings(max_examples=max(1, EXAMPLES // 3))
@given(
    calls=st.lists(
        st.tuples(st.permutations(MEMBERS).map(lambda m: tuple(m[:2])), st.integers(0, 1), st.integers(0, 3)),
        min_size=1,
        max_size=4,
    ),
    data=st.data(),
)
def test_the_newest_decision_names_the_survivor_whatever_the_order(calls: list[Any], data: st.DataObject) -> None:
    """I-53: whoever the newest version names stands for all it is one with, in whatever order the calls come."""

    def end(called: list[Any]) -> dict[str, Any]:
        storage = MemoryStorage()
        loyalty = Loyalty(program(1), storage, clock=clock_at_start())
        loyalty.ingest([finished_message(slot, 20) for slot in range(6)])
        for slot, owner in enumerate(OWNERS):
            at = SLOTS[slot]
            loyalty.claim(owner, platform=at.platform, order_no=at.order_no, proof=proof_of(slot, "right"))
        for place, (pair, named, version) in enumerate(called):
            chosen = {"survivor": pair[named], "version": version} if version else {}
            loyalty.merge(*pair, key=f"k{place}", **chosen)
            assert_sound(loyalty)
        held = totals(loyalty, storage)
        return {name: held[name] for name in ("stands", "balances", "spend", "claims")}

    assert end(calls) == end(data.draw(st.permutations(calls)))


# -- shapes of the worked checks ---------------------------------------------------------------------------------------


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)


def big_order(paid_fen: int, day: date) -> Order:
    return Order(
        platform="taobao",
        order_no="3816000000000000001",
        status=OrderStatus.FINISHED,
        created_at=at(day),
        paid_at=at(day),
        finished_at=at(day),
        modified_at=at(day),
        paid_fen=paid_fen,
        shipping_fen=0,
    )


def paid_back(refund_id: str, fen: int, status: RefundStatus, day: date, hour: int = 12) -> Refund:
    return Refund(
        platform="tmall",
        order_no="3816000000000000001",
        refund_id=refund_id,
        status=status,
        amount_fen=fen,
        modified_at=at(day, hour),
    )


JANUARY, JUNE = date(2026, 1, 10), date(2026, 6, 1)


@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_refunds_long_after_a_tier_was_reached_in_any_order(data: st.DataObject) -> None:
    """D57: a tiny refund in June keeps January's tier, a large one takes it, a payout that fails gives it back."""
    messages = [
        paid_back("tiny", 100, RefundStatus.SUCCESS, JUNE),
        paid_back("large", 60_000, RefundStatus.SUCCESS, JUNE),
        paid_back("large", 60_000, RefundStatus.PAYOUT_FAILED, JUNE, 13),
    ]
    told = data.draw(st.lists(st.sampled_from(messages), max_size=5))
    clock = Clock(at(JANUARY, 13))
    tiers = rules.SpendTiers({"普通": 0, "白银": 200_000}, window_days=60, period_days=365)
    loyalty = Loyalty(
        Program(program_id=PROGRAM_ID, rewards=[rules.PointsPerYuan("1")], tiers=tiers), MemoryStorage(), clock=clock
    )
    order = big_order(250_000, JANUARY)
    loyalty.ingest([order])
    loyalty.claim("m1", platform="tmall", order_no=order.order_no, proof=Proof.by_host("chat"))
    assert loyalty.member("m1").tier == "白银"
    clock.set(at(JUNE, 14))
    loyalty.run_due()
    for message in told:
        loyalty.ingest([message])
    large = messages[1] in told and messages[2] not in told
    left_fen = 250_000 - 100 * (messages[0] in told) - 60_000 * large
    assert loyalty.member("m1").tier == ("普通" if large else "白银")
    assert loyalty.member("m1").points == left_fen // 100
    assert_sound(loyalty)


@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_two_kinds_of_refund_fact_in_any_order(data: st.DataObject) -> None:
    """D56: a total in the export and a refund row of the same money count once; a failed payout outdates the total."""
    order = big_order(10_000, JANUARY)
    total = attrs.evolve(order, refunded_fen=3_000, modified_at=at(JUNE))
    row = paid_back("r1", 3_000, RefundStatus.SUCCESS, JUNE)
    failed = paid_back("r1", 3_000, RefundStatus.PAYOUT_FAILED, JUNE, 13)
    told = data.draw(st.lists(st.sampled_from([order, total, row, failed]), max_size=7))
    claim_at = data.draw(st.integers(0, len(told)))
    loyalty = Loyalty(
        Program(
            program_id=PROGRAM_ID, rewards=[rules.PointsPerYuan("1")], eligibility=rules.Finished(within_days=None)
        ),
        MemoryStorage(),
        clock=Clock(at(JUNE, 14)),
    )
    for place in range(len(told) + 1):
        if place == claim_at:
            loyalty.claim("m1", platform="taobao", order_no=order.order_no, proof=Proof.by_host("chat"))
        loyalty.ingest(told[place : place + 1])
    known = order in told or total in told
    back = failed not in told and (row in told or total in told)
    assert loyalty.member("m1").points == (0 if not known else 70 if back else 100)
    assert_sound(loyalty)
