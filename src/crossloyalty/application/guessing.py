"""Counts what is asked without a proof, so that numbers cannot be guessed one after another (D14)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, cast

from crossloyalty.application.batch import Batch
from crossloyalty.application.converting import Candidate
from crossloyalty.domain.attempts import Limit, Tries, load_tries
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.reasons import Reason
from crossloyalty.domain.records import Key, LimitRecord

__all__ = ["Asking", "count_attempts", "device_key", "is_guess"]

_DEVICE: Final = "#device:"
# The second one: too many requests of the member wait already, which must not make guesses free.
_GUESSES: Final = ((Reason.RECEIVED,), (Reason.TOO_MANY_ATTEMPTS,))


class Asking(NamedTuple):
    """
    One member's request for one order in a batch.

    Args:
        order: The order.
        member_id: Who asks.
        device: The row of the device it came from, None when the host named none.
    """

    order: OrderKey
    member_id: str
    device: Key | None


def device_key(program_id: str, device: str) -> Key:
    """Name the row a device's attempts are counted in; of the device itself only a hash is kept."""
    digest = hashlib.sha256(f"{program_id}\x1f{device}".encode()).hexdigest()[:32]
    return Key(LimitRecord, (program_id, _DEVICE + digest))


def count_attempts(
    batch: Batch,
    asked: Iterable[Asking],
    outcome: Mapping[tuple[OrderKey, str], Candidate],
    devices: Mapping[Key, LimitRecord],
) -> tuple[set[tuple[OrderKey, str]], list[LimitRecord]]:
    """
    Count the guesses of a batch one after another, or find those that come behind a lock.

    Args:
        batch: A decided batch; attempts are noted in it when nothing has to be stopped.
        asked: The requests, in the order of the call.
        outcome: How each was decided, by order and member.
        devices: The rows of the devices.

    Returns:
        Requests that must not be looked up; the batch is to be decided again without them. When there are none, the
        rows of devices to write.
    """
    rule = batch.program.attempts
    if rule is None:
        return set(), []
    tries: dict[object, Tries] = {}
    stop: set[tuple[OrderKey, str]] = set()
    for each in dict.fromkeys(asked):
        candidate = outcome[each.order, each.member_id]
        if not tries and _calm(batch, each, candidate):
            continue  # the usual claim, which needs no further look
        if candidate.stopped or _known(batch, each, candidate):
            continue
        counted = (each.member_id, each.order, each.device)
        for what in counted:
            if what is not None and what not in tries:
                tries[what] = load_tries(_stored(batch, what, devices))
        if any(what is not None and tries[what].locked(batch.now) for what in counted):
            stop.add((each.order, each.member_id))
        elif candidate.reasons[:1] in _GUESSES and not _same_again(batch, each, candidate):
            limits = (Limit.of_member(rule), Limit.of_order(rule), Limit.of_device(rule))
            for what, limit in zip(counted, limits, strict=True):
                if what is not None:
                    tries[what] = tries[what].counted(limit, batch.now)
    return (stop, []) if stop else (stop, _note(batch, tries, devices))


def is_guess(batch: Batch, asking: Asking, outcome: Mapping[tuple[OrderKey, str], Candidate]) -> bool:
    """Say whether a request was a guess, for who counts elsewhere."""
    candidate = outcome[asking.order, asking.member_id]
    if candidate.reasons[:1] not in _GUESSES or _known(batch, asking, candidate):
        return False
    return not _same_again(batch, asking, candidate)


def _calm(batch: Batch, asking: Asking, candidate: Candidate) -> bool:
    """Say whether a request was not answered RECEIVED, and nobody concerned has an attempt on record."""
    if candidate.reasons[:1] in _GUESSES or asking.device is not None:
        return False
    return not (batch.order(asking.order).attempts or batch.member(asking.member_id).root.attempts)


def _known(batch: Batch, asking: Asking, candidate: Candidate) -> bool:
    """Say whether somebody does not guess: the host vouches, the buyer is bound to them, or the claim is theirs."""
    state = batch.order(asking.order)
    if candidate.proof.kind == "by_host" or Reason.MEMBER_BLOCKED in candidate.reasons:
        return True
    if state.claim_was is not None and batch.home(state.claim_was.member_id) == asking.member_id:
        return True
    order = state.effective
    # Whom this very request has bound was a stranger before it.
    return order is not None and batch.bound_to(order, asking.order, before=True) == asking.member_id


def _same_again(batch: Batch, asking: Asking, candidate: Candidate) -> bool:
    tickets = batch.order(asking.order).tickets_were.items()
    proofs = [ticket.proof for member_id, ticket in tickets if batch.home(member_id) == asking.member_id]
    return candidate.proof.to_json() in proofs


def _stored(batch: Batch, what: object, devices: Mapping[Key, LimitRecord]) -> str:
    if isinstance(what, str):
        return batch.member(what).root.attempts
    if isinstance(what, OrderKey):
        return batch.order(what).attempts
    return devices[cast(Key, what)].attempts


def _note(batch: Batch, tries: Mapping[object, Tries], devices: Mapping[Key, LimitRecord]) -> list[LimitRecord]:
    rows: list[LimitRecord] = []
    for what, now in tries.items():
        text = now.text()
        if text == _stored(batch, what, devices):
            continue
        if isinstance(what, str):
            member = batch.member(what)
            member.set_root(member.root._replace(attempts=text))
        elif isinstance(what, OrderKey):
            batch.order(what).attempts = text
        else:
            rows.append(devices[cast(Key, what)]._replace(attempts=text))
    return rows
