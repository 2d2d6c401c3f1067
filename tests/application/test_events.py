"""Events for the host: in order per member, given until acknowledged, without personal data."""

import pytest
from builders import Clock, convert, day, event_kinds, order, points_program, refund, section8_program

from crossloyalty import Loyalty, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import InvalidInput, WrongType
from crossloyalty.testing.dump import dump


def test_the_story_of_a_claim_in_events(storage: Storage, clock: Clock) -> None:
    """Pending, granted, issued, taken back: each step is told once, in the member's own order."""
    clock.set(day(6))
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    bought = order(1, paid_fen=250_000)
    convert(loyalty, "m1", bought)
    assert event_kinds(loyalty) == [
        "points.pending",
        "growth.changed",
        "coupon.issued",
        "stored_value.issued",
        "tag.added",
        "tier.upgraded",
        "claim.granted",
    ]
    loyalty.ack(event.id for event in loyalty.pending_events())
    clock.set(day(20))
    loyalty.run_due()
    assert event_kinds(loyalty) == ["points.issued"]
    loyalty.ack(event.id for event in loyalty.pending_events())
    loyalty.ingest([refund(bought, 250_000)])
    assert event_kinds(loyalty) == [
        "points.clawed_back",
        "growth.changed",
        "coupon.revoked",
        "stored_value.clawed_back",
        "tag.removed",
        "tier.downgraded",
        "claim.reversed",
    ]


def test_events_hold_what_a_message_needs(storage: Storage, clock: Clock) -> None:
    """An event says whose, when, how much and for which order."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    [issued] = [event for event in loyalty.pending_events() if event.kind == "points.issued"]
    assert (issued.member_id, issued.at, issued.body["amount"]) == ("m1", clock.at, 100)
    assert issued.body["order_no"] == order(1).order_no


def test_acknowledged_events_are_not_given_again(storage: Storage, clock: Clock) -> None:
    """Events are given until acknowledged; acknowledging twice says 0 the second time."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    for n in range(3):
        loyalty.adjust("m1", asset="points", amount=1, key=f"k{n}")
    first, second, third = loyalty.pending_events()
    assert [event.id for event in loyalty.pending_events()] == [first.id, second.id, third.id]
    assert loyalty.ack([second.id]) == 1
    assert [event.id for event in loyalty.pending_events()] == [first.id, third.id]
    assert loyalty.ack([first.id, second.id, third.id]) == 2
    assert loyalty.ack([first.id]) == 0
    assert loyalty.pending_events() == []
    assert loyalty.verify().ok


def test_events_of_one_claim_are_acknowledged_one_by_one(storage: Storage, clock: Clock) -> None:
    """What happened at once is stored together and still acknowledged event by event, in any order."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1")), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    events = loyalty.pending_events()
    assert len(events) > 1
    assert loyalty.pending_events(limit=1) == events[:1]
    for done, event in enumerate(reversed(events), start=1):
        assert loyalty.ack([event.id, "1+59@m1"]) == 1
        assert loyalty.pending_events() == events[: len(events) - done]
    assert loyalty.verify().ok


def test_an_id_twice_in_one_call_counts_once(storage: Storage, clock: Clock) -> None:
    """Doubled ids in one acknowledgement are one."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.adjust("m1", asset="points", amount=1, key="k")
    [event] = loyalty.pending_events()
    assert loyalty.ack([event.id, event.id]) == 1


def test_unknown_events_are_passed_over_and_leave_nothing(storage: Storage, clock: Clock) -> None:
    """An id nobody has is no error, and no member comes into being by it."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    before = dump(storage)
    assert loyalty.ack(["1@nobody", "999@m1", "1+1@nobody"]) == 0
    assert dump(storage) == before


NO_IDS = ("", "1", "x@m1", "@m1", "１@m1", "-1@m1", "1@", "1" * 40 + "@m1", "1@m\x00", "1@\ud800")
NO_PLACES = ("1+@m1", "1+x@m1", "1+100@m1", "+1@m1", "1+1", "1+-1@m1")


@pytest.mark.parametrize("bad", NO_IDS + NO_PLACES)
def test_what_cannot_be_an_event_id_is_refused(storage: Storage, clock: Clock, bad: str) -> None:
    """A malformed id is InvalidInput and changes nothing."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    with pytest.raises(InvalidInput):
        loyalty.ack([bad])
    with pytest.raises(WrongType):
        loyalty.ack("1@m1")
    with pytest.raises(WrongType):
        loyalty.ack([1])  # type: ignore[list-item]


def test_limit_gives_the_oldest(storage: Storage, clock: Clock) -> None:
    """A limited read gives the oldest events first, and reading on behind acknowledgements loses none."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    for n in range(7):
        clock.move(seconds=1)
        loyalty.adjust(f"m{n % 2}", asset="points", amount=n + 1, key=f"k{n}")
    seen = []
    while events := loyalty.pending_events(limit=3):
        seen += [event.body["amount"] for event in events]
        loyalty.ack(event.id for event in events)
    assert seen == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("limit", [0, -1, 10_001, True, 1.0, None])
def test_limit_is_checked(storage: Storage, clock: Clock, limit: object) -> None:
    """A limit outside 1 to 10,000 is refused."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    with pytest.raises(InvalidInput):
        loyalty.pending_events(limit=limit)  # type: ignore[arg-type]


def test_events_of_one_instant_keep_their_order(storage: Storage, clock: Clock) -> None:
    """Many events of one member in one instant come by their numbers, ten after nine."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    for n in range(12):
        loyalty.adjust("m1", asset="points", amount=n + 1, key=f"k{n}")
    assert [event.seq for event in loyalty.pending_events()] == list(range(1, 13))


def test_member_ids_may_hold_what_ids_are_made_of(storage: Storage, clock: Clock) -> None:
    """A member id with an at-sign, blanks or Chinese characters is acknowledged like any other."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1")), storage, clock=clock)
    names = ["a@b@c", "1@2", "会员 一", "😀"]
    for name in names:
        loyalty.adjust(name, asset="points", amount=1, key=f"k-{name}")
    assert loyalty.ack(event.id for event in loyalty.pending_events()) == len(names)
    assert loyalty.pending_events() == []
