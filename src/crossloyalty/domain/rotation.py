"""What becomes of blind indexes when their key changes: identities, orders and proofs under the new version."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from crossloyalty.domain.facts import dump_facts, load_facts, reworded
from crossloyalty.domain.records import BindingRecord, BuyerRecord

__all__ = ["TwoMembers", "blank", "reindexed_facts", "reindexed_proof", "united"]

_FIELDS: Final = ("receiver_phone_index", "receiver_tail_index")
_ACTIVE: Final = "ACTIVE"


class TwoMembers(Exception):
    """A phone is bound under two versions to different members; somebody has to decide whose it is."""

    def __init__(self, members: Sequence[str]) -> None:
        super().__init__(members)
        self.members = members


def blank(row: BuyerRecord) -> BuyerRecord:
    """Give the row of an identity of which nothing is known any more."""
    return BuyerRecord(*row[:5])


def united(
    target: BuyerRecord, rows: Sequence[BuyerRecord], histories: Sequence[Sequence[BindingRecord]], now: int
) -> tuple[BuyerRecord, list[BindingRecord]]:
    """
    Put what is known of one phone under several indexes together; of one binding the word that it ended counts.

    Args:
        target: The row that will say it all.
        rows: What is known, oldest version first; *target* may be among them.
        histories: Their bindings.
        now: The moment, in microseconds.

    Returns:
        The row under the key of *target*, and its history.

    Raises:
        TwoMembers: Two members have it, and neither binding has ended.
    """
    bindings: dict[tuple[str, int, str, int], BindingRecord] = {}
    for history in histories:
        counts: Counter[tuple[str, int, str]] = Counter()
        for row in history:
            same = row.member_id, row.bound_at, row.via
            counts[same] += 1
            name = *same, counts[same]
            held = bindings.get(name)
            # A binding never comes back to life and a wish is decided once, so what has ended is the later word.
            if held is None or held.ended_at is None:
                bindings[name] = row
    ordered = sorted(bindings.values(), key=lambda row: (row.bound_at, row.binding_no, row.member_id, row.via))
    active = [row for row in ordered if row.state == _ACTIVE]
    if len({row.member_id for row in active}) > 1:
        raise TwoMembers(sorted({row.member_id for row in active}))
    twice = active[:-1]  # the same member's, bound under each version apart
    kept = [
        row._replace(state="UNBOUND", ended_at=now, ended_why="reindexed") if row in twice else row for row in ordered
    ]
    history = [
        BindingRecord(*target[:4], number, *row[5:])  # type: ignore[arg-type]  # the text fields of a key
        for number, row in enumerate(kept, start=1)
    ]
    blocked = max(rows, key=lambda row: (bool(row.blocked_reason), row.blocked_until is None, row.blocked_until or 0))
    one = blank(target)._replace(
        blocked_reason=blocked.blocked_reason, blocked_until=blocked.blocked_until, binding_no=len(history)
    )
    if active:
        last = active[-1]
        text = next((row.ciphertext for row in reversed(rows) if row.ciphertext), "")
        bound = one._replace(member_id=last.member_id, bound_at=last.bound_at, evidence=last.evidence, ciphertext=text)
        return bound, history
    cooling = max(rows, key=lambda row: (bool(row.last_member_id), row.free_at or 0))
    return one._replace(last_member_id=cooling.last_member_id, free_at=cooling.free_at), history


def reindexed_facts(text: str, news: Mapping[str, str]) -> str:
    """
    Put new indexes in the place of old ones in the facts of an order.

    Args:
        text: As stored.
        news: New indexes by old ones.

    Returns:
        What to store; the same text where nothing changes.
    """
    if '"receiver_' not in text:
        return text
    facts = load_facts(text)
    changed = False
    for snapshot in facts["snapshots"].values():
        fields = snapshot["fields"]
        new = {name: news[fields[name]] for name in _FIELDS if fields.get(name) in news}
        if new:
            reworded(snapshot, new)
            changed = True
    return dump_facts(facts) if changed else text


def reindexed_proof(text: str, news: Mapping[str, str], *, retire: bool) -> str:
    """
    Put new indexes beside the old ones in what a request keeps of its proof, or in their place.

    Args:
        text: As stored.
        news: New indexes by old ones.
        retire: Leave the old ones out.

    Returns:
        What to store; the same text where nothing changes.
    """
    if '"marks"' not in text:
        return text
    document = json.loads(text)
    marks: list[str] = document["marks"]
    found: list[str] = []
    for mark in marks:
        new = news.get(mark)
        found += [mark] if new is None else [new] if retire else [mark, new]
    found = list(dict.fromkeys(found))
    if found == marks:
        return text
    document["marks"] = found
    return json.dumps(document, separators=(",", ":"))
