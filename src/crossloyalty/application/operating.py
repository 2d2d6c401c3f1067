"""What operators do by hand: correct a balance, put somebody on the deny list. Each call carries an idempotency key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.deciding import decide
from crossloyalty.application.loading import Loaded
from crossloyalty.application.ports import AsyncTransaction, Insert, Replace
from crossloyalty.application.programs import program_hint, program_knowing
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import instant_of
from crossloyalty.domain.checks import clean_text
from crossloyalty.domain.identities import Identity, identity_key
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.ledger import FOREIGN_LOTS, Ledger
from crossloyalty.domain.needs import MoreLots
from crossloyalty.domain.orders import checked_time
from crossloyalty.domain.records import BuyerRecord, Key, MemberRecord, RequestRecord, RootKey
from crossloyalty.domain.rules import GrowthTiers
from crossloyalty.errors import IdempotencyConflict, InvalidInput, WrongType, shown

__all__ = [
    "AdjustResult",
    "BlockResult",
    "CouponUse",
    "Keyed",
    "TierResult",
    "adjust",
    "block",
    "block_buyer",
    "once",
    "set_tier",
    "use_coupon",
]

_LARGEST: Final = 2**53 - 1
_ADJUSTABLE: Final = ("points", "growth", "stored_value")


@attrs.frozen
class AdjustResult:
    """
    What an adjustment did.

    Args:
        applied: False when there was not enough to take; nothing was changed then.
        balance: The spendable balance behind it.
        debt: What is still owed.
    """

    applied: bool
    balance: int
    debt: int


@attrs.frozen
class CouponUse:
    """
    What a notice of use did.

    Args:
        used: Whether the piece was there to be used.
        code: Its template at the gateway, "" when it was not.
    """

    used: bool
    code: str


@attrs.frozen
class TierResult:
    """
    The tier behind the call.

    Args:
        tier: Its name.
        tier_on: The local day it was reached on, "" for the lowest.
    """

    tier: str
    tier_on: str


@attrs.frozen
class BlockResult:
    """
    Whether the member is on the deny list now.

    Args:
        blocked: The state after the call.
        until: When it ends by itself, None: never.
    """

    blocked: bool
    until: datetime | None = None


class Keyed:
    """
    A request under an idempotency key: what was answered to it before, and the row that keeps the answer.

    Args:
        program_id: The program.
        key: The idempotency key.
        request: Everything that makes the request what it is, as plain JSON data.
    """

    __slots__ = ("_digest", "_key", "_program_id")

    def __init__(self, program_id: str, key: str, request: dict[str, Any]) -> None:
        self._program_id = program_id
        self._key = clean_id(key, "key")
        text = json.dumps(request, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        self._digest = hashlib.sha256(text.encode()).hexdigest()

    async def answered(self, tx: AsyncTransaction) -> dict[str, Any] | None:
        """
        Give the answer of the first call, None for the first.

        Raises:
            IdempotencyConflict: The key was used for another request.
        """
        request_key = Key(RequestRecord, (self._program_id, self._key))
        held = cast("RequestRecord | None", (await tx.read([request_key])).records.get(request_key))
        if held is None:
            return None
        if held.digest != self._digest:
            raise IdempotencyConflict(f"the key {shown(self._key)} was used for another request")
        stored: dict[str, Any] = json.loads(held.outcome)
        return stored

    def keep(self, outcome: dict[str, Any], now: int) -> Insert:
        """Give the row that keeps an answer."""
        text = json.dumps(outcome, separators=(",", ":"))
        return Insert(RequestRecord(self._program_id, self._key, self._digest, text, now))


async def once(
    world: World,
    program_id: str,
    key: str,
    request: dict[str, Any],
    root: RootKey,
    decision: Callable[[Batch], dict[str, Any]],
) -> dict[str, Any]:
    """
    Decide something once per key: the key is looked up first, so a repeat answers as the first call did (D19, D20).

    Args:
        world, program_id: As everywhere.
        key: The idempotency key.
        request: Everything that makes the request what it is, as plain JSON data.
        root: The member or buyer it changes.
        decision: Changes the batch, gives the answer as plain JSON data.

    Raises:
        IdempotencyConflict: The key was used for another request.
    """
    keyed = Keyed(program_id, key, request)
    await program_hint(world, program_id)

    async def body(tx: AsyncTransaction) -> dict[str, Any]:
        loaded = Loaded(world, tx, program_id, world.now(), {})
        buyers = [root] if root.kind is BuyerRecord else []
        members = await loaded.lock_homes([str(root.values[1])] if root.kind is MemberRecord else [], buyers)
        versions = loaded.versions
        told = await keyed.answered(tx)
        if told is not None:
            return told
        await loaded.read((), members, buyers)
        batch, outcome = await decide(loaded, decision)
        changes, touched = batch.changes(versions)
        if root.kind is BuyerRecord:
            changes.append(Replace(loaded.buyers[root]))
            touched[root] = versions[root]
        changes.append(keyed.keep(outcome, loaded.now))
        await tx.write(changes, roots=touched, final=True)
        return outcome

    return await world.run(body)


async def adjust(
    world: World, program_id: str, member_id: str, *, asset: str, amount: int, key: str, note: str = ""
) -> AdjustResult:
    """
    Correct a balance by hand.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Whose.
        asset: "points", "growth", "stored_value" (fen).
        amount: Positive gives (debt is repaid first), negative takes from the lots in spending order.
        key: Idempotency key of this correction.
        note: Why; goes into the event, no personal data.

    Returns:
        The balance behind it; taking more than there is changes nothing and says so.

    Raises:
        IdempotencyConflict: The key was used for another correction.
        InvalidInput: The amount is 0 or out of range, or the asset cannot be adjusted.
    """
    if type(amount) is not int:
        raise WrongType(f"amount is a whole number, not {type(amount).__name__}: {shown(amount)}")
    if amount == 0 or abs(amount) > _LARGEST:
        raise InvalidInput(f"amount is not 0 and at most {_LARGEST}: {shown(amount)}")
    clean_id(member_id, "member_id")
    clean_id(asset, "asset")
    clean_text(note, "note")
    if asset not in _ADJUSTABLE:
        raise InvalidInput(f"adjusted are {', '.join(_ADJUSTABLE)}: {shown(asset)}")

    def decision(batch: Batch) -> dict[str, Any]:
        ledger = batch.member(member_id).ledger
        if asset in ledger.gateways:
            raise InvalidInput(f"{asset} of this program live outside; correct them there")
        body = {"asset": asset, "amount": amount, "key": key, "note": note}
        if amount > 0:
            if ledger.balance(asset) + ledger.balance(asset, "pending") + amount > _LARGEST:
                raise InvalidInput(f"the balance would pass {_LARGEST}")
            lot = ledger.open_lot(asset, amount, kind="adjust", issue_at=ledger.at, expires_at=None, request_key=key)
            ledger.emit("growth.changed" if asset == "growth" else f"{asset}.issued", body)
            ledger.repay(lot)
            applied = True
        else:
            applied = _take(ledger, asset, -amount, key)
            if applied:
                ledger.emit("growth.changed" if asset == "growth" else f"{asset}.spent", body)
        if asset == "growth" and applied and isinstance(batch.program.tiers, GrowthTiers):
            batch.member(member_id).retier(fell=amount < 0)
        return {"applied": applied, "balance": ledger.balance(asset), "debt": ledger.balance(asset, "debt")}

    request = {"do": "adjust", "member_id": member_id, "asset": asset, "amount": amount}
    root = Key(MemberRecord, (program_id, member_id))
    return AdjustResult(**await once(world, program_id, key, request, root, decision))


async def use_coupon(world: World, program_id: str, member_id: str, *, lot_no: int, key: str) -> CouponUse:
    """
    Take note that a coupon was used (核销), so that a later refund does not revoke it (D28).

    Args:
        world: The ports.
        program_id: The program.
        member_id: Whose coupon: as `member()` answers it for the numbers of its coupons; somebody who was merged away
            is good for the numbers the gateway was told before that.
        lot_no: The piece.
        key: Idempotency key, such as the gateway's own number of the use.

    Returns:
        Whether it was there to be used; used, revoked, expired and unknown pieces are not.
    """
    clean_id(member_id, "member_id")
    if type(lot_no) is not int or not 1 <= lot_no <= _LARGEST:
        raise InvalidInput(f"lot_no is the number of a piece: {shown(lot_no)}")

    def decision(batch: Batch) -> dict[str, Any]:
        ledger = batch.member(member_id).ledger
        if not ledger.all_lots:
            raise MoreLots(ledger.member_id)
        number = lot_no
        if lot_no < FOREIGN_LOTS and member_id in ledger.origins:
            number = ledger.number_of(member_id, lot_no)  # as the gateway was told before the member was merged away
        lot = ledger.lots.get(number)
        alive = lot is not None and lot.state == "ACTIVE" and (lot.expires_at is None or lot.expires_at > ledger.at)
        if lot is None or not alive or not lot.asset.startswith("coupon:"):
            return {"used": False, "code": ""}
        ledger.take_from_lot(lot, lot.remaining, kind="use", end_state="SPENT", key=key)
        ledger.emit("coupon.used", {"asset": lot.asset, "amount": 1, "lot_no": lot_no})
        return {"used": True, "code": lot.asset.removeprefix("coupon:")}

    request = {"do": "use_coupon", "member_id": member_id, "lot_no": lot_no}
    root = Key(MemberRecord, (program_id, member_id))
    return CouponUse(**await once(world, program_id, key, request, root, decision))


def _take(ledger: Ledger, asset: str, amount: int, key: str) -> bool:
    """Take an amount out of the spendable lots in spending order, all or nothing."""
    lots = ledger.live_lots(asset)
    if sum(lot.remaining - lot.held for lot in lots) < amount:
        return False
    left = amount
    for lot in lots:
        part = min(left, lot.remaining - lot.held)
        ledger.take_from_lot(lot, part, kind="adjust", end_state="SPENT", key=key)
        left -= part
        if not left:
            break
    return True


async def set_tier(world: World, program_id: str, member_id: str, *, tier: str, key: str, note: str = "") -> TierResult:
    """
    Give a tier by hand, or take such tiers back.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Whom.
        tier: A tier's name; it is held to the end of its period whatever was spent. "" takes back what was given so.
        key: Idempotency key.
        note: Why, for the event; no personal data.

    Raises:
        InvalidInput: The program has no such tier above the lowest.
        IdempotencyConflict: The key was used for another request.
    """
    clean_id(member_id, "member_id")
    clean_text(tier, "tier")
    clean_text(note, "note")

    def decision(batch: Batch) -> dict[str, Any]:
        levels = () if batch.program.tiers is None else batch.program.tiers.levels[1:]
        if tier and all(level.name != tier for level in levels):
            raise InvalidInput(f"no tier above the lowest is named {shown(tier)}")
        member = batch.member(member_id)
        member.ledger.emit("tier.granted", {"tier": tier, "key": key, "note": note})
        member.grant_tier(tier)
        return {"tier": member.tier_name(), "tier_on": member.tier_on}

    request = {"do": "set_tier", "member_id": member_id, "tier": tier}
    root = Key(MemberRecord, (program_id, member_id))
    return TierResult(**await once(world, program_id, key, request, root, decision))


async def block(
    world: World, program_id: str, member_id: str, *, reason: str, until: datetime | None, key: str
) -> BlockResult:
    """
    Put a member on the deny list, or take them off it: no new claims, no spending; what was granted stays.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Whom.
        reason: Why, for staff; empty takes them off.
        until: When it ends by itself; None: never.
        key: Idempotency key.
    """
    clean_id(member_id, "member_id")
    ends = _checked_block(reason, until)

    def decision(batch: Batch) -> dict[str, Any]:
        member = batch.member(member_id)
        member.set_root(member.root._replace(blocked_reason=reason, blocked_until=ends))
        if member.links.blocked_by:
            member.set_links(attrs.evolve(member.links, blocked_by=""))  # it is their own from now on
        return {"blocked": bool(reason)}

    request = {"do": "block", "member_id": member_id, "reason": reason, "until": ends}
    root = Key(MemberRecord, (program_id, member_id))
    await once(world, program_id, key, request, root, decision)
    return BlockResult(bool(reason), until)


async def block_buyer(
    world: World,
    program_id: str,
    *,
    platform: str,
    buyer_id: str,
    scope: str = "",
    reason: str,
    until: datetime | None,
    key: str,
) -> BlockResult:
    """
    Put a platform's buyer identity on the deny list, or take it off: nobody converts its orders.

    Args:
        world: The ports.
        program_id: The program.
        platform, buyer_id, scope: The identity, as for `bind`.
        reason, until, key: As for `block`.
    """
    ends = _checked_block(reason, until)
    program = await program_knowing(world, program_id, [platform])
    root = identity_key(program_id, Identity(platform, buyer_id, scope), program.known_platforms)
    family = root.values[1]

    def decision(batch: Batch) -> dict[str, Any]:
        buyer = batch.loaded.buyers[root]
        batch.loaded.buyers[root] = buyer._replace(blocked_reason=reason, blocked_until=ends)
        return {"blocked": bool(reason)}

    request = {"do": "block", "buyer": [family, scope, buyer_id], "reason": reason, "until": ends}
    await once(world, program_id, key, request, root, decision)
    return BlockResult(bool(reason), until)


def _checked_block(reason: str, until: datetime | None) -> int | None:
    clean_text(reason, "reason")
    return None if until is None else instant_of(checked_time(until, "until"))
