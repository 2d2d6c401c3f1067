"""Claims whose attempts are counted apart from their transaction, before anything is looked up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from crossloyalty.application.claiming import ClaimRequest, parse
from crossloyalty.application.ports import AsyncRateLimiter, Attempt
from crossloyalty.application.programs import program_knowing
from crossloyalty.application.world import World
from crossloyalty.domain.answers import ClaimResult
from crossloyalty.domain.reasons import Reason
from crossloyalty.errors import WrongType, shown

__all__ = ["claim_counted"]

_Claim: TypeAlias = Callable[[World, str, Sequence[ClaimRequest], set[int] | None], Awaitable[list[ClaimResult]]]


async def claim_counted(
    world: World, program_id: str, requests: Sequence[ClaimRequest], limiter: AsyncRateLimiter, claim: _Claim
) -> list[ClaimResult]:
    """
    Count, claim what may be looked up, give back the counts of what was no guess.

    Whom the host vouches for is not counted. When the claim itself fails, all counts are given back: nothing was told.

    Args:
        world, program_id, requests: As for `claim_orders`.
        limiter: Who counts.
        claim: Does the rest.
    """
    program = await program_knowing(world, program_id, [request.platform for request in requests])
    asked = [parse(request, program) for request in requests]
    attempts = [
        Attempt(program_id, each.request.member_id, each.key.family, each.key.order_no, each.request.device)
        if each.key is not None and each.request.proof.kind != "by_host"
        else None
        for each in asked
    ]
    counted = list(dict.fromkeys(attempt for attempt in attempts if attempt is not None))
    answers = await limiter.take(counted) if counted else []
    if len(answers) != len(counted):
        raise WrongType(f"a RateLimiter answers each attempt, not {shown(answers)}")
    may = dict(zip(counted, answers, strict=True))
    places = [place for place, attempt in enumerate(attempts) if attempt is None or may[attempt]]
    guesses: set[int] = set()
    told = False
    try:
        results = await claim(world, program_id, [requests[place] for place in places], guesses) if places else []
        told = True
    finally:
        missed = {attempts[places[place]] for place in guesses} if told else set()
        back = [attempt for attempt in counted if may[attempt] and attempt not in missed]
        if back:
            await limiter.give_back(back)
    by_place = dict(zip(places, results, strict=True))
    return [by_place.get(place) or _locked(asked[place].request) for place in range(len(requests))]


def _locked(request: ClaimRequest) -> ClaimResult:
    return ClaimResult(request.member_id, request.platform, request.order_no, reasons=(Reason.TOO_MANY_ATTEMPTS,))
