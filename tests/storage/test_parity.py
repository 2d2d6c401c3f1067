"""Memory and SQLite are one: the same operations give equal stores, equal answers and equal families of errors."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from crossloyalty.application.ports import Add, Change, Delete, Insert, Replace, Scan, Storage
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
from crossloyalty.errors import ConfigError, Conflict, InvalidInput
from crossloyalty.storage._shape import SHAPES
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing import dump

TEXTS = st.sampled_from(["a", "A", "b", "b ", "年", "🎁"])
NUMBERS = st.sampled_from([0, 1, 2, -1, 2**53, 2**63 - 1, -(2**63)])
PROGRAMS = st.sampled_from(["p", "P"])
KINDS = (LotRecord, TagRecord, AccountRecord, MemberRecord, OrderRecord, LimitRecord)
FAMILIES = (ConfigError, InvalidInput, Conflict)


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


# One step: what is locked first and later, what is written, whether by stale versions, and how the block ends.
STEPS = st.tuples(
    st.lists(records(ROOT_KINDS).map(key_of), max_size=3),
    st.lists(records(ROOT_KINDS).map(key_of), max_size=1),
    st.lists(changes(), max_size=4, unique_by=_key_of),
    st.sampled_from([0, 0, 0, 0, 1]),
    st.booleans(),
    st.lists(scans(), max_size=2),
)


def apply(storage: Storage, step: Any) -> Any:
    """Do one step and give what it answered, or the family of what it raised."""
    first, later, written, stale, fail, looked = step
    try:
        with storage.transaction() as tx:
            touched = {_key_of(change) for change in written}
            versions = dict(tx.lock({*first, *(key for key in touched if SHAPES[key.kind].is_root)}))
            if later:
                versions |= tx.lock(later)
            tx.write(written, roots={root: version + stale for root, version in versions.items()})
            found = tx.read([_key_of(change) for change in written], looked)
            if fail:
                raise ZeroDivisionError
            return versions, found.records, [list(page) for page in found.rows]
    except (*FAMILIES, ZeroDivisionError) as error:
        return next(family for family in (*FAMILIES, ZeroDivisionError) if isinstance(error, family))


@given(st.lists(STEPS, max_size=8))
def test_equal_operations_leave_equal_stores(steps: list[Any]) -> None:
    """Whatever is locked, written, refused or undone, both storages answer and hold the same."""
    memory = MemoryStorage()
    with tempfile.TemporaryDirectory() as folder, SqliteStorage(Path(folder) / "parity.db") as file:
        for step in steps:
            answers = apply(memory, step), apply(file, step)
            event(answers[0].__name__ if isinstance(answers[0], type) else "done")
            assert answers[0] == answers[1]
        assert dump(memory) == dump(file)
