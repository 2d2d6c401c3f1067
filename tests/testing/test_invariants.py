"""The checkers that hosts run over a store at night."""

from builders import Clock, convert, order, points_program

from crossloyalty import Loyalty
from crossloyalty.application.ports import Replace
from crossloyalty.domain.records import AccountRecord, Key, MemberRecord
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import check_invariants


def test_a_sound_store_has_no_finding_and_a_changed_row_is_named() -> None:
    """An empty answer is the good one; a balance somebody changed is found under its program."""
    storage = MemoryStorage()
    loyalty = Loyalty(points_program(), storage, clock=Clock())
    convert(loyalty, "m1", order())
    assert check_invariants(storage) == {}
    key = Key(AccountRecord, (loyalty.program_id, "m1", "points", "balance"))
    with storage.transaction() as tx:
        versions = tx.lock([Key(MemberRecord, (loyalty.program_id, "m1"))])
        (account,) = tx.read([key]).records.values()
        assert isinstance(account, AccountRecord)
        tx.write([Replace(account._replace(balance=101))], roots=versions)
    found = check_invariants(storage)
    assert list(found) == [loyalty.program_id]
    assert {violation.invariant for violation in found[loyalty.program_id]} == {"I-01", "I-07"}
