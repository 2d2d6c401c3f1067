"""What a member typed as a proof is hashed or compared before anything is opened or stored."""

from __future__ import annotations

import attrs

from crossloyalty.application.claiming import Asked
from crossloyalty.application.ports import AsyncTransaction
from crossloyalty.application.world import World
from crossloyalty.domain.attempts import load_tries
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.ownership import Proof
from crossloyalty.domain.records import Key, MemberRecord, OrderRecord
from crossloyalty.errors import ConfigError, WrongType

__all__ = ["sealed"]

_PHONES = ("phone", "phone_tail")


async def sealed(world: World, asked: Asked) -> Asked:
    """
    Put what may be stored in the place of a phone; a token stays as it is until its order is known.

    The platform is asked before any transaction is open, whatever the order is, so that the look-ups of a guess are
    those of a right proof; behind a lock it is not asked.

    Raises:
        ConfigError: The door was built without what such a proof needs.
    """
    request, key = asked.request, asked.key
    proof = request.proof
    if proof.kind == "token" and world.tokens is None:
        raise ConfigError("a token is checked by OrderTokens; build the door with checks=ProofChecks(tokens=…)")
    if proof.kind not in _PHONES or not proof.secret:
        return asked
    if world.phone_index is None and world.phone_check is None:
        raise ConfigError(
            "a phone is checked by a PhoneIndex or a PhoneCheck; build the door with checks=ProofChecks(phone_index=…)"
        )
    checked = False
    if world.phone_check is not None and key is not None and not await _locked(world, key, request.member_id):
        checked = await world.phone_check.matches(platform=request.platform, order_no=key.order_no, digits=proof.secret)
        if type(checked) is not bool:
            raise WrongType("a PhoneCheck answers True or False")
    program_id = "" if key is None else key.program_id
    marks = _marks(world, program_id, proof) if key is not None else ()
    return attrs.evolve(asked, request=attrs.evolve(request, proof=proof.sealed(marks, checked=checked)))


def _marks(world: World, program_id: str, proof: Proof) -> tuple[str, ...]:
    index = world.phone_index
    if index is None:
        return ()
    if proof.kind == "phone_tail":
        return index.every(program_id, "phone_tail", proof.secret)
    ends = index.every(program_id, "phone_tail", proof.secret[-4:])
    return (*index.every(program_id, "phone", proof.secret), *ends)


async def _locked(world: World, key: OrderKey, member_id: str) -> bool:
    """Say whether so many attempts went before that the answer is known already."""
    if world.limiter is not None:
        return False  # it was asked before
    member, order = Key(MemberRecord, (key.program_id, member_id)), Key(OrderRecord, key)

    async def body(tx: AsyncTransaction) -> bool:
        found = (await tx.read([member, order])).records
        return any(load_tries(getattr(row, "attempts", "")).locked(world.now()) for row in found.values())

    return await world.run(body, readonly=True)
