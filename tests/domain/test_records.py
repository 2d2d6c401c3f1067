"""What is remembered: keys, indexes and roots."""

import pytest
from builders import day

from crossloyalty.domain.records import (
    NEVER,
    RECORD_KINDS,
    ROOT_KINDS,
    AccountRecord,
    Key,
    MemberRecord,
    Record,
    key_of,
)


def test_keys_are_the_first_fields() -> None:
    """A record's key is its class and its first fields."""
    assert key_of(MemberRecord("p", "m", 7)) == Key(MemberRecord, ("p", "m"))
    assert key_of(AccountRecord("p", "m", "points", "debt", "own", 1, 1)).values == ("p", "m", "points", "debt")


@pytest.mark.parametrize("kind", RECORD_KINDS)
def test_every_key_and_index_begins_with_the_program(kind: type[Record]) -> None:
    """The program leads every key and every index, and an index names fields that are there."""
    assert kind._fields[0] == "program_id"
    for fields in RECORD_KINDS[kind].indexes.values():
        assert fields[0] == "program_id"
        assert set(fields) <= set(kind._fields)


def test_tables_have_names_of_their_own() -> None:
    """No two kinds share a table."""
    tables = [about.table for about in RECORD_KINDS.values()]
    assert len(set(tables)) == len(tables)


def test_roots_have_versions() -> None:
    """Every root has a version right behind its key."""
    for kind in ROOT_KINDS:
        assert kind._fields[RECORD_KINDS[kind].key_length] == "version"


def test_never_sorts_behind_every_instant() -> None:
    """NEVER is later than any instant of use, and exact in every JSON reader."""
    assert round(day(31, month=12, year=2200).timestamp() * 1_000_000) < NEVER == 2**53 - 1
