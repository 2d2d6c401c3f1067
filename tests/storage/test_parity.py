"""
The four storages are one: the same operations give equal stores, equal answers and equal families of errors.

At the port, on the two that need no server and on all four; and through the library's calls, on all four.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import messages
import pytest
from builders import Clock
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from places import Place
from servers import Server, fresh_database
from stores import installed

from crossloyalty import ClaimRequest, Loyalty
from crossloyalty.application.ports import Add, Ahead, Change, Delete, Insert, Replace, Scan, Storage
from crossloyalty.domain.records import (
    ROOT_KINDS,
    AccountRecord,
    Key,
    LimitRecord,
    LotRecord,
    MemberRecord,
    OrderRecord,
    Record,
    TagRecord,
    key_of,
)
from crossloyalty.errors import ConfigError, Conflict, CrossloyaltyError, InvalidInput
from crossloyalty.storage._shape import SHAPES
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing import dump

TEXTS = st.sampled_from(["a", "A", "b", "b ", "年", "🎁"])
NUMBERS = st.sampled_from([0, 1, 2, -1, 2**53, 2**63 - 1, -(2**63)])
PROGRAMS = st.sampled_from(["p", "P"])
KINDS = (LotRecord, TagRecord, AccountRecord, MemberRecord, OrderRecord, LimitRecord)
FAMILIES = (ConfigError, InvalidInput, Conflict)
Call: TypeAlias = Callable[[Loyalty, Clock], Any]


@st.composite
def records(draw: st.DrawFn, kinds: Sequence[type[Record]] = KINDS) -> Record:
    """Draw a record whose keys and index fields often meet those of another."""
    shape = SHAPES[draw(st.sampled_from(kinds))]
    values: list[Any] = []
    for place, column in enumerate(shape.columns):
        if column.name == "program_id":
            values.append(draw(PROGRAMS))
        elif place < len(shape.key):
            values.append(draw(st.sampled_from(["a", "A", "b "] if column.is_text else [0, 1, 2])))
        elif column.nullable and draw(st.booleans()):
            values.append(None)
        else:
            values.append(draw(TEXTS if column.is_text else NUMBERS))
    return shape.kind(*values)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Draw one change, mostly of rows that may be stored."""
    match draw(st.sampled_from(["insert", "insert", "insert", "replace", "delete", "add"])):
        case "insert":
            return Insert(draw(records(KINDS[:3])))
        case "replace":
            return Replace(draw(records()))
        case "delete":
            return Delete(key_of(draw(records(KINDS[:3]))))
        case _:
            record = draw(records((LotRecord, TagRecord, AccountRecord, LimitRecord)))
            field = {LotRecord: "remaining", TagRecord: "net_fen", AccountRecord: "balance", LimitRecord: "used"}
            return Add(key_of(record), field[type(record)], draw(NUMBERS), draw(st.none() | NUMBERS))


@st.composite
def scans(draw: st.DrawFn) -> Scan:
    """Draw a scan that fits its index, from the place of a drawn record."""
    record = draw(records())
    shape = SHAPES[type(record)]
    by = draw(st.sampled_from(list(shape.orders)))
    values = [record[shape.position(name)] for name in shape.orders[by]]
    position = tuple(0 if value is None else value for value in values)
    taken = draw(st.integers(0, len(position)))
    low = position[taken] if taken < len(position) and draw(st.booleans()) else None
    after = position if draw(st.booleans()) else None
    limit = draw(st.none() | st.integers(0, 3))
    return Scan(shape.kind, position[:taken], by, low=low, descending=draw(st.booleans()), limit=limit, after=after)


def _key_of(change: Change) -> Key:
    return key_of(change[0]) if isinstance(change, Insert | Replace) else change.key


# One step: what is locked first and later, what is written, whether by stale versions, what is looked at, whether all
# that is told ahead, and how the block ends.
STEPS = st.tuples(
    st.lists(records(ROOT_KINDS).map(key_of), max_size=3),
    st.lists(records(ROOT_KINDS).map(key_of), max_size=1),
    st.lists(changes(), max_size=4, unique_by=_key_of),
    st.sampled_from([0, 0, 0, 0, 1]),
    st.lists(scans(), max_size=2),
    st.booleans(),
    st.sampled_from(["looked at", "final", "failed"]),
)


# A scan told ahead has to find the root that the lock it came with has made.
A_NEW_ROOT_IS_FOUND_AHEAD = ([Key(LimitRecord, ("p", "a"))], [], [], 0, [Scan(LimitRecord, ("p",))], True, "looked at")
# A version that has moved on has to be told before COMMIT is, also where both go in one round trip.
A_STALE_VERSION_IS_NEVER_COMMITTED = (
    [Key(LimitRecord, ("p", "a"))],
    [],
    [],
    1,
    [Scan(LimitRecord, ("p",))],
    False,
    "final",
)


def apply(storage: Storage, step: Any) -> Any:
    """Do one step and give what it answered, or the family of what it raised."""
    first, later, written, stale, looked, ahead, ending = step
    keys = [_key_of(change) for change in written]
    try:
        with storage.transaction() as tx:
            roots = {*first, *(key for key in keys if SHAPES[key.kind].is_root)}
            versions = dict(tx.lock(roots, ahead=Ahead(keys, looked) if ahead else None))
            before = tx.read(keys, looked)
            if later:
                versions |= tx.lock(later)
            expected = {root: version + stale for root, version in versions.items()}
            tx.write(written, roots=expected, final=ending == "final")
            after = before if ending == "final" else tx.read(keys, looked)
            if ending == "failed":
                raise ZeroDivisionError
        return versions, *([found.records, [list(page) for page in found.rows]] for found in (before, after))
    except (*FAMILIES, ZeroDivisionError) as error:
        return next(family for family in (*FAMILIES, ZeroDivisionError) if isinstance(error, family))


def assert_alike(storages: Sequence[Storage], steps: Sequence[Any]) -> None:
    """Do the same steps on several empty storages and compare what each answers, and what all hold in the end."""
    first, *others = storages
    for step in steps:
        answer = apply(first, step)
        event(answer.__name__ if isinstance(answer, type) else "done")
        for other in others:
            assert apply(other, step) == answer, other
    held = dump(first)
    for other in others:
        assert dump(other) == held, other


@given(st.lists(STEPS, max_size=8))
def test_equal_operations_leave_equal_stores(steps: list[Any]) -> None:
    """Whatever is locked, written, refused or undone, both embedded storages answer and hold the same."""
    with tempfile.TemporaryDirectory() as folder, SqliteStorage(Path(folder) / "parity.db") as file:
        assert_alike([MemoryStorage(), file], steps)


@pytest.fixture(scope="module")
def places(postgresql_server: Server, mysql_server: Server) -> Iterator[list[Place]]:
    """Give a store on each server, made once for all examples."""
    with fresh_database(postgresql_server) as postgresql, fresh_database(mysql_server) as mysql:
        yield [Place(installed(postgresql)), Place(installed(mysql))]


@pytest.fixture(scope="module")
def emptying(places: list[Place]) -> Iterator[list[Callable[[], None]]]:
    """Give what empties each of them."""
    with places[0].emptying() as postgresql, places[1].emptying() as mysql:
        yield [postgresql, mysql]


@pytest.fixture(scope="module")
def on_servers(places: list[Place]) -> Iterator[list[Any]]:
    """Give a storage over each of them, with their connections."""
    with places[0].open() as postgresql, places[1].open() as mysql:
        yield [postgresql, mysql]


@given(steps=st.lists(STEPS, max_size=8))
@example(steps=[A_NEW_ROOT_IS_FOUND_AHEAD])
@example(steps=[A_STALE_VERSION_IS_NEVER_COMMITTED])
def test_equal_operations_leave_equal_stores_on_all_four(
    emptying: list[Callable[[], None]], on_servers: list[Any], steps: list[Any]
) -> None:
    """Whatever is locked, written, refused or undone, all four storages answer and hold the same."""
    for empty in emptying:
        empty()
    with tempfile.TemporaryDirectory() as folder, SqliteStorage(Path(folder) / "parity.db") as file:
        assert_alike([MemoryStorage(), file, *on_servers], steps)


# -- the library over each of them -----------------------------------------------------------------------------------

SLOT = st.integers(0, len(messages.SLOTS) - 1)
MEMBER = st.sampled_from(messages.MEMBERS)
ONCE = st.sampled_from(["k1", "k2", "k3"])  # few, so that one is used for two requests


def _claims(asked: list[tuple[str, int, str]]) -> Call:
    requests = [
        ClaimRequest(
            member_id=member,
            platform=messages.SLOTS[slot].platform,
            order_no=messages.SLOTS[slot].order_no,
            proof=messages.proof_of(slot, kind),
        )
        for member, slot, kind in asked
    ]
    return lambda door, _: door.claim_many(requests)


def _bought(slots: list[int]) -> Call:
    items = [messages.order_message(slot, "FINISHED", 5, "API", (None,) * 3, None, None, False) for slot in slots]
    return lambda door, _: door.ingest(items)


CALLS: st.SearchStrategy[Call] = st.one_of(
    st.lists(SLOT, min_size=1, max_size=4).map(_bought),
    st.lists(messages.orders(SLOT) | messages.refunds(SLOT), min_size=1, max_size=4).map(
        lambda items: lambda door, _: door.ingest(items)
    ),
    st.lists(st.tuples(MEMBER, SLOT, st.sampled_from(["right", "right", "host", "wrong"])), min_size=1, max_size=4).map(
        _claims
    ),
    st.builds(
        lambda member, platform, buyer: lambda door, _: door.bind(member, platform=platform, buyer_id=buyer),
        MEMBER,
        st.sampled_from(["taobao", "jd", "douyin", "nowhere"]),
        st.sampled_from(["b1", "b2", "b3"]),
    ),
    st.sampled_from([1, 24 * 12, 24 * 33]).map(lambda hours: lambda _, clock: clock.move(hours=hours)),
    st.just(lambda door, _: door.run_due(batch=2)),
    st.builds(
        lambda member, amount, key: lambda door, _: door.adjust(member, asset="points", amount=amount, key=key),
        MEMBER,
        st.sampled_from([-300, -40, 25, 500, 2**62, 2**70]),
        ONCE,
    ),
    st.builds(lambda one, other, key: lambda door, _: door.merge(one, other, key=key), MEMBER, MEMBER, ONCE),
    MEMBER.map(lambda member: lambda door, _: door.erase_person(member)),
    MEMBER.map(lambda member: lambda door, _: door.export_person(member, operator="desk").sections),
    st.builds(lambda member, key: lambda door, _: door.unmerge(member, key=key), MEMBER, ONCE),
    st.builds(lambda member, key: lambda door, _: door.block(member, reason="r", key=key), MEMBER, ONCE),
    st.integers(1, 2).map(
        lambda revision: lambda door, _: door.publish(messages.changed(messages.program(1)), expected_revision=revision)
    ),
    st.just(lambda door, _: [event.id for event in door.pending_events(limit=1_000)]),
)


def called(door: Loyalty, clock: Clock, call: Call) -> Any:
    """Give what a call answers, or the kind of what it raises."""
    try:
        return call(door, clock)
    except CrossloyaltyError as error:
        return type(error)


@settings(max_examples=max(1, settings.default.max_examples // 2))
@given(calls=st.lists(CALLS, min_size=4, max_size=12))
def test_equal_calls_leave_equal_stores_on_all_four(
    emptying: list[Callable[[], None]], on_servers: list[Any], calls: list[Call]
) -> None:
    """Whatever is asked of the library, over all four storages it answers, raises and holds the same."""
    for empty in emptying:
        empty()
    with tempfile.TemporaryDirectory() as folder, SqliteStorage(Path(folder) / "parity.db") as file:
        storages = [MemoryStorage(), file, *on_servers]
        clocks = [messages.clock_at_start() for _ in storages]
        doors = [Loyalty(messages.program(1), each, clock=clock) for each, clock in zip(storages, clocks, strict=True)]
        for call in [_bought(list(range(len(messages.SLOTS)))), *calls]:  # most that can differ comes behind orders
            first, *others = (called(door, clock, call) for door, clock in zip(doors, clocks, strict=True))
            event(first.__name__ if isinstance(first, type) else type(first).__name__)
            assert others == [first] * 3
        first, *others = map(dump, storages)
        assert others == [first] * 3
