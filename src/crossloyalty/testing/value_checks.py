"""What a store keeps exactly, compares by bytes, and refuses."""

from __future__ import annotations

from typing import Any, Final

from crossloyalty.application.ports import Add, Change, Delete, Insert, Scan, Storage
from crossloyalty.domain.records import AliasRecord, Key, LotRecord, RequestRecord, SpendDayRecord, key_of
from crossloyalty.errors import InvalidInput
from crossloyalty.testing._kit import HERE, blank, expects, fetch, member_root, rows, store
from crossloyalty.testing.dump import dump

__all__ = [
    "check_bad_values_are_refused",
    "check_integers_are_exact",
    "check_keys_compare_by_bytes",
    "check_many_keys_at_once",
    "check_texts_are_exact",
]

# In the order of their code points, which is that of their UTF-8 bytes.
ODD_TEXTS: Final = (
    "",
    " ",
    "'; DROP TABLE orders; --",
    "00123",
    "1\u200b23",
    "123",
    "123 ",
    "12e3",
    "E1A",
    "E1a",
    "NULL",
    "\x7f\x85",
    "café",
    "cafe\u0301"[:4] + "\u0301",
    "ß",
    "年",
    "１２３",
    "\ufeff1",
    "🎁",
    "👩\u200d👩\u200d👧",
    "x" * 128,
)


def check_texts_are_exact(storage: Storage) -> None:
    """Emoji, full-width digits, trailing blanks, letter case and long texts come back as they went in."""
    long = "长" * 100_000 + "🎁"
    made = [RequestRecord(HERE, text, text, text, 1) for text in ODD_TEXTS]
    made.append(RequestRecord(HERE, "long", "", long, 1))
    store(storage, [Insert(record) for record in made])
    assert fetch(storage, *map(key_of, made)) == made
    assert rows(storage, Scan(RequestRecord, (HERE,))) == sorted(made)


def check_keys_compare_by_bytes(storage: Storage) -> None:
    """Keys that a lax collation takes for one are different rows, and rows are ordered by code point."""
    made = [AliasRecord(HERE, "jd", text, str(at)) for at, text in enumerate(ODD_TEXTS)]
    store(storage, [Insert(record) for record in made])
    for record in made:
        assert fetch(storage, key_of(record)) == [record]
        assert rows(storage, Scan(AliasRecord, (HERE, "jd", record.alias_no))) == [record]
    assert rows(storage, Scan(AliasRecord, (HERE, "jd"))) == sorted(made)
    low, high = "E1A", "e"
    within = [record for record in sorted(made) if low <= record.alias_no <= high]
    assert rows(storage, Scan(AliasRecord, (HERE, "jd"), low=low, high=high)) == within
    store(storage, [Delete(Key(AliasRecord, (HERE, "jd", "E1A")))])
    assert fetch(storage, Key(AliasRecord, (HERE, "jd", "E1a"))) != [None]


def check_integers_are_exact(storage: Storage) -> None:
    """Integers keep all 64 bits, beyond 2^53 too, as values and in keys, and absent stays apart from 0."""
    edges = (-(2**63), -(2**53) - 1, -1, 0, 1, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1)
    made = [blank(LotRecord, HERE, "m", edge, granted=edge, due_at=edge) for edge in edges]
    absent = blank(LotRecord, HERE, "absent", 1)
    store(storage, [Insert(record) for record in [*made, absent]])
    assert fetch(storage, *map(key_of, made), key_of(absent)) == [*made, absent]
    found = rows(storage, Scan(LotRecord, (HERE, "m"), low=2**53, high=2**63 - 1))
    assert [record.lot_no for record in found] == [2**53, 2**53 + 1, 2**63 - 1]
    assert [record.lot_no for record in rows(storage, Scan(LotRecord, (HERE, "m"), by="by_due"))] == list(edges)
    assert all(type(record.granted) is int for record in fetch(storage, *map(key_of, made)))


def check_bad_values_are_refused(storage: Storage) -> None:
    """NUL, lone surrogates, floats, bools, wrong types and integers beyond 64 bits change nothing and say so."""
    good = SpendDayRecord(HERE, "m", "2026-11-01", 1)
    store(storage, [Insert(good)])
    before = dump(storage)
    bad_texts: tuple[Any, ...] = ("a\0b", "\0", "\ud800", "x\udfff", 5, None, b"m", True)
    bad_numbers: tuple[Any, ...] = (1.0, 1.5, float("nan"), True, "1", None, 2**63, -(2**63) - 1, 10**40)
    bad: list[Any] = [good._replace(day=text) for text in bad_texts]
    bad += [good._replace(day="2026-11-02", spend_fen=number) for number in bad_numbers]
    changes: list[Change] = [Insert(record) for record in bad]
    changes += [Add(key_of(good), "spend_fen", number) for number in bad_numbers]
    changes += [Add(key_of(good), "spend_fen", 1, number) for number in bad_numbers if number is not None]
    changes += [Delete(Key(SpendDayRecord, (HERE, "m", text))) for text in bad_texts]
    for change in changes:
        with expects(InvalidInput):
            store(storage, [Insert(good._replace(member_id="first")), change], roots=[member_root()])
    for text in bad_texts:
        with expects(InvalidInput), storage.transaction() as tx:
            tx.lock([member_root(text)])
        with expects(InvalidInput):
            fetch(storage, Key(SpendDayRecord, (HERE, "m", text)))
    for values in ((HERE, "m"), (HERE, "m", "2026-11-01", "more")):
        with expects(InvalidInput):
            fetch(storage, Key(SpendDayRecord, values))
    assert dump(storage) == before


def check_many_keys_at_once(storage: Storage) -> None:
    """One write of thousands of rows and one read of thousands of keys give every row, and none that is not there."""
    made = [AliasRecord(HERE, "jd", f"{number:06}", "x") for number in range(5_000)]
    store(storage, [Insert(record) for record in made])
    wanted = [key_of(record) for record in made] + [Key(AliasRecord, (HERE, "jd", "missing"))]
    with storage.transaction(readonly=True) as tx:
        assert tx.read(wanted).records == {key_of(record): record for record in made}
