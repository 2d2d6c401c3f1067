"""Small tools of the checks: rows to store, ways to store and fetch them, callers that run at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from crossloyalty.application.ports import Change, Replace, Scan, Storage
from crossloyalty.domain.records import Key, MemberRecord, Record, RootKey, key_of
from crossloyalty.errors import Retryable
from crossloyalty.testing._tables import SHAPES

__all__ = ["HERE", "THERE", "at_once", "blank", "expects", "fetch", "member_root", "retried", "rows", "store"]

HERE = "kit-here"
THERE = "kit-there"
_T = TypeVar("_T")
_TRIES = 200
_PATIENCE_S = 60.0


def blank(kind: type[Record], /, *key: str | int, **fields: Any) -> Any:
    """
    Give a record of this key whose other fields are empty, 0 or absent.

    Args:
        key: The first fields of its key; the rest of the key is empty or 0.
        fields: Any field by name.
    """
    shape = SHAPES[kind]
    given = dict(zip(shape.key, key, strict=False)) | fields
    values: Any = [
        given.get(column.name, None if column.nullable else "" if column.is_text else 0) for column in shape.columns
    ]
    make: Any = kind
    return make(*values)


def member_root(member_id: str = "m", program_id: str = HERE) -> RootKey:
    """Name a member's root."""
    return Key(MemberRecord, (program_id, member_id))


def store(storage: Storage, changes: Sequence[Change], *, roots: Iterable[RootKey] = ()) -> None:
    """Write changes in one transaction that locks and bumps these roots and those that are replaced."""
    replaced = [key_of(record) for change in changes if isinstance(change, Replace) for record in change]
    wanted = {*roots, *(key for key in replaced if SHAPES[key.kind].is_root)}
    with storage.transaction() as tx:
        versions = tx.lock(wanted)
        tx.write(changes, roots=versions)


def fetch(storage: Storage, *keys: Key) -> list[Any]:
    """Read records by key in a readonly transaction; None where there is none."""
    with storage.transaction(readonly=True) as tx:
        found = tx.read(keys).records
    return [found.get(key) for key in keys]


def rows(storage: Storage, scan: Scan) -> list[Any]:
    """Read one scan in a readonly transaction."""
    with storage.transaction(readonly=True) as tx:
        return list(tx.read(scans=[scan]).rows[0])


def retried(call: Callable[[], _T]) -> _T:
    """
    Call again while the store says "try again", as every use case does.

    Raises:
        Retryable: It still says so after 200 tries.
    """
    for _ in range(_TRIES - 1):
        try:
            return call()
        except Retryable:
            continue
    return call()


def at_once(*calls: Callable[[], _T]) -> list[_T | BaseException]:
    """
    Run calls in threads that start together.

    Returns:
        For each call what it returned, or what it raised.
    """
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [AssertionError("the call did not end")] * len(calls)

    def run(place: int) -> None:
        try:
            barrier.wait(_PATIENCE_S)
            results[place] = calls[place]()
        except BaseException as error:  # noqa: BLE001 - handed to the caller as a value
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_PATIENCE_S)
    return results


@contextmanager
def expects(*kinds: type[BaseException]) -> Any:
    """Assert that the block raises one of these."""
    try:
        yield
    except kinds:
        return
    names = " or ".join(kind.__name__ for kind in kinds)
    raise AssertionError(f"nothing was raised where {names} was due")
