"""Issue the tokens that prove an order to whoever was handed one."""

from __future__ import annotations

from typing import cast

from crossloyalty.application.ports import AsyncTransaction
from crossloyalty.application.programs import program_knowing
from crossloyalty.application.world import World
from crossloyalty.domain.keys import OrderKey, normalise_order_no
from crossloyalty.domain.records import AliasRecord, Key
from crossloyalty.errors import ConfigError, InvalidInput, WrongType, shown

__all__ = ["issue_token"]

_MINUTE_US = 60_000_000
_LONGEST_MINUTES = 525_600


async def issue_token(world: World, program_id: str, *, platform: str, order_no: str, valid_minutes: int = 1440) -> str:
    """
    Make a one-time token for an order; nothing is stored before somebody brings it.

    Args:
        world: The ports.
        program_id: The program.
        platform, order_no: The order; a sub-order's number will do.
        valid_minutes: For how long it proves anything, 1 to 525,600.

    Raises:
        ConfigError: The door was built without `OrderTokens`.
        InvalidInput: It cannot be an order number of that platform, or the time is out of range.
    """
    if type(valid_minutes) is not int:
        raise WrongType(f"valid_minutes is a whole number, not {shown(valid_minutes)}")
    if not 1 <= valid_minutes <= _LONGEST_MINUTES:
        raise InvalidInput(f"valid_minutes lies between 1 and {_LONGEST_MINUTES}: {shown(valid_minutes)}")
    program = await program_knowing(world, program_id, [platform])
    known = program.known_platforms
    number = normalise_order_no(order_no, known.get(platform), known)
    asked = OrderKey(program_id, known.get(platform).family, number)
    tokens = world.tokens
    if tokens is None:
        raise ConfigError("tokens are signed by OrderTokens; build the door with checks=ProofChecks(tokens=…)")

    async def body(tx: AsyncTransaction) -> OrderKey:
        alias = Key(AliasRecord, asked)
        found = cast("AliasRecord | None", (await tx.read([alias])).records.get(alias))
        return asked if found is None else asked._replace(order_no=found.order_no)

    order = await world.run(body, readonly=True)
    # Nobody can make one by knowing the nonce, so it only has to differ from the order's other tokens.
    nonce = f"{world.now():016x}{int(world.random() * 2**53):014x}"[-32:]
    return tokens.issue(order, expires_at=world.now() + valid_minutes * _MINUTE_US, nonce=nonce)
