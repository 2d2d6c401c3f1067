"""
The identities of a member as one: list them, carry them to another member, blank them.

Every identity, whatever its kind, is a row of one class with a history of its bindings; both say the same (I-50).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from crossloyalty.application.identifying import ACTIVE, UNBOUND
from crossloyalty.application.ports import AsyncTransaction, Change, Insert, Replace, Scan
from crossloyalty.domain.records import BindingRecord, BuyerRecord, Key

__all__ = ["carried", "identities_of", "identity_key", "identity_name"]


async def identities_of(tx: AsyncTransaction, program_id: str, members: Iterable[str]) -> list[BuyerRecord]:
    """List the identities of some members; one round trip."""
    found = await tx.read(scans=[Scan(BuyerRecord, (program_id, each), by="by_member") for each in members])
    return [cast(BuyerRecord, row) for rows in found.rows for row in rows]


async def carried(
    tx: AsyncTransaction, rows: Sequence[BuyerRecord], member_id: str, *, now: int, why: str
) -> list[Change]:
    """
    Carry identities to another member, as strongly bound as they were.

    Args:
        tx: For reading their history.
        rows: Identities that are bound; their roots are locked.
        member_id: To whom.
        now: The moment, in microseconds.
        why: "merged" or "unmerged", kept with the binding that ends.

    Returns:
        What to write; the roots are among it.
    """
    if not rows:
        return []
    histories = (await tx.read(scans=[Scan(BindingRecord, row[:4]) for row in rows])).rows
    ended: list[BindingRecord] = []
    begun: list[BindingRecord] = []
    for row, history in zip(rows, histories, strict=True):
        number = row.binding_no
        for held in cast("Sequence[BindingRecord]", history):
            if held.state == ACTIVE:
                number += 1
                ended.append(held._replace(state=UNBOUND, ended_at=now, ended_why=why))
                begun.append(held._replace(binding_no=number, member_id=member_id, bound_at=now))
    numbers = {new[:4]: new.binding_no for new in begun}
    changes: list[Change] = [
        Replace.of([row._replace(member_id=member_id, binding_no=numbers.get(row[:4], row.binding_no)) for row in rows])
    ]
    if ended:
        changes += [Replace.of(ended), Insert.of(begun)]
    return changes


def identity_name(row: BuyerRecord) -> tuple[str, str, str]:
    """Name an identity inside its program."""
    return row.family, row.scope, row.buyer_id


def identity_key(program_id: str, name: Sequence[str]) -> Key:
    """Give the key of an identity that `identity_name` has named."""
    return Key(BuyerRecord, (program_id, *name))
