"""Lists page by page: nothing lost, nothing doubled, and a cursor opens no other list."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from builders import FINISHED, NOW, Clock, all_items, claim_of, convert, order, points_program, refund

from crossloyalty import Loyalty, OrderStatus, Proof
from crossloyalty.application.pages import Page
from crossloyalty.application.ports import Storage
from crossloyalty.errors import InvalidInput

LISTS = ("orders", "claims", "tickets", "entries")


def _filled(storage: Storage, clock: Clock) -> Loyalty:
    """Give seven rows of every list to m1, several of one instant, and other rows to others."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    orders = [order(n, "taobao" if n % 2 else "jd", finished_at=FINISHED + timedelta(hours=n // 3)) for n in range(7)]
    convert(loyalty, "m1", *orders)
    convert(loyalty, "m10", order(50))
    for n in range(100, 107):
        claim_of(loyalty, "m1", order(n))
        claim_of(loyalty, "m", order(n))
    return loyalty


def _reader(loyalty: Loyalty, name: str, member_id: str = "m1") -> Callable[..., Page[object]]:
    return lambda **page: getattr(loyalty, name)(member_id, **page)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 1000])
def test_pages_lose_and_double_nothing(storage: Storage, clock: Clock, name: str, limit: int) -> None:
    """Read in pages of any size a list is the list read at once, and the last page says so."""
    loyalty = _filled(storage, clock)
    whole = list(getattr(loyalty, name)("m1").items)
    assert len(whole) == 7
    assert all_items(_reader(loyalty, name), limit) == whole


def test_lists_are_newest_first(storage: Storage, clock: Clock) -> None:
    """Orders and claims go by effective time, tickets by request, entries by number; all latest first."""
    loyalty = _filled(storage, clock)
    for name in ("orders", "claims"):
        times = [item.effective_at for item in getattr(loyalty, name)("m1").items]
        assert times == sorted(times, reverse=True)
    assert [entry.seq for entry in loyalty.entries("m1").items] == [7, 6, 5, 4, 3, 2, 1]
    requested = [ticket.requested_at for ticket in loyalty.tickets("m1").items]
    assert requested == sorted(requested, reverse=True)


def test_lists_tell_where_an_order_was_asked_for(storage: Storage, clock: Clock) -> None:
    """The touch point that a claim names stands at the request, and at the claim that comes of it (S3-7)."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    asked = {
        "platform": "taobao",
        "order_no": order(1).order_no,
        "proof": Proof.by_host("seen"),
        "touch": "parcel-card",
    }
    loyalty.claim("m1", **asked)
    assert [ticket.touch for ticket in loyalty.tickets("m1").items] == ["parcel-card"]
    loyalty.ingest([order(1)])
    convert(loyalty, "m1", order(2))
    assert [claim.touch for claim in loyalty.claims("m1").items] == ["", "parcel-card"]


def test_rows_that_come_while_reading_shift_nothing(storage: Storage, clock: Clock) -> None:
    """New entries between two pages neither double nor hide the older ones."""
    loyalty = _filled(storage, clock)
    first = loyalty.entries("m1", limit=3)
    loyalty.adjust("m1", asset="points", amount=1, key="new")
    second = loyalty.entries("m1", limit=100, after=first.next)
    assert [entry.seq for entry in (*first.items, *second.items)] == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_belongs_to_its_member(storage: Storage, clock: Clock, name: str) -> None:
    """The cursor of one member is refused for another, also where one id begins like the other."""
    loyalty = _filled(storage, clock)
    cursor = getattr(loyalty, name)("m1", limit=1).next
    for other in ("m10", "m", "nobody"):
        with pytest.raises(InvalidInput):
            getattr(loyalty, name)(other, limit=1, after=cursor)


def test_a_cursor_belongs_to_its_program(storage: Storage, clock: Clock) -> None:
    """The cursor of one program is refused by another."""
    cursor = _filled(storage, clock).claims("m1", limit=1).next
    other = Loyalty(points_program(program_id="brand-b"), storage, clock=clock)
    with pytest.raises(InvalidInput):
        other.claims("m1", after=cursor)


def _encoded(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!!",
        "\ud800",
        "é",
        _encoded([]),
        _encoded({}),
        _encoded(None),
        _encoded(["brand-a", "m1"]),
        _encoded(["brand-a", "m1", None]),
        _encoded(["brand-a", "m1", 1.5]),
        _encoded(["brand-a", "m1", [1]]),
        _encoded(["brand-a", "m1", True]),
        _encoded(["brand-a", "m1", "x", "y", "z"]),
        _encoded(["brand-a", "m1", 2**70]),
        _encoded(["brand-a", "m1", 1, 2, 3, 4, 5]),
        _encoded(["brand-a", "m1", "\x00"]),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"[NaN]").decode(),
        base64.urlsafe_b64encode(b"1" * 6_000).decode(),
    ],
)
def test_what_is_no_cursor_is_refused(storage: Storage, clock: Clock, name: str, cursor: str) -> None:
    """A cursor somebody made up is InvalidInput, whatever is in it."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    with pytest.raises(InvalidInput):
        getattr(loyalty, name)("m1", after=cursor)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [0, -1, 1001, True, 2.0, None])
def test_page_sizes_are_checked(storage: Storage, clock: Clock, name: str, limit: object) -> None:
    """A page has 1 to 1,000 rows."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    with pytest.raises(InvalidInput):
        getattr(loyalty, name)("m1", limit=limit)


def test_orders_of_a_bound_buyer_are_listed_before_they_convert(storage: Storage, clock: Clock) -> None:
    """Orders seen of a bound buyer are the member's, claimed or not; orders of nobody are nobody's."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    loyalty.ingest([order(1, buyer_id="b1", status=OrderStatus.PAID, finished_at=None), order(2)])
    assert [(view.order_no, view.status) for view in loyalty.orders("m1").items] == [(order(1).order_no, "PAID")]
    assert loyalty.claims("m1").items == ()


def test_views_say_what_they_are(storage: Storage, clock: Clock) -> None:
    """A claim view and its entries agree on what stands granted."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 2_500)])
    [claim] = loyalty.claims("m1").items
    assert (claim.platform, claim.order_no, claim.state, claim.via) == ("taobao", bought.order_no, "PARTIAL", "proof")
    assert (claim.net_fen, claim.revision, claim.holder_no, claim.claimed_at) == (7_500, 1, 1, NOW)
    taken, given = loyalty.entries("m1").items
    assert (given.kind, given.amount, given.balance_after, given.rule_id) == ("grant", 100, 100, "points")
    assert (taken.kind, taken.amount, taken.balance_after, taken.order_no) == ("claw_back", -25, 75, bought.order_no)
