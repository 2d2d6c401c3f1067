"""What operators do by hand: corrections and the deny list, once per key."""

from datetime import datetime, timedelta

import pytest
from builders import NOW, Clock, assert_sound, event_kinds, points_program

from crossloyalty import Loyalty
from crossloyalty.application.operating import AdjustResult
from crossloyalty.application.ports import Storage
from crossloyalty.errors import InvalidInput, WrongType
from crossloyalty.testing.dump import dump

LARGEST = 2**53 - 1


def test_a_correction_gives_and_takes(storage: Storage, clock: Clock) -> None:
    """Giving adds a lot that never expires, taking spends it; both say the balance behind them."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    assert loyalty.adjust("m1", asset="points", amount=100, key="a") == AdjustResult(True, 100, 0)
    assert loyalty.adjust("m1", asset="points", amount=-30, key="b") == AdjustResult(True, 70, 0)
    assert loyalty.member("m1").balances["points"].expires_next_at is None
    assert event_kinds(loyalty) == ["points.issued", "points.spent"]
    assert_sound(loyalty)


@pytest.mark.parametrize("asset", ["points", "growth", "stored_value"])
def test_assets_are_apart(storage: Storage, clock: Clock, asset: str) -> None:
    """A correction of one asset leaves the others."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.adjust("m1", asset=asset, amount=5, key="a")
    assert {name: b.available for name, b in loyalty.member("m1").balances.items() if b.available} == {asset: 5}
    assert_sound(loyalty)


def test_taking_more_than_there_is_takes_nothing(storage: Storage, clock: Clock) -> None:
    """All or nothing: one point too many changes no balance and no entry."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.adjust("m1", asset="points", amount=100, key="a")
    assert loyalty.adjust("m1", asset="points", amount=-101, key="b") == AdjustResult(False, 100, 0)
    assert len(loyalty.entries("m1").items) == 1
    assert loyalty.adjust("m1", asset="points", amount=-100, key="c") == AdjustResult(True, 0, 0)
    assert_sound(loyalty)


@pytest.mark.parametrize(
    ("amount", "error"),
    [(0, InvalidInput), (LARGEST + 1, InvalidInput), (-LARGEST - 1, InvalidInput), (1.0, WrongType), (True, WrongType)],
)
def test_amounts_are_checked(storage: Storage, clock: Clock, amount: object, error: type[Exception]) -> None:
    """0, too much, floats and booleans are refused and leave the key free."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    before = dump(storage)
    with pytest.raises(error):
        loyalty.adjust("m1", asset="points", amount=amount, key="a")  # type: ignore[arg-type]
    assert dump(storage) == before
    assert loyalty.adjust("m1", asset="points", amount=1, key="a").applied


def test_a_balance_stays_inside_exact_numbers(storage: Storage, clock: Clock) -> None:
    """What would take a balance past 2^53 − 1 is refused and changes nothing."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.adjust("m1", asset="points", amount=LARGEST, key="a")
    with pytest.raises(InvalidInput):
        loyalty.adjust("m1", asset="points", amount=1, key="b")
    assert loyalty.member("m1").points == LARGEST
    assert_sound(loyalty)


@pytest.mark.parametrize(
    ("member_id", "asset", "key", "note"),
    [
        ("m1", "coupon:X", "k", ""),
        ("m1", "", "k", ""),
        ("", "points", "k", ""),
        ("m1", "points", "", ""),
        ("m1", "points", " k", ""),
        ("m1", "points", "k\x00", ""),
        ("m\ud800", "points", "k", ""),
        ("m1", "points", "k", "line\nbreak"),
    ],
)
def test_texts_are_checked(storage: Storage, clock: Clock, member_id: str, asset: str, key: str, note: str) -> None:
    """Ids, keys and notes with what no database keeps are refused before anything is written."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    before = dump(storage)
    with pytest.raises(InvalidInput):
        loyalty.adjust(member_id, asset=asset, amount=1, key=key, note=note)
    assert dump(storage) == before


def test_blocking_repeats_its_answer(storage: Storage, clock: Clock) -> None:
    """The same block under its key again is the same answer, even when the member is off the list by then."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    until = NOW + timedelta(days=7)
    first = loyalty.block("m1", reason="fraud", until=until, key="b")
    assert (first.blocked, first.until) == (True, until)
    loyalty.unblock("m1", key="u")
    assert loyalty.block("m1", reason="fraud", until=until, key="b") == first
    assert not loyalty.member("m1").blocked


def test_a_block_needs_a_reason_and_an_aware_end(storage: Storage, clock: Clock) -> None:
    """A block without reason or with a naive end is refused."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    with pytest.raises(InvalidInput):
        loyalty.block("m1", reason="", key="b")
    with pytest.raises(WrongType):
        loyalty.block("m1", reason="fraud", until=datetime(2027, 1, 1), key="b")  # noqa: DTZ001
    assert not loyalty.member("m1").blocked


def test_keys_are_per_program(storage: Storage, clock: Clock) -> None:
    """The same key in two programs is two requests."""
    a = Loyalty(points_program(), storage, clock=clock)
    b = Loyalty(points_program(program_id="brand-b"), storage, clock=clock)
    assert a.adjust("m1", asset="points", amount=1, key="k").balance == 1
    assert b.adjust("m1", asset="points", amount=2, key="k").balance == 2


def test_a_refused_bind_leaves_no_trace(storage: Storage, clock: Clock) -> None:
    """An identity of somebody else is refused, and the store is as it was."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    before = dump(storage, loyalty.program_id)
    assert not loyalty.bind("m2", platform="taobao", buyer_id="b1").bound
    assert dump(storage, loyalty.program_id) == before
