"""What a storage promises inside a transaction the host has open: its own work undone alone, the host's never."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from crossloyalty.application.ports import Add, Insert, Storage
from crossloyalty.domain.records import Key, LimitRecord, SpendDayRecord, TagRecord, key_of
from crossloyalty.errors import ConfigError, Conflict, HostTransactionLost, LimitReached
from crossloyalty.testing._kit import HERE, expects, fetch, member_root, store

__all__ = [
    "Host",
    "check_both_are_committed_together",
    "check_conflict_leaves_the_hosts_work",
    "check_exception_leaves_the_hosts_work",
    "check_hosts_rollback_undoes_both",
    "check_limit_leaves_the_hosts_work",
    "check_lost_transaction_stays_lost",
    "check_one_joined_transaction_at_a_time",
    "check_readers_see_what_is_not_committed",
    "check_two_joined_transactions_see_each_other",
]


class Host(Protocol):
    """One connection of a host's to the store, with a table of its own in which it keeps notes."""

    def begin(self) -> None:
        """Begin a transaction, as the host does."""
        ...

    def write(self, note: str) -> None:
        """Insert a row of the host's own."""
        ...

    def notes(self) -> Sequence[str]:
        """Read the host's own rows, in order."""
        ...

    def commit(self) -> None:
        """Commit the host's transaction."""
        ...

    def rollback(self) -> None:
        """Roll the host's transaction back."""
        ...

    def joined(self) -> Storage:
        """Give the storage that works inside the host's transaction; an asynchronous one is spelled plain."""
        ...

    def lose(self) -> None:
        """Have the open transaction die under the host, as by a deadlock or a lost link; the host does not know yet."""
        ...

    def close(self) -> None:
        """Let the connection go; called last."""
        ...


OpenHost = Callable[[], Host]

_ROOT = member_root()
_DAY = SpendDayRecord(HERE, "m", "2026-11-01", 100)
_TAG = TagRecord(HERE, "m", "taobao", 1, 100, 5, 5)


@contextmanager
def _hosts(open_host: OpenHost, many: int = 1) -> Any:
    hosts: list[Host] = []
    try:
        for _ in range(many):
            hosts.append(open_host())
        yield hosts[0] if many == 1 else hosts
    finally:
        for host in hosts:
            host.close()


def _seen(open_host: OpenHost, *keys: Key) -> tuple[list[str], list[Any]]:
    """Say what somebody else sees."""
    with _hosts(open_host) as other:
        other.begin()
        found = list(other.notes()), fetch(other.joined(), *keys)
        other.rollback()
    return found


def check_both_are_committed_together(open_host: OpenHost) -> None:
    """Nothing is visible to others before the host commits; then the host's work and ours are, together."""
    with _hosts(open_host) as host:
        host.begin()
        host.write("before")
        store(host.joined(), [Insert(_DAY)], roots=[_ROOT])
        host.write("after")
        assert _seen(open_host, key_of(_DAY), _ROOT) == ([], [None, None])
        host.commit()
    notes, found = _seen(open_host, key_of(_DAY), _ROOT)
    assert (notes, found[0], found[1].version) == (["after", "before"], _DAY, 1)


def check_hosts_rollback_undoes_both(open_host: OpenHost) -> None:
    """When the host rolls back, nothing of ours is left, though our own part had ended well."""
    with _hosts(open_host) as host:
        host.begin()
        host.write("before")
        store(host.joined(), [Insert(_DAY)], roots=[_ROOT])
        host.rollback()
        assert _seen(open_host, key_of(_DAY), _ROOT) == ([], [None, None])
        host.begin()
        store(host.joined(), [Insert(_TAG)], roots=[_ROOT])
        host.commit()
    assert _seen(open_host, key_of(_DAY), key_of(_TAG)) == ([], [None, _TAG])


def check_exception_leaves_the_hosts_work(open_host: OpenHost) -> None:
    """An exception in our part undoes our part alone; the host goes on and commits."""
    with _hosts(open_host) as host:
        host.begin()
        host.write("before")
        storage = host.joined()
        with expects(ZeroDivisionError), storage.transaction() as tx:
            tx.write([Insert(_DAY)], roots=tx.lock([_ROOT]))
            raise ZeroDivisionError
        host.write("after")
        store(storage, [Insert(_TAG)], roots=[_ROOT])
        host.commit()
    notes, found = _seen(open_host, key_of(_DAY), key_of(_TAG), _ROOT)
    assert (notes, found[:2], found[2].version) == (["after", "before"], [None, _TAG], 1)


def check_conflict_leaves_the_hosts_work(open_host: OpenHost) -> None:
    """After a key that existed the host's work is there, and our part may be tried again in the same transaction."""
    with _hosts(open_host) as host:
        host.begin()
        store(host.joined(), [Insert(_DAY)], roots=[_ROOT])
        host.commit()
        host.begin()
        host.write("before")
        storage = host.joined()
        for final in (False, True):
            with expects(Conflict), storage.transaction() as tx:
                tx.write([Insert(_TAG), Insert(_DAY)], roots=tx.lock([_ROOT]), final=final)
        store(storage, [Insert(_TAG)], roots=[_ROOT])
        host.write("after")
        host.commit()
    notes, found = _seen(open_host, key_of(_DAY), key_of(_TAG), _ROOT)
    assert (notes, found[:2], found[2].version) == (["after", "before"], [_DAY, _TAG], 2)


def check_limit_leaves_the_hosts_work(open_host: OpenHost) -> None:
    """An addition past its bound is a LimitReached, which undoes our part alone."""
    root = Key(LimitRecord, (HERE, "budget"))
    with _hosts(open_host) as host:
        host.begin()
        host.write("before")
        storage = host.joined()
        store(storage, [Add(root, "used", 7, 10)], roots=[root])
        with expects(LimitReached):
            store(storage, [Insert(_DAY), Add(root, "used", 4, 10)], roots=[root])
        store(storage, [Add(root, "used", 3, 10), Add(root, "used", 0, 10)], roots=[root])
        host.write("after")
        host.commit()
    notes, found = _seen(open_host, key_of(_DAY), root)
    assert (notes, found[0], found[1].used) == (["after", "before"], None, 10)


def check_two_joined_transactions_see_each_other(open_host: OpenHost) -> None:
    """What one part of ours wrote, the next one in the same transaction of the host's reads, locks and builds on."""
    with _hosts(open_host) as host:
        host.begin()
        store(host.joined(), [Insert(_DAY)], roots=[_ROOT])
        with host.joined().transaction() as tx:
            versions = tx.lock([_ROOT])
            assert versions == {_ROOT: 1}
            assert tx.read([key_of(_DAY)]).records == {key_of(_DAY): _DAY}
            tx.write([Insert(_TAG)], roots=versions)
        host.commit()
    notes, found = _seen(open_host, key_of(_DAY), key_of(_TAG), _ROOT)
    assert (notes, found[:2], found[2].version) == ([], [_DAY, _TAG], 2)


def check_readers_see_what_is_not_committed(open_host: OpenHost) -> None:
    """A readonly transaction sees what this transaction of the host's has written so far, and leaves it as it is."""
    with _hosts(open_host) as host:
        host.begin()
        host.write("before")
        storage = host.joined()
        store(storage, [Insert(_DAY)], roots=[_ROOT])
        assert fetch(storage, key_of(_DAY), key_of(_TAG)) == [_DAY, None]
        with expects(ZeroDivisionError), storage.transaction(readonly=True) as tx:
            tx.read([_ROOT])
            raise ZeroDivisionError
        assert list(host.notes()) == ["before"]
        host.commit()
    assert _seen(open_host, key_of(_DAY)) == (["before"], [_DAY])


def check_one_joined_transaction_at_a_time(open_host: OpenHost) -> None:
    """A second joined transaction inside the first one on the same connection is refused; the first one goes on."""
    with _hosts(open_host) as host:
        host.begin()
        first, second = host.joined(), host.joined()
        with first.transaction() as tx:
            versions = tx.lock([_ROOT])
            for again in (first, second):
                with expects(ConfigError), again.transaction() as inner:
                    inner.lock([_ROOT])
            tx.write([Insert(_DAY)], roots=versions)
        host.commit()
    assert _seen(open_host, key_of(_DAY)) == ([], [_DAY])


def check_lost_transaction_stays_lost(open_host: OpenHost) -> None:
    """A transaction that died is a HostTransactionLost, every time, until the host rolls it back; nothing is kept."""
    with _hosts(open_host) as host:
        host.begin()
        host.write("before")
        storage = host.joined()
        store(storage, [Insert(_DAY)], roots=[_ROOT])
        host.lose()
        for _ in range(2):
            with expects(HostTransactionLost):
                store(storage, [Insert(_TAG)], roots=[_ROOT])
        with expects(HostTransactionLost):
            fetch(storage, key_of(_DAY))
        host.rollback()
    assert _seen(open_host, key_of(_DAY), key_of(_TAG)) == ([], [None, None])
