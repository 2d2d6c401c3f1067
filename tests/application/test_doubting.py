"""What platforms tell in a way that cannot be believed: listed, never granted, gone when it is told soundly."""

from __future__ import annotations

import attrs
import pytest
from builders import PROGRAM_ID, Clock, day, number, order, refund, right_proof
from list_source import ListSource, at, message

from crossloyalty import Loyalty, Program, Reason, RefundStatus, rules
from crossloyalty.application.sources import Doubtful
from crossloyalty.errors import InvalidInput
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump


@pytest.fixture
def store():
    return MemoryStorage()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def door(store, clock):
    program = Program(
        program_id=PROGRAM_ID, eligibility=rules.Finished(within_days=90), rewards=[rules.PointsPerYuan("1")]
    )
    return Loyalty(program, store, clock=clock)


def doubt(n: int = 1, **more) -> Doubtful:
    return Doubtful(
        **{
            "order_no": number(n),
            "code": "AMOUNT_MISMATCH",
            "detail": "90 + 0 are not 100 fen",
            "payload": "{}",
            **more,
        }
    )


def pull(door, clock, *orders, doubtful=(), refunds=()):
    """Sync what changed in the minute that passes now."""
    when = clock()
    clock.move(minutes=1)
    source = ListSource([at(each, when) for each in orders], [at(each, when) for each in refunds])
    source.doubtful = list(doubtful)
    return door.sync(source, since=day(20, 0))


def claim(door, n: int = 1):
    return door.claim("m1", platform="taobao", order_no=number(n), proof=right_proof(order(n)))


def test_what_is_in_doubt_is_listed(door, clock):
    """A doubtful order is on the list with its reason, and is no order anybody can convert."""
    report = pull(door, clock, doubtful=[doubt()])
    assert (report.doubtful, report.orders) == (1, 0)
    [found] = door.doubtful().items
    assert (found.platform, found.shop_id, found.order_no, found.code) == ("taobao", "s1", number(1), "AMOUNT_MISMATCH")
    assert found.detail == "90 + 0 are not 100 fen"
    assert not claim(door).created


def test_an_order_in_doubt_beside_its_facts_is_not_taken_in(door, store, clock):
    """A source that gives the order as well as its doubt: the facts are left out, the request waits."""
    report = pull(door, clock, order(1), doubtful=[doubt()])
    assert (report.orders, report.orders_new) == (1, 0)
    assert not claim(door).created


def test_a_known_order_that_falls_into_doubt_goes_to_review(door, clock):
    """Told soundly, then in doubt: whoever asks now is held for review; nothing is granted."""
    pull(door, clock, order(1))
    pull(door, clock, doubtful=[doubt(code="UNKNOWN_STATUS")])
    result = claim(door)
    assert (result.created, result.reason) == (False, Reason.IN_REVIEW)
    assert door.member("m1").points == 0


def test_a_claim_is_left_alone_by_a_doubt(door, clock):
    """Converted at 100 yuan; a doubt takes nothing and gives nothing, and a sound refund still takes back."""
    pull(door, clock, order(1))
    assert claim(door).points == 100
    pull(door, clock, attrs.evolve(order(1), paid_fen=50_000), doubtful=[doubt()])
    assert door.member("m1").points == 100
    pull(door, clock, doubtful=[doubt()], refunds=[refund(order(1), 4_000, status=RefundStatus.SUCCESS)])
    assert door.member("m1").points == 60


def test_a_doubt_ends_when_the_order_is_told_soundly(door, store, clock):
    """The next sound snapshot clears the list, and the request that waited becomes a claim by itself."""
    pull(door, clock, order(1))
    pull(door, clock, doubtful=[doubt()])
    assert not claim(door).created
    report = pull(door, clock, order(1))
    assert report.claims_created == 1
    assert door.doubtful().items == ()
    assert dump(store)["doubts"] == []
    assert '"doubts"' not in dump(store)["orders"][0].facts
    assert door.member("m1").points == 100


def test_the_same_snapshot_without_the_doubt_ends_it_too(door, clock):
    """A correction that changes no fact of the order (our reader learned the status) clears the doubt."""
    pull(door, clock, order(1))
    bought = at(order(1), day(20, 11))
    source = ListSource([bought])
    source.doubtful = [doubt()]
    door.receive(source, *message({"message_id": "a", "topic": "t", "order_no": number(1)}))
    assert len(door.doubtful().items) == 1
    source.doubtful = []
    door.receive(source, *message({"message_id": "b", "topic": "t", "order_no": number(1)}))
    assert door.doubtful().items == ()


def test_a_refund_in_doubt_is_a_doubt_of_its_own(door, store, clock):
    """A sound order does not clear its doubtful refund; a sound refund of that id does."""
    pull(door, clock, order(1))
    pull(door, clock, order(1), doubtful=[doubt(refund_id="r1", code="UNREADABLE")])
    assert [each.refund_id for each in door.doubtful().items] == ["r1"]
    pull(door, clock, order(1))
    assert len(door.doubtful().items) == 1
    assert not claim(door).created
    report = pull(door, clock, refunds=[refund(order(1), 1_000, refund_id="r1")])
    assert report.claims_created == 1
    assert door.doubtful().items == ()
    assert door.member("m1").points == 90


def test_a_doubtful_refund_clears_itself_alone(door, clock):
    """Two refunds and the order itself in doubt: each goes when it is told soundly, and the last frees the order."""
    pull(door, clock, order(1))
    pull(door, clock, doubtful=[doubt(), doubt(refund_id="r1"), doubt(refund_id="r2")])
    assert sorted(each.refund_id for each in door.doubtful().items) == ["", "r1", "r2"]
    assert claim(door).reason is Reason.IN_REVIEW
    pull(door, clock, refunds=[refund(order(1), 1_000, refund_id="r2")])
    assert sorted(each.refund_id for each in door.doubtful().items) == ["", "r1"]
    pull(door, clock, order(1))
    assert [each.refund_id for each in door.doubtful().items] == ["r1"]
    assert door.member("m1").points == 0
    report = pull(door, clock, refunds=[refund(order(1), 500, refund_id="r1", status=RefundStatus.CLOSED)])
    assert (report.claims_created, door.doubtful().items, door.member("m1").points) == (1, (), 90)


def test_a_refund_in_doubt_holds_an_issue_back(store, clock):
    """Points that wait for the after-sale window do not come while a refund is in doubt, and come once it is closed."""
    door = Loyalty(
        Program(
            program_id=PROGRAM_ID,
            eligibility=rules.Finished(within_days=90),
            rewards=[rules.PointsPerYuan("1", issue_after_days=40)],
        ),
        store,
        clock=clock,
    )
    pull(door, clock, order(1))
    assert claim(door).created
    pull(door, clock, doubtful=[doubt(refund_id="r1", code="UNKNOWN_STATUS")])
    clock.move(days=60)
    door.run_due()
    assert door.member("m1").points == 0
    pull(door, clock, refunds=[refund(order(1), 1_000, refund_id="r1", status=RefundStatus.CLOSED)])
    door.run_due()
    assert door.member("m1").points == 100


def test_a_doubt_gives_back_nothing_of_a_known_refund(door, clock):
    """A refund that was told soundly goes on counting while the same one is in doubt."""
    pull(door, clock, order(1))
    assert claim(door).points == 100
    pull(door, clock, refunds=[refund(order(1), 4_000, refund_id="r1")])
    pull(door, clock, doubtful=[doubt(refund_id="r1", code="UNKNOWN_STATUS")])
    assert door.member("m1").points == 60


def test_told_again_it_stands_there_once(door, store, clock):
    """The row keeps since when, and shows what was told last."""
    pull(door, clock, doubtful=[doubt()])
    first = door.doubtful().items[0]
    clock.move(hours=1)
    pull(door, clock, doubtful=[doubt(detail="91 + 0 are not 100 fen")])
    [again] = door.doubtful().items
    assert (again.first_at, again.detail) == (first.first_at, "91 + 0 are not 100 fen")
    assert again.last_at > first.last_at


def test_what_has_no_number_is_listed_once(door, clock):
    """Not even the number can be read: the same row again is the same entry, another is another."""
    nameless = doubt(order_no="", code="UNREADABLE", payload='{"status":1}')
    for _ in range(2):
        pull(door, clock, doubtful=[nameless])
    pull(door, clock, doubtful=[attrs.evolve(nameless, payload='{"status":2}')])
    found = door.doubtful().items
    assert [(each.order_no, each.refund_id) for each in found] == [("", ""), ("", "")]
    for each in found:
        assert door.dismiss_doubtful(each.doubt_id)
    assert door.doubtful().items == ()


def test_staff_can_dismiss_a_doubt(door, store, clock):
    """Somebody looked: the entry goes, the order counts by its last sound snapshot, and the request converts."""
    pull(door, clock, order(1))
    pull(door, clock, doubtful=[doubt()])
    assert not claim(door).created
    [found] = door.doubtful().items
    assert door.dismiss_doubtful(found.doubt_id)
    assert not door.dismiss_doubtful(found.doubt_id)
    assert door.doubtful().items == ()
    assert door.member("m1").points == 100
    for wrong in ("x", "", door.parked_messages().next or "e30="):
        with pytest.raises(InvalidInput):
            door.dismiss_doubtful(wrong)


def test_the_list_comes_in_pages_newest_first(door, clock):
    """Five entries on pages of two."""
    for n in range(1, 6):
        pull(door, clock, doubtful=[doubt(n)])
    seen, after = [], None
    while True:
        page = door.doubtful(limit=2, after=after)
        seen += [each.order_no for each in page.items]
        after = page.next
        if after is None:
            break
    assert seen == [number(n) for n in (5, 4, 3, 2, 1)]
    with pytest.raises(InvalidInput):
        door.doubtful(limit=0)


def test_texts_that_no_database_keeps_are_cleaned(door, store, clock):
    """NUL, halves of characters and endless texts are cut before they are stored."""
    pull(door, clock, doubtful=[doubt(detail="a\x00b\ud800" + "x" * 1_000, payload="y" * 30_000)])
    [row] = dump(store)["doubts"]
    assert (row.detail, len(row.payload)) == ("ab" + "x" * 498, 20_000)
