"""Merging what sources say: order and doubling of messages do not matter."""

import copy
from collections.abc import Sequence
from datetime import timedelta

from builders import NOW, day, order, refund
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.domain.calendar import instant_of
from crossloyalty.domain.facts import Facts, dump_facts, load_facts, merge_order, merge_refund, stated
from crossloyalty.domain.jsontext import json_text
from crossloyalty.domain.orders import Line, Order, OrderStatus, Refund, RefundStatus, SourceKind

moments = st.sampled_from([None, day(1), day(2), day(3)])
amounts = st.sampled_from([None, 0, 100, 250, 10_000])
orders = st.builds(
    lambda status, modified_at, paid_fen, refunded_fen, source, finished_at: order(
        1,
        status=status,
        modified_at=modified_at,
        paid_fen=paid_fen,
        refunded_fen=refunded_fen,
        source=source,
        finished_at=finished_at,
    ),
    st.sampled_from([None, *OrderStatus]),
    moments,
    amounts,
    amounts,
    st.sampled_from(SourceKind),
    moments,
)
refunds = st.builds(
    lambda refund_id, status, amount, modified_at: refund(
        order(1), amount, refund_id=refund_id, status=status, modified_at=modified_at
    ),
    st.sampled_from(["r1", "r2"]),
    st.sampled_from(RefundStatus),
    st.sampled_from([0, 100, 250]),
    moments,
)
messages = st.lists(st.one_of(orders, refunds), max_size=8)


def _merged(items: Sequence[Order | Refund], into: Facts | None = None) -> Facts:
    facts = load_facts("") if into is None else copy.deepcopy(into)
    for item in items:
        merge_order(facts, item) if isinstance(item, Order) else merge_refund(facts, item)
    return facts


@given(messages, st.randoms(use_true_random=False))
def test_merging_is_commutative(items: list[Order | Refund], random: object) -> None:
    """Every order of the same messages gives the same facts."""
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _merged(shuffled) == _merged(items)


@given(messages, messages)
def test_merging_is_idempotent(items: list[Order | Refund], again: list[Order | Refund]) -> None:
    """Messages that were merged before change nothing, whatever came between, and say so."""
    facts = _merged([*items, *again])
    assert _merged(items, facts) == facts
    for item in items:
        news = merge_order(facts, item) if isinstance(item, Order) else merge_refund(facts, item)
        assert not news


@given(messages, messages, messages)
def test_merging_is_associative(a: list[Order | Refund], b: list[Order | Refund], c: list[Order | Refund]) -> None:
    """Merging in portions is merging at once, also when the document was stored in between."""
    assert _merged(c, load_facts(dump_facts(_merged(b, _merged(a))))) == _merged([*a, *b, *c])


@given(messages)
def test_the_document_survives_storing(items: list[Order | Refund]) -> None:
    """What is read back is what was stored, and one set of facts is one text."""
    facts = _merged(items)
    assert load_facts(dump_facts(facts)) == facts
    assert dump_facts(load_facts(dump_facts(facts))) == dump_facts(facts)


def test_the_later_modification_wins() -> None:
    """Inside one source the snapshot with the later modification time replaces the other whole."""
    facts = _merged([order(1, shop_id="s1", modified_at=day(2)), order(1, modified_at=day(3))])
    assert "shop_id" not in stated(facts)[0]


def test_an_absent_time_is_the_lowest() -> None:
    """A snapshot without a modification time never replaces one that has it."""
    facts = _merged([order(1, modified_at=day(1)), order(1, modified_at=None, status=OrderStatus.CLOSED)])
    assert stated(facts)[0]["status"] == "FINISHED"


def test_of_one_time_the_higher_status_wins() -> None:
    """Equal times are ranked by status."""
    items = [order(1, status=status, modified_at=NOW) for status in OrderStatus]
    assert stated(_merged(items[::-1]))[0]["status"] == "CLOSED"


def test_fields_come_from_the_newest_source_that_states_them() -> None:
    """Between sources an absent field never overwrites, and a stated one of the newer source does."""
    facts = _merged(
        [
            order(1, source=SourceKind.API, shop_id="s1", paid_fen=100, modified_at=day(1)),
            order(1, source=SourceKind.EXPORT, shop_id=None, paid_fen=200, modified_at=day(3)),
            order(1, source=SourceKind.MESSAGE, shop_id="s2", paid_fen=None, modified_at=day(2)),
        ]
    )
    fields, _ = stated(facts)
    assert (fields["shop_id"], fields["paid_fen"]) == ("s2", 200)


def test_figures_carry_the_time_of_their_own_snapshot() -> None:
    """The age of a refunded figure is that of the snapshot that stated it, not of the newest one."""
    lines = (Line(line_id="a", paid_fen=100, refunded_fen=10),)
    facts = _merged(
        [
            order(1, source=SourceKind.EXPORT, refunded_fen=10, lines=lines, modified_at=day(1)),
            order(1, source=SourceKind.API, modified_at=day(3)),
        ]
    )
    assert stated(facts)[1] == {"refunded_fen": instant_of(day(1)), "lines": instant_of(day(1))}


def test_a_refund_id_is_one_refund() -> None:
    """The later version of one refund id replaces the earlier; another id is another refund."""
    base = order(1)
    facts = _merged(
        [
            refund(base, 100, refund_id="r1", modified_at=NOW),
            refund(base, 100, refund_id="r1", status=RefundStatus.OPEN, modified_at=NOW + timedelta(seconds=1)),
            refund(base, 100, refund_id="r2", modified_at=NOW),
        ]
    )
    assert {refund_id: held["fields"]["status"] for refund_id, held in facts["refunds"].items()} == {
        "r1": "OPEN",
        "r2": "SUCCESS",
    }


def test_nobody_has_described_it() -> None:
    """The empty text is an order without facts."""
    assert load_facts("") == {"snapshots": {}, "refunds": {}}


@given(st.lists(orders, min_size=1, max_size=3), st.booleans())
def test_facts_are_stored_as_one_text_whichever_way_it_is_made(snapshots: Sequence[Order], refunded: bool) -> None:
    """What was just merged is put together from texts at hand; it reads as if all of it had been written anew."""
    facts = load_facts("")
    for snapshot in snapshots:
        merge_order(facts, snapshot)
    if refunded:
        merge_refund(facts, refund(order(1), 100))
    text = dump_facts(facts)
    assert text == json_text(facts)
    assert dump_facts(load_facts(text)) == text
