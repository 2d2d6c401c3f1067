"""Deliveries: what is to be done outside, listed, and what became of it, noted once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.deciding import decide
from crossloyalty.application.loading import Loaded
from crossloyalty.application.pages import Page, cursor_of, row_behind
from crossloyalty.application.ports import AsyncTransaction, Replace, Scan
from crossloyalty.application.programs import program_hint
from crossloyalty.application.standing import read_links
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import time_of
from crossloyalty.domain.external import note_shortfall
from crossloyalty.domain.grants import ELSEWHERE, Grant
from crossloyalty.domain.jsontext import json_text
from crossloyalty.domain.keys import OrderKey, clean_id
from crossloyalty.domain.records import ClaimRecord, DeliveryRecord, Key, MemberRecord, OrderRecord
from crossloyalty.errors import IdempotencyConflict, InvalidInput, WrongType, shown

__all__ = ["Delivery", "DeliveryAnswer", "answer_delivery", "page_of_deliveries"]

_DONE: Final = "DONE"
# Cursors are bound to their list: no member can have such an id, because it begins with a blank.
_LIST: Final = " deliveries"


@attrs.frozen
class Delivery:
    """
    Something to be done outside.

    Args:
        key: Its idempotency key: give it to the other side, so that a repeat does nothing twice.
        gateway: Who does it.
        kind: "points.issue", "points.revoke", "coupon.issue" …
        member_id: For whom.
        body: What: `asset` and `amount`, or `code` of a coupon; times in microseconds since 1970 UTC.
        created_at: When it was decided.
    """

    key: str
    gateway: str
    kind: str
    member_id: str
    body: Mapping[str, Any]
    created_at: datetime


@attrs.frozen
class DeliveryAnswer:
    """
    What a gateway's answer led to.

    Args:
        amount: What was done outside.
        shortfall: What could not be taken back; it is owed or written off, as `ClawBack` says.
    """

    amount: int
    shortfall: int


async def page_of_deliveries(world: World, program_id: str, limit: int, after: str | None) -> Page[Delivery]:
    """List the deliveries that wait to be done; those of one member stand in the order they were decided in."""
    if type(limit) is not int or not 1 <= limit <= 1000:
        raise InvalidInput(f"limit lies between 1 and 1000: {shown(limit)}")
    place = row_behind(after, program_id, _LIST)
    behind = None if place is None else (program_id, *place[2:])
    scan = Scan(DeliveryRecord, (program_id, "PENDING"), by="by_state", limit=limit + 1, after=behind)

    async def body(tx: AsyncTransaction) -> list[DeliveryRecord]:
        return cast("list[DeliveryRecord]", list((await tx.read(scans=[scan])).rows[0]))

    rows = await world.run(body, readonly=True)
    page = rows[:limit]
    more = len(rows) > limit
    items = tuple(
        Delivery(
            row.delivery_key, row.gateway, row.kind, row.member_id, json.loads(row.payload), time_of(row.created_at)
        )
        for row in page
    )
    last = page[-1] if more else None
    return Page(
        items,
        None if last is None else cursor_of((last.state, last.lane, last.member_id, last.seq), program_id, _LIST),
    )


async def answer_delivery(
    world: World, program_id: str, delivery_key: str, *, amount: int | None = None
) -> DeliveryAnswer:
    """
    Note that a delivery was done outside.

    Args:
        world: The ports.
        program_id: The program.
        delivery_key: As `page_of_deliveries` gives it.
        amount: What was done; None: all of it. Only what was to be taken back may be less.

    Returns:
        The outcome; the same answer again changes nothing.

    Raises:
        InvalidInput: There is no such delivery, or the amount cannot be one.
        IdempotencyConflict: Another amount was noted before.
    """
    if amount is not None and type(amount) is not int:
        raise WrongType(f"amount is a whole number, not {type(amount).__name__}: {shown(amount)}")
    key = _key_of(program_id, delivery_key)
    await program_hint(world, program_id)

    async def look(tx: AsyncTransaction) -> DeliveryRecord:
        found = (await tx.read([key])).records.get(key)
        if found is None:
            raise InvalidInput(f"there is no delivery {shown(delivery_key)}")
        return cast(DeliveryRecord, found)

    async def holder_of(tx: AsyncTransaction) -> str:
        # The delivery of a member that was merged, or has left again, is about whoever has the claim now; of a claim
        # that has moved on, about whoever it was made with.
        claim_key = None if order is None else Key(ClaimRecord, order)
        if claim_key is None:
            return seen.member_id
        held = cast("ClaimRecord | None", (await tx.read([claim_key])).records.get(claim_key))
        if held is not None and held.holder_no == payload["holder_no"]:
            return held.member_id
        return await _earlier_holder(tx, seen, (*claim_key.values[1:], payload["holder_no"]))

    # What a delivery is for never changes, so the roots to lock are known from a look without a lock.
    seen = await world.run(look, readonly=True)
    payload = json.loads(seen.payload)
    asked = payload.get("amount", 1)
    done = asked if amount is None else amount
    if not 0 <= done <= asked or (done < asked and not seen.kind.endswith(".revoke")):
        raise InvalidInput(f"{seen.kind} of {asked} cannot be answered with {shown(done)}")
    order = OrderKey(program_id, payload["family"], payload["order_no"]) if payload.get("order_no") else None

    named = await world.run(holder_of, readonly=True)

    async def body(tx: AsyncTransaction) -> DeliveryAnswer:
        loaded = Loaded(world, tx, program_id, world.now(), {})
        homes = await loaded.lock_homes([named], [Key(OrderRecord, order)] if order is not None else [])
        versions = loaded.versions
        row = await look(tx)
        held = json.loads(row.payload).get("answered")
        if held is not None:
            if held != done:
                raise IdempotencyConflict(f"delivery {shown(delivery_key)} was answered with {held} before")
            return DeliveryAnswer(done, asked - done)
        await loaded.read([] if order is None else [order], homes)
        await loaded.read_more()

        def decision(batch: Batch) -> None:
            if done < asked:
                body = {"issued_to": seen.member_id, **payload}
                _fall_short(batch, named, order, body, asked - done)

        batch, _ = await decide(loaded, decision)
        changes, touched = batch.changes(versions)
        answered = row._replace(state=_DONE, next_due_at=None, payload=json_text({**payload, "answered": done}))
        member_root = Key(MemberRecord, (program_id, *homes))
        touched.setdefault(member_root, versions[member_root])
        await tx.write([*changes, Replace(answered)], roots=touched, final=True)
        return DeliveryAnswer(done, asked - done)

    return await world.run(body)


async def _earlier_holder(tx: AsyncTransaction, seen: DeliveryRecord, claim: tuple[Any, ...]) -> str:
    """
    Say with whom a claim was made that has moved on since.

    It was kept wherever the claim stood when it moved. That may be above, or below, whoever stood for its holder when
    the delivery was written.
    """
    program_id, asked = seen.program_id, seen.member_id
    links = await read_links(tx, program_id, [asked])
    links |= await read_links(tx, program_id, links[asked].origins)
    return next((who for each in links.values() for *of, who in each.moved if tuple(of) == claim), asked)


def _key_of(program_id: str, delivery_key: str) -> Key:
    """Read a delivery's key; one of another program is refused."""
    clean_id(delivery_key, "delivery_key")
    begin = program_id + "/"
    member_id, _, seq = delivery_key.removeprefix(begin).rpartition("/")
    if not delivery_key.startswith(begin) or not member_id or not (seq.isascii() and seq.isdigit() and len(seq) < 19):
        raise InvalidInput(f"no key of a delivery of this program: {shown(delivery_key)}")
    return Key(DeliveryRecord, (program_id, member_id, int(seq)))


def _fall_short(batch: Batch, member_id: str, order: OrderKey | None, payload: dict[str, Any], missing: int) -> None:
    """Tell the grant behind a claw-back, at its claim or at the member, what was not taken."""
    member, rule_id, asset = batch.member(member_id), payload["rule_id"], payload["asset"]
    payload = {**payload, "lot_no": member.ledger.number_of(payload["issued_to"], payload["lot_no"])}
    state = None if order is None else batch.order(order)
    claim = None if state is None else state.claim
    program = batch.program if claim is None else batch.program_of(claim)
    policy = program.on_refund.of(asset)
    rule = program.rewards_by_id.get(rule_id)
    if state is None or claim is None or rule is None or rule.once_per_member:
        row, once = member.gift_row(rule_id)
        # Members that are one may have been given it each: it was the grant of this lot that was taken back. It may
        # have left with its lot since, and what was given before is never given or taken again: then the ledger
        # alone keeps this.
        same = next((each for each in (once, *once.also) if each.lot_no == payload["lot_no"]), None)
        note_shortfall(member.ledger, Grant(rule_id) if same is None else same, payload, missing, policy)
        if same is not None and row.grant != ELSEWHERE:
            member.put_gift(row._replace(grant=member.text_of(once)))
        return
    if claim.holder_no != payload["holder_no"] or batch.home(claim.member_id) != member.member_id:
        # The claim has moved on since; its holder then has no grant any more, and the ledger alone keeps this.
        note_shortfall(member.ledger, Grant(rule_id), payload, missing, policy)
        return
    grants = member.grants_of(claim.member_id, claim.grants)
    for grant in grants:
        if grant.rule_id == rule_id:
            note_shortfall(member.ledger, grant, payload, missing, policy)
    state.claim = claim._replace(grants=member.text_of_grants(claim.member_id, grants))
