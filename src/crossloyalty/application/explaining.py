"""The reasons behind an order's state, for staff."""

from __future__ import annotations

from typing import cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.loading import Loaded
from crossloyalty.application.ports import AsyncTransaction
from crossloyalty.application.programs import program_knowing
from crossloyalty.application.standing import read_links
from crossloyalty.application.world import World
from crossloyalty.domain.effective import EffectiveOrder
from crossloyalty.domain.explanation import explain_claim, state_word
from crossloyalty.domain.grants import Grant
from crossloyalty.domain.keys import OrderKey, normalise_order_no
from crossloyalty.domain.program import CALC, Program
from crossloyalty.domain.reasons import Reason
from crossloyalty.domain.records import AliasRecord, Key
from crossloyalty.domain.settlement import grants_of

__all__ = ["Explanation", "explain"]


@attrs.frozen
class Explanation:
    """
    Why an order stands as it stands, for staff; render it with `text`.

    Args:
        order_no: The order's number.
        member_id: Who holds the claim, "" for nobody.
        state: The claim's state, "" without one.
        tickets: Who else asked: member id, state, reason.
    """

    order_no: str
    member_id: str
    state: str
    tickets: tuple[tuple[str, str, Reason], ...]
    _order: EffectiveOrder | None = attrs.field(default=None, repr=False, eq=False)
    _program: Program | None = attrs.field(default=None, repr=False, eq=False)
    _grants: tuple[Grant, ...] = attrs.field(default=(), repr=False, eq=False)
    _calc: int = attrs.field(default=CALC, repr=False, eq=False)

    def text(self, language: str = "zh") -> str:
        """
        Say it, one sentence per line.

        Args:
            language: "zh" or "en".
        """
        en = language == "en"
        lines: list[str] = []
        if self._order is None:
            lines.append(Reason.NOT_FOUND.sentence(language))
        elif self._program is not None:
            lines += explain_claim(self._order, self._program, self._grants, language, self._calc)
        if self.member_id:
            word = state_word(self.state, language)
            lines.append(f"Held by {self.member_id}: {word}." if en else f"持有人{self.member_id}：{word}。")
        for member_id, state, reason in self.tickets:
            word = state_word(state, language)
            sentence = reason.sentence(language)
            lines.append(f"{member_id}: {word}. {sentence}" if en else f"{member_id}：{word}，{sentence}。")
        return "\n".join(lines)


async def explain(world: World, program_id: str, *, platform: str, order_no: str) -> Explanation:
    """
    Explain an order: who holds it, what each rule gives for it and why, who else asked.

    Args:
        world: The ports.
        program_id: The program.
        platform, order_no: The order; a sub-order's number will do.

    Raises:
        InvalidInput: It cannot be an order number of that platform.
    """
    program = await program_knowing(world, program_id, [platform])
    known = program.known_platforms
    number = normalise_order_no(order_no, known.get(platform), known)
    asked = OrderKey(program_id, known.get(platform).family, number)

    async def body(tx: AsyncTransaction) -> Explanation:
        alias = (await tx.read([Key(AliasRecord, asked)])).records.get(Key(AliasRecord, asked))
        key = asked if alias is None else asked._replace(order_no=cast(AliasRecord, alias).order_no)
        loaded = Loaded(world, tx, program_id, world.now(), {})
        await loaded.read([key])
        await loaded.read_more()
        await loaded.read_tickets([key])
        batch = Batch(loaded)
        state = batch.order(key)
        claim = state.claim
        tickets = tuple((ticket.member_id, ticket.state, Reason(ticket.reason)) for ticket in state.tickets.values())
        if claim is None:
            grants = tuple(Grant(rule.id) for rule in batch.program.rewards)
            return Explanation(key.order_no, "", "", tickets, state.effective, batch.program, grants)
        way = await read_links(tx, program_id, [claim.member_id])
        return Explanation(
            key.order_no,
            list(way)[-1],
            claim.state,
            tickets,
            state.effective,
            batch.program_of(claim),
            tuple(grants_of(claim)),
            claim.calc,
        )

    return await world.run(body, readonly=True)
