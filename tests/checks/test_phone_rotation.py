"""F-49, I-82: the key of blind indexes is changed; both versions find in the window, only the new one behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from builders import Clock, assert_sound, claim_of, order, points_program

from crossloyalty import Loyalty, PhoneConflict, PhoneIndex, PhoneReindexReport, Proof, ProofChecks, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError, InvalidInput, StorageUnavailable, WrongType
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump

OLD, NEW = b"o" * 32, b"n" * 32
BEFORE, WINDOW, BEHIND = PhoneIndex({1: OLD}), PhoneIndex({1: OLD, 2: NEW}), PhoneIndex({2: NEW})
PHONE, OTHER = "13800138000", "13900139001"


def door(storage: Storage, clock: Clock, index: PhoneIndex) -> Loyalty:
    program = points_program(binding=rules.Binding(by_phone=True))
    return Loyalty(program, storage, clock=clock, checks=ProofChecks(phone_index=index))


def indexed(index: PhoneIndex, phone: str = PHONE) -> str:
    return index.phone("brand-a", phone)


def bind(loyalty: Loyalty, member_id: str, index: PhoneIndex, phone: str = PHONE) -> Any:
    return loyalty.bind(member_id, platform="phone", buyer_id=indexed(index, phone))


def figures(report: PhoneReindexReport) -> tuple[int, ...]:
    return report.moved, report.already, report.unknown, report.conflict_count


def rows_of(storage: Storage, table: str) -> list[Any]:
    return list(dump(storage)[table])


def bound(storage: Storage) -> dict[str, str]:
    return {
        row.buyer_id: row.member_id for row in rows_of(storage, "buyers") if row.family == "phone" and row.member_id
    }


def test_both_versions_find_in_the_window_and_the_new_one_alone_behind_it(storage: Storage, clock: Clock) -> None:
    """An order converts by either index until the old ones are retired; then an old one leads to nobody."""
    assert bind(door(storage, clock, BEFORE), "m1", BEFORE).bound
    loyalty = door(storage, clock, WINDOW)
    assert figures(loyalty.reindex_phones([PHONE, OTHER])) == (1, 0, 1, 0)
    assert bound(storage) == {indexed(BEFORE): "m1", indexed(BEHIND): "m1"}
    orders = [
        order(n, receiver_phone_index=indexed(BEFORE if n % 2 else BEHIND), buyer_id=f"b{n}") for n in range(1, 5)
    ]
    loyalty.ingest(orders[:2])
    assert loyalty.member("m1").points == 200
    assert_sound(loyalty)
    assert figures(loyalty.reindex_phones([PHONE], retire=True)) == (1, 0, 0, 0)
    assert bound(storage) == {indexed(BEHIND): "m1"}
    loyalty = door(storage, clock, BEHIND)
    assert loyalty.ingest(orders[2:]).claims_created == 1
    assert loyalty.member("m1").points == 300
    assert [each.buyer_id for each in loyalty.identities("m1").items] == [indexed(BEHIND)]
    assert_sound(loyalty)


def test_a_second_run_changes_nothing(storage: Storage, clock: Clock) -> None:
    """The job is idempotent, whichever of its two steps it repeats; what is no phone is counted and left out."""
    bind(door(storage, clock, BEFORE), "m1", BEFORE)
    loyalty = door(storage, clock, WINDOW)
    for retire in (False, True):
        loyalty.reindex_phones([PHONE], retire=retire)
        before = dump(storage)
        again = loyalty.reindex_phones([PHONE, "138 0013 8000", "138****8000", OTHER], retire=retire)
        assert (figures(again), again.seen, again.invalid) == ((0, 2, 1, 0), 4, 1)
        assert dump(storage) == before


def test_a_phone_of_two_members_is_a_conflict_and_stays_as_it_is(storage: Storage, clock: Clock) -> None:
    """Bound under both versions to different members, a phone is told, and neither binding is touched."""
    bind(door(storage, clock, BEFORE), "m1", BEFORE)
    loyalty = door(storage, clock, WINDOW)
    bind(loyalty, "m2", WINDOW)
    before = dump(storage)
    report = loyalty.reindex_phones([PHONE], retire=True)
    assert report.conflicts == [PhoneConflict(indexed(BEHIND), ("m1", "m2"))]
    assert figures(report) == (0, 0, 0, 1)
    assert dump(storage) == before
    loyalty.unbind("m2", platform="phone", buyer_id=indexed(BEHIND))
    assert figures(loyalty.reindex_phones([PHONE], retire=True)) == (1, 0, 0, 0)
    assert bound(storage) == {indexed(BEHIND): "m1"}
    assert_sound(loyalty)


def test_what_is_unbound_in_the_window_does_not_come_back(storage: Storage, clock: Clock) -> None:
    """An identity that ended under one version ends under the other with the next run, its cool-down with it."""
    bind(door(storage, clock, BEFORE), "m1", BEFORE)
    loyalty = door(storage, clock, WINDOW)
    loyalty.reindex_phones([PHONE])
    loyalty.unbind("m1", platform="phone", buyer_id=indexed(BEHIND))
    assert figures(loyalty.reindex_phones([PHONE], retire=True)) == (1, 0, 0, 0)
    assert bound(storage) == {}
    again = bind(loyalty, "m2", WINDOW)
    assert (again.bound, again.reason.name) == (False, "IDENTITY_COOLING")
    assert_sound(loyalty)


def test_bound_twice_at_one_instant_stays_bound(storage: Storage, clock: Clock) -> None:
    """Bindings of one member at one moment are told apart, so the one that lasts is not taken for one that ended."""
    loyalty = door(storage, clock, BEFORE)
    bind(loyalty, "m1", BEFORE)
    loyalty.unbind("m1", platform="phone", buyer_id=indexed(BEFORE))
    bind(loyalty, "m1", BEFORE)
    loyalty = door(storage, clock, WINDOW)
    loyalty.reindex_phones([PHONE])
    loyalty.reindex_phones([PHONE], retire=True)
    assert bound(storage) == {indexed(BEHIND): "m1"}
    assert [row.state for row in rows_of(storage, "bindings")] == ["UNBOUND", "ACTIVE"]
    assert_sound(loyalty)


def test_bound_under_both_versions_apart_is_one_binding(storage: Storage, clock: Clock) -> None:
    """Where the host bound a phone again under the new version, the later binding lasts and the earlier one ends."""
    bind(door(storage, clock, BEFORE), "m1", BEFORE)
    clock.move(minutes=1)
    loyalty = door(storage, clock, WINDOW)
    bind(loyalty, "m1", WINDOW)
    assert figures(loyalty.reindex_phones([PHONE], retire=True)) == (1, 0, 0, 0)
    history = rows_of(storage, "bindings")
    assert [(row.binding_no, row.state, row.ended_why) for row in history] == [
        (1, "UNBOUND", "reindexed"),
        (2, "ACTIVE", ""),
    ]
    assert_sound(loyalty)


def test_orders_and_requests_keep_new_indexes(storage: Storage, clock: Clock) -> None:
    """An order and a waiting proof of before meet behind the change, by the phone and by its end."""
    loyalty = door(storage, clock, BEFORE)
    known = order(1, receiver_phone_index=indexed(BEFORE), receiver_tail_index=BEFORE.tail("brand-a", "8000"))
    later = order(2, buyer_id="b2", receiver_tail_index=BEHIND.tail("brand-a", "9001"))
    loyalty.ingest([known])
    assert claim_of(loyalty, "m2", later, proof=Proof.phone(OTHER)).state == "PENDING_SYNC"
    loyalty = door(storage, clock, WINDOW)
    report = loyalty.reindex_phones([PHONE, OTHER])
    assert (report.orders, report.tickets) == (1, 1)
    marks = json.loads(rows_of(storage, "tickets")[0].proof)["marks"]
    assert marks == [
        *WINDOW.every("brand-a", "phone", OTHER),
        *WINDOW.every("brand-a", "phone_tail", OTHER[-4:]),
    ]
    report = loyalty.reindex_phones([PHONE, OTHER], retire=True)
    assert (report.orders, report.tickets) == (0, 1)
    text = repr(rows_of(storage, "orders")) + repr(rows_of(storage, "tickets"))
    assert indexed(BEFORE) not in text
    assert BEFORE.tail("brand-a", "8000") not in text
    loyalty = door(storage, clock, BEHIND)
    assert claim_of(loyalty, "m1", known, proof=Proof.phone(PHONE)).created
    assert loyalty.ingest([later]).claims_created == 1
    told_again = order(1, receiver_phone_index=indexed(BEHIND), receiver_tail_index=BEHIND.tail("brand-a", "8000"))
    assert loyalty.ingest([told_again]).changed == 0
    assert_sound(loyalty)


def test_a_merged_member_takes_its_phone_back_under_the_new_version(storage: Storage, clock: Clock) -> None:
    """What a merge carried along goes back with an un-merge, though its index is another by then."""
    loyalty = door(storage, clock, BEFORE)
    bind(loyalty, "m1", BEFORE)
    loyalty.merge("m1", "m2", key="k", survivor="m2", version=1)
    loyalty = door(storage, clock, WINDOW)
    loyalty.reindex_phones([PHONE])
    loyalty.reindex_phones([PHONE], retire=True)
    assert bound(storage) == {indexed(BEHIND): "m2"}
    assert loyalty.unmerge("m1", key="j").unmerged
    assert bound(storage) == {indexed(BEHIND): "m1"}
    assert_sound(loyalty)


def test_a_blocked_phone_stays_blocked_and_an_erased_one_leads_nowhere(storage: Storage, clock: Clock) -> None:
    """The deny list goes along with the index; after an erasure no version has a member."""
    loyalty = door(storage, clock, BEFORE)
    bind(loyalty, "m1", BEFORE)
    loyalty.block_buyer(platform="phone", buyer_id=indexed(BEFORE), reason="fraud", key="k")
    loyalty = door(storage, clock, WINDOW)
    loyalty.reindex_phones([PHONE])
    loyalty.erase_person("m1")
    assert figures(loyalty.reindex_phones([PHONE], retire=True)) == (1, 0, 0, 0)
    assert bound(storage) == {}
    rows = {row.buyer_id: row.blocked_reason for row in rows_of(storage, "buyers") if row.family == "phone"}
    assert rows == {indexed(BEFORE): "", indexed(BEHIND): "fraud"}
    assert_sound(loyalty)


class _Breaking(list[str]):
    """Phones whose list breaks off."""

    def __iter__(self) -> Any:
        yield from self[:3]
        raise StorageUnavailable("gone")


def test_a_run_that_broke_off_goes_on(storage: Storage, clock: Clock) -> None:
    """Batches that were done stay done; the repeated run finds them in place, and tells after each batch."""
    phones = [f"1380013{n:04}" for n in range(5)]
    loyalty = door(storage, clock, BEFORE)
    for number, phone in enumerate(phones):
        bind(loyalty, f"m{number}", BEFORE, phone)
    loyalty = door(storage, clock, WINDOW)
    with pytest.raises(StorageUnavailable):
        loyalty.reindex_phones(_Breaking(phones), batch=1)
    told: list[int] = []
    report = loyalty.reindex_phones(phones, batch=2, progress=lambda so_far: told.append(so_far.seen))
    assert (figures(report), told, report.batches) == ((2, 3, 0, 0), [2, 4, 5], 3)
    assert_sound(loyalty)


class _Between:
    """A storage in which something happens before the first transaction that writes."""

    def __init__(self, inner: Any, act: Callable[[], object]) -> None:
        self.inner, self.acts = inner, [act]

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Any]:
        if not readonly and self.acts:
            self.acts.pop()()
        with self.inner.transaction(readonly=readonly) as tx:
            yield tx


def test_whoever_changes_a_phone_meanwhile_is_heeded(storage: Storage, clock: Clock) -> None:
    """A merge between the look and the lock is seen: the phone is the survivor's under the new version as well."""
    loyalty = door(storage, clock, BEFORE)
    bind(loyalty, "m1", BEFORE)

    def merge() -> None:
        loyalty.merge("m1", "m2", key="k", survivor="m2", version=1)

    assert figures(door(_Between(storage, merge), clock, WINDOW).reindex_phones([PHONE])) == (1, 0, 0, 0)
    assert bound(storage) == {indexed(BEFORE): "m2", indexed(BEHIND): "m2"}
    assert loyalty.unmerge("m1", key="j").unmerged
    assert bound(storage) == {indexed(BEFORE): "m1", indexed(BEHIND): "m1"}
    assert_sound(loyalty)


def test_phones_nobody_knows_leave_no_rows(storage: Storage, clock: Clock) -> None:
    """Looking for a phone makes no identity of it."""
    loyalty = door(storage, clock, WINDOW)
    before = dump(storage)
    assert figures(loyalty.reindex_phones([PHONE, OTHER])) == (0, 0, 2, 0)
    assert dump(storage) == before


def test_misuse_is_refused(storage: Storage, clock: Clock) -> None:
    """Without a PhoneIndex, with a text for a list, or with batches out of range, nothing begins."""
    with pytest.raises(ConfigError):
        Loyalty(points_program(), MemoryStorage(), clock=clock).reindex_phones([PHONE])
    loyalty = door(storage, clock, WINDOW)
    with pytest.raises(WrongType) as caught:
        loyalty.reindex_phones(PHONE)
    for batch in (0, 10_001, True):
        with pytest.raises(InvalidInput):
            loyalty.reindex_phones([PHONE], batch=batch)
    with pytest.raises(WrongType):
        loyalty.reindex_phones([PHONE], retire=1)  # type: ignore[arg-type]
    assert PHONE not in str(caught.value)
