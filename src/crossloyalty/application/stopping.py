"""
Requests of members and devices that are locked: answered without a look at the orders they are for (D14).

A claim's own transaction locks and reads every order it is asked for, and leaves a row for each number that is none. So
whoever this process has seen locked is looked at alone first, and only an order that is theirs goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from crossloyalty.application.batch import Batch
from crossloyalty.application.guessing import Asking, device_key
from crossloyalty.application.ports import AsyncTransaction, Found, Scan
from crossloyalty.application.standing import links_key, standing_for
from crossloyalty.application.world import World
from crossloyalty.domain.answers import ClaimResult
from crossloyalty.domain.attempts import load_tries
from crossloyalty.domain.identities import PHONE
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.program import Program
from crossloyalty.domain.reasons import Reason
from crossloyalty.domain.records import (
    AliasRecord,
    BuyerRecord,
    ClaimRecord,
    Key,
    LimitRecord,
    MemberRecord,
    OrderRecord,
    key_of,
)

if TYPE_CHECKING:
    from crossloyalty.application.claiming import Asked

__all__ = ["answer_locked", "remember_locks"]

_MOST_LOCKS: Final = 10_000
_MOST_IDENTITIES: Final = 200


def remember_locks(world: World, batch: Batch, asking: Iterable[Asking], devices: Iterable[LimitRecord]) -> None:
    """Remember who is locked now; a hint, so it does no harm if what was decided is never committed."""
    rows: list[MemberRecord | LimitRecord] = [batch.member(each.member_id).root for each in asking]
    for row in (*rows, *devices):
        if row.attempts and (tries := load_tries(row.attempts)).locked(batch.now):
            if len(world.locks) >= _MOST_LOCKS:
                world.locks.clear()
            world.locks[key_of(row)] = tries.until


async def answer_locked(world: World, program: Program, asked: Sequence[Asked]) -> Mapping[int, ClaimResult]:
    """
    Answer the requests that come behind a lock and are not for an order of the asker's own.

    Args:
        world: Remembers locks.
        program: The rules.
        asked: All requests of a call.

    Returns:
        Answers by the places of the requests; the others have to be looked at.
    """
    now = world.now()
    suspects: dict[int, Asked] = {}
    for place, each in enumerate(asked):
        if each.key is not None and each.request.proof.kind != "by_host":
            home = world.home(program.program_id, each.request.member_id)
            roots = _roots(program.program_id, home, each)
            if any(world.locks.get(root, 0) > now for root in roots):
                suspects[place] = each
    if not suspects:
        return {}

    async def body(tx: AsyncTransaction) -> dict[int, ClaimResult]:
        return await _answer(world, tx, program, suspects)

    return await world.run(body, readonly=True)


def _roots(program_id: str, home: str, each: Asked) -> list[Key]:
    """Name the rows that hold the attempts of a member and of a device; those of an order are looked at with it."""
    roots = [Key(MemberRecord, (program_id, home))]
    return [*roots, device_key(program_id, each.request.device)] if each.request.device else roots


async def _answer(
    world: World, tx: AsyncTransaction, program: Program, suspects: Mapping[int, Asked]
) -> dict[int, ClaimResult]:
    program_id, now = program.program_id, world.now()
    homes = {each.request.member_id: world.home(program_id, each.request.member_id) for each in suspects.values()}
    names_of = {place: _roots(program_id, homes[each.request.member_id], each) for place, each in suspects.items()}
    roots = dict.fromkeys(root for named in names_of.values() for root in named)
    found = await tx.read([*(links_key(program_id, home) for home in dict.fromkeys(homes.values())), *roots])
    ids = {home: standing_for(world, found, program_id, home, each).ids(home) for each, home in homes.items()}
    locked = {root for root in roots if _is_locked(found, root, now)}
    # Who is on the deny list hears that instead.
    denied = {home for home in ids if _is_denied(found, program_id, home, now)}
    late = {
        place: (each, homes[each.request.member_id])
        for place, each in suspects.items()
        if homes[each.request.member_id] not in denied and locked.intersection(names_of[place])
    }
    names, hold = await _what_they_have(tx, program_id, {home: ids[home] for _, home in late.values()})
    # Who has no identity and no claim can have no order, so none is looked at.
    keys = {place: cast(OrderKey, each.key) for place, (each, home) in late.items() if names[home] or home in hold}
    orders = await tx.read([Key(kind, key) for key in keys.values() for kind in (OrderRecord, AliasRecord)])
    answers = {}
    for place, (each, home) in late.items():
        if place not in keys or not _may_be_theirs(orders, keys[place], ids[home], names[home]):
            root = cast("MemberRecord | None", found.records.get(Key(MemberRecord, (program_id, home))))
            answers[place] = _locked(each, home, program, "" if root is None else root.tier)
    return answers


def _is_locked(found: Found, root: Key, now: int) -> bool:
    row = cast("MemberRecord | LimitRecord | None", found.records.get(root))
    return row is not None and load_tries(row.attempts).locked(now)


def _is_denied(found: Found, program_id: str, member_id: str, now: int) -> bool:
    row = cast("MemberRecord | None", found.records.get(Key(MemberRecord, (program_id, member_id))))
    return bool(row is not None and row.blocked_reason and (row.blocked_until is None or row.blocked_until > now))


async def _what_they_have(
    tx: AsyncTransaction, program_id: str, ids: Mapping[str, Sequence[str]]
) -> tuple[dict[str, set[tuple[object, ...]]], set[str]]:
    """Read the identities of members, and who of them holds any claim."""
    scans = [Scan(BuyerRecord, (program_id, home), by="by_member", limit=_MOST_IDENTITIES) for home in ids]
    whose = [home for home, every in ids.items() for _ in every]
    scans += [
        Scan(ClaimRecord, (program_id, each), by="by_member", limit=1) for every in ids.values() for each in every
    ]
    rows = (await tx.read(scans=scans)).rows if scans else []
    names: dict[str, set[tuple[object, ...]]] = {
        home: {tuple(row[1:4]) for row in part} for home, part in zip(ids, rows[: len(ids)], strict=True)
    }
    return names, {home for home, part in zip(whose, rows[len(ids) :], strict=True) if part}


def _may_be_theirs(orders: Found, key: OrderKey, ids: Sequence[str], names: set[tuple[object, ...]]) -> bool:
    order = cast("OrderRecord | None", orders.records.get(Key(OrderRecord, key)))
    alias = cast("AliasRecord | None", orders.records.get(Key(AliasRecord, key)))
    if len(names) >= _MOST_IDENTITIES or (alias is not None and alias.order_no != key.order_no):
        return True  # too much to be sure here, or a sub-order's number, whose order has to be found first
    if order is None:
        return False
    bought = {(order.family, order.buyer_scope, order.buyer_id), (PHONE, "", order.phone_index)}
    return order.owner_id in ids or not bought.isdisjoint(names)


def _locked(asked: Asked, home: str, program: Program, tier: str) -> ClaimResult:
    request, tiers = asked.request, program.tiers
    name = "" if tiers is None else tier or tiers.levels[0].name
    number = cast(OrderKey, asked.key).order_no
    return ClaimResult(home, request.platform, number, reasons=(Reason.TOO_MANY_ATTEMPTS,), tier=name)
