"""
What the sources said about one order, merged: which message wins, field by field.

The facts of an order are one JSON document: per source kind the snapshot with the greatest version, and per refund
id the greatest version of that refund. Version = (modification time, status rank, hash of the content); an absent time
is the lowest. So merging is commutative, associative and idempotent: order and doubling of messages do not matter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

from crossloyalty.domain.calendar import instant_of
from crossloyalty.domain.jsontext import json_text
from crossloyalty.domain.orders import Line, Milestone, Order, Refund, RefundStatus

__all__ = [
    "ERASED",
    "Doubt",
    "Facts",
    "Fields",
    "Version",
    "dump_facts",
    "erase_facts",
    "is_outdated",
    "load_facts",
    "merge_doubt",
    "merge_milestone",
    "merge_order",
    "merge_refund",
    "order_fields",
    "reworded",
    "stated",
]

Fields: TypeAlias = dict[str, Any]
Version: TypeAlias = list[Any]
Facts: TypeAlias = dict[str, Any]

UNKNOWN_TIME: Final = -1


class Doubt(NamedTuple):
    """
    That a source told something of an order which cannot be believed, or that this is over.

    Args:
        subject: "" for the order itself, else the id of one of its refunds.
        code: What is wrong; "" ends it.
        at: When it was told, in microseconds.
    """

    subject: str
    code: str
    at: int


_REFUND_RANKS: Final = {
    RefundStatus.OPEN: 0,
    RefundStatus.CLOSED: 1,
    RefundStatus.SUCCESS: 2,
    RefundStatus.PAYOUT_FAILED: 3,
}
_PLAIN: Final = (
    "shop_id",
    "buyer_id",
    "buyer_scope",
    "beneficiary_id",
    "currency",
    "paid_fen",
    "shipping_fen",
    "subsidy_fen",
    "own_value_fen",
    "refunded_fen",
    "refund_open",
    "receiver_phone_index",
    "receiver_tail_index",
)
_TIMES: Final = ("created_at", "paid_at", "finished_at")
_PLAIN_OF: Final = attrgetter(*_PLAIN)
_TIMES_OF: Final = attrgetter(*_TIMES)
_LINE_PLAIN: Final = (
    "paid_fen",
    "refunded_fen",
    "is_free_gift",
    "product_id",
    "category",
    "quantity",
)
_LINE_PLAIN_OF: Final = attrgetter(*_LINE_PLAIN)


# What of an order names a person, or leads to one.
_PERSONAL: Final = frozenset(
    ("buyer_id", "buyer_scope", "beneficiary_id", "receiver_phone_index", "receiver_tail_index")
)
# Marks the facts of an order whose person was erased.
ERASED: Final = "erased"


class _Told(dict[str, Any]):
    """Fields with the text their digest was made of, so that it is not written a second time; never changed."""

    __slots__ = ("text",)
    text: str


def load_facts(text: str) -> Facts:
    """Read the stored document; the empty text is an order nobody has described yet."""
    if not text:
        return {"snapshots": {}, "refunds": {}}
    facts: Facts = json.loads(text)
    return facts


def dump_facts(facts: Facts) -> str:
    """Give the document to store."""
    snapshots: Mapping[str, Any] = facts["snapshots"]
    if len(snapshots) == 1 and tuple(facts) == ("snapshots", "refunds"):
        ((source, snapshot),) = snapshots.items()
        fields = snapshot["fields"]
        if type(fields) is _Told:
            # What `json_text` would give of it all: an order that one source has just told of, as most are stored.
            modified, rank, digest = snapshot["version"]
            told = f'"{source}":{{"version":[{modified},{rank},"{digest}"],"fields":{fields.text}}}'
            refunds = facts["refunds"]
            return f'{{"snapshots":{{{told}}},"refunds":{json_text(refunds) if refunds else "{}"}}}'
    return json_text(facts)


def order_fields(order: Order) -> Fields:
    """
    Give what a snapshot states: plain values, times as microseconds, unstated fields left out.

    Args:
        order: As a source gave it.
    """
    fields: Fields = {"platform": order.platform}
    # An enum's own `_value_` is its `value` without a call of Python code.
    if order.status is not None:
        fields["status"] = order.status._value_
    if order.kind is not None:
        fields["kind"] = order.kind._value_
    for name, value in zip(_PLAIN, _PLAIN_OF(order), strict=True):
        if value is not None:
            fields[name] = value
    for name, value in zip(_TIMES, _TIMES_OF(order), strict=True):
        if value is not None:
            fields[name] = instant_of(value)
    if order.flags is not None:
        fields["flags"] = sorted(order.flags)
    if order.lines is not None:
        fields["lines"] = [_line_fields(line) for line in order.lines]
    return fields


def _line_fields(line: Line) -> Fields:
    fields: Fields = {"line_id": line.line_id}
    if line.status is not None:
        fields["status"] = line.status._value_
    if line.finished_at is not None:
        fields["finished_at"] = instant_of(line.finished_at)
    for name, value in zip(_LINE_PLAIN, _LINE_PLAIN_OF(line), strict=True):
        if value is not None:
            fields[name] = value
    return fields


def merge_order(facts: Facts, order: Order) -> bool:
    """
    Take a snapshot in.

    Args:
        facts: The order's facts; changed in place.
        order: What a source says now.

    Returns:
        Whether anything changed; an older or equal snapshot of the same source kind changes nothing (F-25).
    """
    fields = order_fields(order)
    if ERASED in facts:
        fields = _without_person(fields)
    told = _Told(fields)
    told.text = json_text(fields)
    version = [*_order_moment(order), _digest_of(told.text)]
    snapshots = facts["snapshots"]
    source = order.source._value_
    held = snapshots.get(source)
    if held is not None and held["version"] >= version:
        return False
    snapshots[source] = {"version": version, "fields": told}
    return True


def erase_facts(facts: Facts) -> None:
    """Take out whatever names a person, and see that no later message brings it back; amounts and states stay."""
    for snapshot in facts["snapshots"].values():
        snapshot["fields"] = _without_person(snapshot["fields"])
    facts[ERASED] = True


def reworded(snapshot: Fields, values: Mapping[str, Any]) -> None:
    """
    Put other spellings of the same values into a snapshot, so that a source which tells those again tells nothing new.

    Args:
        snapshot: Of one source; changed in place.
        values: By the names of fields.
    """
    fields = snapshot["fields"] = {**snapshot["fields"], **values}
    snapshot["version"] = [*snapshot["version"][:-1], _digest(fields)]


def _without_person(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name not in _PERSONAL}


def _order_moment(order: Order) -> tuple[int, int]:
    modified = UNKNOWN_TIME if order.modified_at is None else instant_of(order.modified_at)
    return modified, -1 if order.status is None else order.status.rank


def merge_refund(facts: Facts, refund: Refund) -> bool:
    """
    Take a refund in; the same refund id again replaces it only under a greater version (D9).

    Returns:
        Whether anything changed.
    """
    fields = _refund_fields(refund)
    version = _refund_version(refund, fields)
    refunds = facts["refunds"]
    held = refunds.get(refund.refund_id)
    if held is not None and held["version"] >= version:
        return False
    refunds[refund.refund_id] = {"version": version, "fields": fields}
    return True


def _refund_fields(refund: Refund) -> Fields:
    fields: Fields = {"status": refund.status.value, "amount_fen": refund.amount_fen}
    for name in ("line_id", "goods_fen", "shipping_fen", "subsidy_fen"):
        value = getattr(refund, name)
        if value is not None:
            fields[name] = value
    if refund.kind is not None:
        fields["kind"] = refund.kind.value
    return fields


def _refund_version(refund: Refund, fields: Fields) -> Version:
    modified = UNKNOWN_TIME if refund.modified_at is None else instant_of(refund.modified_at)
    return [modified, _REFUND_RANKS[refund.status], _digest(fields)]


def is_outdated(facts: Facts, item: Order | Refund | Milestone) -> bool:
    """
    Say whether an item tells something else than what is known, and is older.

    Args:
        facts: The order's facts.
        item: What a source says.
    """
    if isinstance(item, Order):
        held = facts["snapshots"].get(item.source.value)
        version = [*_order_moment(item), _digest(order_fields(item))]
    elif isinstance(item, Refund):
        held = facts["refunds"].get(item.refund_id)
        version = _refund_version(item, _refund_fields(item))
    else:
        return False
    return held is not None and held["version"] > version and held["version"][-1] != version[-1]


def merge_milestone(facts: Facts, milestone: Milestone) -> bool:
    """
    Take a milestone in; of several of one name the earliest stays.

    Returns:
        Whether anything changed.
    """
    milestones = facts.setdefault("milestones", {})
    at = instant_of(milestone.at)
    held = milestones.get(milestone.event)
    if held is not None and held <= at:
        return False
    milestones[milestone.event] = at
    return True


def merge_doubt(facts: Facts, doubt: Doubt) -> bool:
    """
    Take a doubt in; while an order has one, nobody newly converts it.

    Returns:
        Whether anything changed.
    """
    held = facts.get("doubts", {})
    if not doubt.code:
        if doubt.subject not in held:
            return False
        del held[doubt.subject]
        if not held:
            del facts["doubts"]
        return True
    before = held.get(doubt.subject)
    facts.setdefault("doubts", {})[doubt.subject] = [doubt.code, doubt.at if before is None else before[1]]
    return before is None or before[0] != doubt.code


def stated(facts: Facts) -> tuple[Fields, Mapping[str, int]]:
    """
    Take each field from the greatest version that states it.

    Returns:
        The fields, and for `refunded_fen` and `lines` the modification time of the snapshot that stated them.
    """
    snapshots = facts["snapshots"].values()
    if len(snapshots) == 1:
        (only,) = snapshots
        modified = only["version"][0]
        return only["fields"], {"refunded_fen": modified, "lines": modified}
    fields: Fields = {}
    stated_at: dict[str, int] = {}
    for snapshot in sorted(snapshots, key=lambda snapshot: snapshot["version"]):
        fields.update(snapshot["fields"])
        for name in ("refunded_fen", "lines"):
            if name in snapshot["fields"]:
                stated_at[name] = snapshot["version"][0]
    return fields, stated_at


def _digest(fields: Fields) -> str:
    return _digest_of(json_text(fields))


def _digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
