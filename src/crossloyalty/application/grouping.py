"""Group commit: claims of several callers decided and written in one transaction, each answered as if alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import attrs

from crossloyalty.application.claiming import ClaimRequest, claim_orders, parse
from crossloyalty.application.ports import AsyncTransaction
from crossloyalty.application.world import World
from crossloyalty.domain.answers import ClaimResult
from crossloyalty.errors import Conflict, InvalidInput, LockTimedOut, StorageUnavailable, WrongType, shown

__all__ = ["GroupCommit", "Together"]

_T = TypeVar("_T")
# What a call alone tries again, with pauses; nobody else is kept waiting for those.
_TRIED_AGAIN = (Conflict, LockTimedOut, StorageUnavailable)


@attrs.frozen(kw_only=True)
class GroupCommit:
    """
    Let concurrent claims of one program share a transaction.

    Args:
        max_requests: The most claims in one transaction, 1 to 256.
        wait_ms: How long a transaction waits for callers who are probably on their way, in milliseconds, 0 to 2. A
            caller who is alone never waits.
        groups: How many such transactions run at once, 1 to 16.

    Raises:
        InvalidInput: A figure is out of its range.
        WrongType: It is no number.
    """

    max_requests: int = 256
    wait_ms: int | float = 2
    groups: int = 1

    def __attrs_post_init__(self) -> None:
        for name, most in (("max_requests", 256), ("groups", 16)):
            value = getattr(self, name)
            if type(value) is not int:
                raise WrongType(f"{name} is a whole number, not {shown(value)}")
            if not 1 <= value <= most:
                raise InvalidInput(f"{name} is 1 to {most}, not {shown(value)}")
        if type(self.wait_ms) not in (int, float):
            raise WrongType(f"wait_ms is a number of milliseconds, not {shown(self.wait_ms)}")
        if not 0 <= self.wait_ms <= 2:
            raise InvalidInput(f"wait_ms is 0 to 2, not {shown(self.wait_ms)}")


@attrs.define
class _OneTry(World):
    """A world that leaves the trying again to whoever asked."""

    async def run(self, body: Callable[[AsyncTransaction], Awaitable[_T]], *, readonly: bool = False) -> _T:
        """See `World.run`."""
        async with self.storage.transaction(readonly=readonly) as tx:
            return await body(tx)


class Together:
    """
    The claims of one program that are decided together.

    Args:
        world: The ports.
        program_id: The program.
    """

    __slots__ = ("_once", "_program_id", "_world")

    def __init__(self, world: World, program_id: str) -> None:
        self._world = world
        self._once = _OneTry(**{field.name: getattr(world, field.name) for field in attrs.fields(World)})
        self._program_id = program_id

    def may_share(self, request: ClaimRequest) -> bool:
        """Say whether a request is fit to be decided with others; what is wrong with it is told to its caller alone."""
        revision = self._world.newest.get(self._program_id)
        if revision is None:
            return False  # the rules are to be read first
        try:
            parse(request, self._world.programs[self._program_id, revision])
        except Exception:  # noqa: BLE001 - raised again by `alone`, where it belongs
            return False
        return True

    async def claim(self, requests: Sequence[ClaimRequest]) -> list[ClaimResult | None]:
        """
        Decide requests of different callers in one transaction.

        A COMMIT whose answer was lost needs nothing here: the storage settles it by a row of the transaction and then
        either ends well or raises `Conflict`, and a request that runs again finds its claim by the order's key.

        Returns:
            A result per request. None: its caller runs it alone, with every try that a call alone has; what then goes
            wrong is its own. So one bad request, or one contended order, costs the others one call by themselves.

        Raises:
            CrossloyaltyError: There was one request only, and it failed by no contention.
        """
        together = len(requests) > 1
        for _ in range(2 if together else 1):
            try:
                return [*await claim_orders(self._once, self._program_id, requests)]
            except Conflict:
                continue
            except Exception as error:
                if not together and not isinstance(error, _TRIED_AGAIN):
                    raise
                break
        return [None] * len(requests)

    async def alone(self, request: ClaimRequest) -> ClaimResult:
        """Claim as a caller without group commit does."""
        return (await claim_orders(self._world, self._program_id, [request]))[0]
