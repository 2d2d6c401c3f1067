"""What a scan promises: which rows, in which order, and pages that lose and double nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from crossloyalty.application.ports import Insert, Replace, Scan, Storage
from crossloyalty.domain.records import LotRecord, MemberRecord, OrderRecord, Record, SpendDayRecord
from crossloyalty.errors import InvalidInput
from crossloyalty.testing._kit import HERE, THERE, blank, expects, member_root, rows, store
from crossloyalty.testing._tables import SHAPES, Shape

__all__ = [
    "check_absent_values_are_not_listed",
    "check_bad_scans_are_refused",
    "check_descending_and_limit",
    "check_pages_lose_and_double_nothing",
    "check_prefixes",
    "check_ranges_are_inclusive",
    "check_rows_of_nobody_are_not_listed",
    "check_scans_see_own_writes",
]

_DAYS = [SpendDayRecord(HERE, "m", f"2026-11-{day:02}", day) for day in (3, 1, 4, 2, 5)]
_MOST_ROWS = 24


def check_prefixes(storage: Storage) -> None:
    """A scan gives the rows whose first index fields equal the prefix, in the order of the index."""
    other = SpendDayRecord(HERE, "m2", "2026-11-01", 9)
    longer = SpendDayRecord(HERE, "m ", "2026-11-01", 9)
    store(storage, [Insert(record) for record in (*_DAYS, other, longer)])
    assert rows(storage, Scan(SpendDayRecord, (HERE, "m"))) == sorted(_DAYS)
    assert rows(storage, Scan(SpendDayRecord, (HERE,))) == sorted([*_DAYS, other, longer])
    assert rows(storage, Scan(SpendDayRecord, (HERE, "m2", "2026-11-01"))) == [other]
    assert rows(storage, Scan(SpendDayRecord, (HERE, "nobody"))) == []
    assert rows(storage, Scan(SpendDayRecord, ())) == sorted([*_DAYS, other, longer])


def check_ranges_are_inclusive(storage: Storage) -> None:
    """Both bounds of a range belong to it, and either may be left out."""
    store(storage, [Insert(record) for record in _DAYS])
    for low, high, days in (
        ("2026-11-02", "2026-11-04", [2, 3, 4]),
        ("2026-11-04", None, [4, 5]),
        (None, "2026-11-02", [1, 2]),
        ("2026-11-03", "2026-11-03", [3]),
        ("2026-11-04", "2026-11-02", []),
    ):
        found = rows(storage, Scan(SpendDayRecord, (HERE, "m"), low=low, high=high))
        assert [record.spend_fen for record in found] == days, (low, high)


def check_absent_values_are_not_listed(storage: Storage) -> None:
    """A row that is absent in a field of an index is never given by that index, with a range or without."""
    due: list[LotRecord] = [
        blank(LotRecord, HERE, "m", lot_no, due_at=at) for lot_no, at in ((1, 0), (2, None), (3, -5))
    ]
    store(storage, [Insert(record) for record in due])
    listed = [due[2], due[0]]
    for low, high in ((None, None), (-(2**63), None), (None, 2**63 - 1), (-(2**63), 2**63 - 1)):
        assert rows(storage, Scan(LotRecord, (HERE, "m"), by="by_due", low=low, high=high)) == listed
    assert rows(storage, Scan(LotRecord, (HERE,), by="by_due")) == listed
    assert rows(storage, Scan(LotRecord, (HERE, "m"))) == due
    # Becoming absent and coming back moves a row out of the index and into it.
    store(storage, [Replace(due[0]._replace(due_at=None)), Replace(due[1]._replace(due_at=7))])
    found = rows(storage, Scan(LotRecord, (HERE, "m"), by="by_due"))
    assert [record.lot_no for record in found] == [3, 2]


def check_rows_of_nobody_are_not_listed(storage: Storage) -> None:
    """A row that is empty in the field an index asks to be filled is never given by that index."""
    owned = [OrderRecord(HERE, "taobao", str(number), owner_id=owner) for number, owner in ((1, "m"), (2, ""))]
    store(storage, [Replace(record) for record in owned])
    first, second = (record._replace(version=1) for record in owned)
    by_owner = Scan(OrderRecord, (HERE,), by="by_owner")
    assert rows(storage, by_owner) == [first]
    assert rows(storage, by_owner._replace(prefix=(HERE, ""))) == []
    assert rows(storage, by_owner._replace(prefix=(HERE, "m"))) == [first]
    # Being given away moves a row out of the index, having an owner into it.
    store(storage, [Replace(first._replace(owner_id="")), Replace(second._replace(owner_id="m"))])
    assert [row.order_no for row in rows(storage, by_owner)] == ["2"]


def check_descending_and_limit(storage: Storage) -> None:
    """A descending scan is the ascending one turned round, and a limit cuts after the order is made."""
    store(storage, [Insert(record) for record in _DAYS])
    for descending, limit, days in ((True, None, [5, 4, 3, 2, 1]), (True, 2, [5, 4]), (False, 1, [1]), (False, 0, [])):
        found = rows(storage, Scan(SpendDayRecord, (HERE, "m"), descending=descending, limit=limit))
        assert [record.spend_fen for record in found] == days
    found = rows(storage, Scan(SpendDayRecord, (HERE, "m"), high="2026-11-03", descending=True, limit=2))
    assert [record.spend_fen for record in found] == [3, 2]


def check_scans_see_own_writes(storage: Storage) -> None:
    """Inside a writing transaction scans are current: inserted, replaced and deleted rows show at once."""
    order = OrderRecord(HERE, "taobao", "1", next_due_at=9)
    store(storage, [Replace(order), Insert(_DAYS[0])])
    due = Scan(OrderRecord, (HERE,), by="by_due", low=0, high=10)
    with storage.transaction() as tx:
        versions = tx.lock([member_root()])
        assert list(tx.read(scans=[due]).rows[0]) == [order._replace(version=1)]
        tx.write([Insert(_DAYS[1])], roots=versions)
        members, days = tx.read(scans=[Scan(MemberRecord, (HERE,)), Scan(SpendDayRecord, (HERE, "m"))]).rows
        assert list(members) == [MemberRecord(HERE, "m", version=1)]
        assert list(days) == sorted(_DAYS[:2])


def check_pages_lose_and_double_nothing(storage: Storage) -> None:
    """Paging by `after` over every key and index of every kind, in both directions, gives each row once, in order."""
    everything: dict[type[Record], list[Any]] = {}
    for shape in SHAPES.values():
        made = list(_varied(shape))
        everything[shape.kind] = made
        if shape.is_root:
            store(storage, [Replace(record) for record in made])
            made[:] = [record._replace(version=1) for record in made]
        else:
            store(storage, [Insert(record) for record in made])
    with storage.transaction(readonly=True) as tx:
        for shape, by, order in _orders():
            places = [shape.position(name) for name in order]
            filled = [shape.position(shape.filled[by])] if by is not None and by in shape.filled else []
            expected = sorted(
                (tuple(record[place] for place in places), record)
                for record in everything[shape.kind]
                if record[0] == HERE
                and all(record[place] is not None for place in places)
                and all(record[place] for place in filled)
            )
            for descending, page_rows in product((False, True), (1, 5, 100)):
                wanted = [record for _position, record in (reversed(expected) if descending else expected)]
                got: list[Any] = []
                after = None
                while True:
                    scan = Scan(shape.kind, (HERE,), by, descending=descending, limit=page_rows, after=after)
                    page: Any = tx.read(scans=[scan]).rows[0]
                    assert len(page) <= page_rows
                    got += page
                    assert len(got) <= len(wanted), f"{shape.table} by {by} gives a row twice"
                    if len(page) < page_rows:
                        break
                    after = tuple(page[-1][place] for place in places)
                assert got == wanted, f"{shape.table} by {by}, descending={descending}, pages of {page_rows}"


def check_bad_scans_are_refused(storage: Storage) -> None:
    """A scan that does not fit its index is an InvalidInput and not an empty answer."""
    position = (HERE, "m", "2026-11-03")
    for scan in (
        Scan(SpendDayRecord, (HERE,), by="by_moon"),
        Scan(SpendDayRecord, (HERE, "m", "2026-11-01", "more")),
        Scan(SpendDayRecord, (HERE, "m", "2026-11-01"), low="2026"),
        Scan(SpendDayRecord, (HERE, 5)),
        Scan(SpendDayRecord, (HERE, "m"), low=5),
        Scan(SpendDayRecord, (HERE, "m\0")),
        Scan(SpendDayRecord, (HERE, "m"), limit=-1),
        Scan(SpendDayRecord, (HERE, "m"), after=position[:2]),
        Scan(SpendDayRecord, (THERE, "m"), after=position),
    ):
        for _ in range(2):  # the second time the statement is known already
            with expects(InvalidInput):
                rows(storage, scan)
        rows(storage, Scan(SpendDayRecord, (HERE, "m"), low="2026", limit=1, after=position))


def _orders() -> Iterator[tuple[Shape, str | None, tuple[str, ...]]]:
    for shape in SHAPES.values():
        for by, order in shape.orders.items():
            yield shape, by, order


def _varied(shape: Shape) -> Iterator[Any]:
    """Give rows of two programs whose index fields are often equal, sometimes absent, and never all of a kind."""
    texts, numbers = ("", "E1a", "E1A", "年"), (0, -3, 2**53)
    domains: list[Any] = [
        (HERE, THERE) if name == "program_id" else texts if shape.columns[place].is_text else numbers
        for place, name in enumerate(shape.key)
    ]
    keys = list(product(*domains))
    step = max(1, len(keys) // _MOST_ROWS) | 1  # odd, so that both programs are met
    for at, key in enumerate(keys[::step]):
        fields = {
            column.name: (None, *(texts if column.is_text else (0, 5)))[(at + place) % 3]
            if column.nullable
            else texts[(at + place) % 3]
            if column.is_text
            else numbers[(at // 2 + place) % 3]
            for place, column in enumerate(shape.columns)
            if place >= len(shape.key) and column.name != "version"
        }
        yield blank(shape.kind, *key, **fields)
