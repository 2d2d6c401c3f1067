"""What a transaction promises: all or nothing, roots with versions, typed refusals."""

from __future__ import annotations

from crossloyalty.application.ports import Add, Delete, Insert, Replace, Scan, Storage
from crossloyalty.domain.records import (
    BuyerRecord,
    Key,
    LimitRecord,
    MemberRecord,
    OrderRecord,
    SpendDayRecord,
    TagRecord,
    key_of,
)
from crossloyalty.errors import ConfigError, Conflict, LimitReached
from crossloyalty.testing._kit import HERE, THERE, blank, expects, fetch, member_root, rows, store
from crossloyalty.testing.dump import dump

__all__ = [
    "check_add_keeps_its_bound",
    "check_additions_add_up",
    "check_commit_shows_everything",
    "check_exception_leaves_nothing",
    "check_failed_write_cannot_commit",
    "check_interrupt_leaves_it_usable",
    "check_lock_creates_roots_once",
    "check_lock_order",
    "check_missing_rows_conflict",
    "check_misuse_is_refused",
    "check_moved_version_conflicts",
    "check_programs_are_apart",
    "check_readonly_refuses_writes",
    "check_replace_and_delete",
    "check_roots_are_bumped_once",
    "check_unique_key_decides",
]

_DAY = SpendDayRecord(HERE, "m", "2026-11-01", 100)
_TAG = TagRecord(HERE, "m", "taobao", 1, 100, 5, 5)


def check_commit_shows_everything(storage: Storage) -> None:
    """What one transaction writes is seen by itself at once and by others together after its clean exit."""
    with storage.transaction() as tx:
        tx.write([Insert(_DAY), Insert(_TAG)], roots=tx.lock([member_root()]))
        inside = tx.read([key_of(_DAY)], [Scan(TagRecord, (HERE, "m"))])
        assert inside.records == {key_of(_DAY): _DAY}, "a transaction reads what it wrote"
        assert list(inside.rows[0]) == [_TAG], "a transaction scans what it wrote"
    assert fetch(storage, key_of(_DAY), key_of(_TAG)) == [_DAY, _TAG]


def check_exception_leaves_nothing(storage: Storage) -> None:
    """An exception inside the block undoes writes and created roots, and is the one the caller sees."""
    before = dump(storage)
    with expects(ZeroDivisionError), storage.transaction() as tx:
        tx.write([Insert(_DAY)], roots=tx.lock([member_root()]))
        raise ZeroDivisionError
    assert dump(storage) == before
    store(storage, [Insert(_DAY)], roots=[member_root()])


def check_interrupt_leaves_it_usable(storage: Storage) -> None:
    """A KeyboardInterrupt at any point inside leaves nothing behind and the next transaction works."""
    before = dump(storage)
    for written in (False, True):
        with expects(KeyboardInterrupt), storage.transaction() as tx:
            versions = tx.lock([member_root()])
            if written:
                tx.write([Insert(_DAY)], roots=versions)
            raise KeyboardInterrupt
        assert dump(storage) == before
    store(storage, [Insert(_DAY)], roots=[member_root()])
    assert fetch(storage, key_of(_DAY)) == [_DAY]


def check_failed_write_cannot_commit(storage: Storage) -> None:
    """A caller that swallows a Conflict gets it again at the exit, and nothing of the transaction is kept."""
    store(storage, [Insert(_DAY)])
    with expects(Conflict), storage.transaction() as tx:
        versions = tx.lock([member_root()])
        with expects(Conflict):
            tx.write([Insert(_TAG), Insert(_DAY)], roots=versions)
    assert fetch(storage, key_of(_TAG), member_root()) == [None, None]


def check_unique_key_decides(storage: Storage) -> None:
    """Inserting a key that exists is a Conflict, and the first row stays as it was."""
    store(storage, [Insert(_DAY)])
    with expects(Conflict):
        store(storage, [Insert(_DAY._replace(spend_fen=999))])
    assert fetch(storage, key_of(_DAY)) == [_DAY]


def check_missing_rows_conflict(storage: Storage) -> None:
    """Replacing, deleting or adding to a row that does not exist is a Conflict and not a LimitReached."""
    for change in (Replace(_DAY), Delete(key_of(_DAY)), Add(key_of(_DAY), "spend_fen", 1)):
        try:
            store(storage, [change])
        except LimitReached:
            raise AssertionError("a missing row was taken for a bound") from None
        except Conflict:
            continue
        raise AssertionError(f"{type(change).__name__} of a missing row was accepted")


def check_replace_and_delete(storage: Storage) -> None:
    """Replace puts the whole row in place, Delete removes exactly one, and a deleted key can be inserted again."""
    other = _DAY._replace(day="2026-11-02")
    store(storage, [Insert(_DAY), Insert(other), Insert(_TAG)])
    changed = _TAG._replace(claims=2, net_fen=-7)
    store(storage, [Replace(changed), Delete(key_of(_DAY))])
    assert fetch(storage, key_of(_DAY), key_of(other), key_of(_TAG)) == [None, other, changed]
    store(storage, [Insert(_DAY)])
    assert fetch(storage, key_of(_DAY)) == [_DAY]


def check_moved_version_conflicts(storage: Storage) -> None:
    """A write that names a version a root no longer has is a Conflict and changes nothing."""
    root = member_root()
    store(storage, [], roots=[root])
    for stale in (0, 2):
        with expects(Conflict), storage.transaction() as tx:
            assert tx.lock([root]) == {root: 1}
            tx.write([Insert(_DAY)], roots={root: stale})
    with expects(Conflict), storage.transaction() as tx:
        fresh = member_root("new")
        tx.lock([fresh])
        tx.write([Replace(blank(MemberRecord, HERE, "new"))], roots={fresh: 3})
    assert fetch(storage, key_of(_DAY), member_root("new")) == [None, None]
    assert fetch(storage, root)[0].version == 1


def check_add_keeps_its_bound(storage: Storage) -> None:
    """An addition may reach its bound and not pass it; without one it stays inside 64 bits; one over undoes all."""
    root = Key(LimitRecord, (HERE, "budget"))
    store(storage, [Add(root, "used", 7, 10)], roots=[root])
    store(storage, [Add(root, "used", 3, 10)], roots=[root])
    for delta, at_most in ((1, 10), (0, 9), (-1, 8), (2**63 - 1, None), (2**63 - 1, 2**63 - 1)):
        with expects(LimitReached):
            store(storage, [Insert(_DAY), Add(root, "used", delta, at_most)], roots=[root])
    assert fetch(storage, key_of(_DAY)) == [None]
    store(storage, [Add(root, "used", -4, 10), Add(root, "used", -(2**63) + 1)])
    with expects(LimitReached):
        store(storage, [Add(root, "used", -8)])
    assert fetch(storage, root)[0].used == 6 - 2**63 + 1


def check_additions_add_up(storage: Storage) -> None:
    """Several additions in one write all count, also to a root that the same transaction created."""
    root = Key(LimitRecord, (HERE, "budget"))
    with storage.transaction() as tx:
        versions = tx.lock([root])
        tx.write([Add(root, "used", 2), Add(root, "used", 3, 5), Insert(_DAY)], roots=versions)
    assert fetch(storage, root) == [LimitRecord(HERE, "budget", version=1, used=5)]
    store(storage, [Add(key_of(_DAY), "spend_fen", -30), Add(key_of(_DAY), "spend_fen", 5)])
    assert fetch(storage, key_of(_DAY))[0].spend_fen == _DAY.spend_fen - 25


def check_lock_creates_roots_once(storage: Storage) -> None:
    """Lock creates a missing root with version 0; it is there inside, after a clean exit, and the next time."""
    roots = [Key(OrderRecord, (HERE, "taobao", "1")), member_root()]
    with storage.transaction() as tx:
        assert tx.lock(roots) == dict.fromkeys(roots, 0)
        seen = tx.read(roots, [Scan(MemberRecord, (HERE,))])
        assert seen.records == {roots[0]: OrderRecord(HERE, "taobao", "1"), roots[1]: MemberRecord(HERE, "m")}
        assert list(seen.rows[0]) == [MemberRecord(HERE, "m")]
    with storage.transaction() as tx:
        assert tx.lock(roots) == dict.fromkeys(roots, 0)
        tx.write([Replace(MemberRecord(HERE, "m", tier="gold"))], roots={roots[1]: 0})
    assert rows(storage, Scan(MemberRecord, (HERE,))) == [MemberRecord(HERE, "m", version=1, tier="gold")]
    assert rows(storage, Scan(OrderRecord, (HERE,))) == [OrderRecord(HERE, "taobao", "1")]


def check_roots_are_bumped_once(storage: Storage) -> None:
    """Each root named in a write is bumped by one, replaced or not; a replaced root's own version is ignored."""
    buyer = Key(BuyerRecord, (HERE, "taobao", "shop", "b1"))
    limit = Key(LimitRecord, (HERE, "budget"))
    member, idle = member_root(), member_root("z-idle")
    for expected in (1, 2, 3):
        with storage.transaction() as tx:
            versions = tx.lock([limit, idle, member, buyer])
            assert versions[member] == expected - 1
            tx.write(
                [
                    Replace(MemberRecord(HERE, "m", version=77, tier=f"t{expected}", next_due_at=expected % 2 or None)),
                    Add(limit, "used", 5),
                ],
                roots={root: version for root, version in versions.items() if root != idle},
            )
            # Inside the transaction the next lock and read tell the new versions.
            assert tx.lock([member, idle]) == {member: expected, idle: 0}
            assert tx.read([limit]).records == {limit: LimitRecord(HERE, "budget", expected, 5 * expected)}
        found = fetch(storage, buyer, member, limit, idle)
        assert [record.version for record in found] == [expected, expected, expected, 0]
        assert found[1].tier == f"t{expected}"


def check_lock_order(storage: Storage) -> None:
    """A later lock may add roots that sort behind all locked ones; one that sorts before is a Conflict."""
    order, other = (Key(OrderRecord, (HERE, "taobao", number)) for number in ("1", "2"))
    with storage.transaction() as tx:
        assert tx.lock([other, order, order]) == {order: 0, other: 0}
        assert tx.lock([member_root()]) == {member_root(): 0}
        assert tx.lock([order, member_root()]) == {order: 0, member_root(): 0}, "locking again is no new lock"
    for held, asked in ((member_root(), order), (other, order), (member_root("b"), member_root("a"))):
        with expects(Conflict), storage.transaction() as tx:
            tx.lock([held])
            tx.lock([asked])


def check_readonly_refuses_writes(storage: Storage) -> None:
    """A readonly transaction refuses to lock and to write, and reads on."""
    store(storage, [Insert(_DAY)])
    before = dump(storage)
    with storage.transaction(readonly=True) as tx:
        with expects(ConfigError):
            tx.lock([member_root()])
        with expects(ConfigError):
            tx.write([Insert(_TAG)], roots={})
        assert tx.read([key_of(_DAY)]).records == {key_of(_DAY): _DAY}
    assert dump(storage) == before


def check_misuse_is_refused(storage: Storage) -> None:
    """What breaks the port's rules is a ConfigError and changes nothing."""
    before = dump(storage)
    root = member_root()
    member = MemberRecord(HERE, "m")
    with expects(ConfigError), storage.transaction() as tx:
        tx.write([Insert(_DAY)], roots={})  # before any lock
    with expects(ConfigError), storage.transaction() as tx:
        tx.lock([])
        tx.write([], roots={root: 0})  # a root that is not locked
    with expects(ConfigError), storage.transaction() as tx:
        tx.lock([key_of(_DAY)])  # not a root
    for change in (Insert(member), Delete(root), Replace(member)):
        with expects(ConfigError), storage.transaction() as tx:
            tx.lock([root])
            tx.write([change], roots={})  # roots are made by lock, stay, and are replaced only under their version
    for key, field in ((root, "version"), (root, "tier"), (root, "next_due_at"), (root, "member_id"), (root, "no")):
        with expects(ConfigError), storage.transaction() as tx:
            tx.write([Add(key, field, 1)], roots=tx.lock([root]))
    with storage.transaction(readonly=True), expects(ConfigError), storage.transaction():
        raise AssertionError("a transaction inside a transaction was opened")
    with storage.transaction(readonly=True) as ended:
        pass
    with expects(ConfigError):
        ended.read([root])
    assert dump(storage) == before


def check_programs_are_apart(storage: Storage) -> None:
    """The same keys in two programs are two rows, and neither program's reads, scans or counters meet the other's."""
    there = _DAY._replace(program_id=THERE, spend_fen=7)
    limits = [Key(LimitRecord, (program, "budget")) for program in (HERE, THERE)]
    store(storage, [Insert(_DAY), Add(limits[0], "used", 5)], roots=[member_root(), limits[0]])
    store(storage, [Insert(there)], roots=[member_root(program_id=THERE), limits[1]])
    assert rows(storage, Scan(SpendDayRecord, (HERE,))) == [_DAY]
    assert rows(storage, Scan(SpendDayRecord, (THERE, "m"))) == [there]
    assert rows(storage, Scan(SpendDayRecord, ("kit",))) == [], "a prefix compares whole values"
    assert [limit.used for limit in fetch(storage, *limits)] == [5, 0]
    store(storage, [Delete(key_of(there))])
    assert fetch(storage, key_of(_DAY), key_of(there)) == [_DAY, None]
    assert [record.program_id for record in dump(storage, HERE)["members"]] == [HERE]
