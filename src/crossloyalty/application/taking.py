"""
Take in what one answer of a platform said, in one transaction with the place in the list, or the message, it came by.

What cannot be believed goes to review: its doubt stands in the order's facts, so that nobody newly converts the order,
and on the list that staff look through. Both go when the platform tells the order or refund soundly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Collection, Mapping
from typing import Any, Final, NamedTuple, TypeVar, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.ingesting import (
    Beside,
    Rejected,
    ingest_grouped,
    key_of_order,
    rejection,
    unmasked,
    without_buyer,
)
from crossloyalty.application.ports import AsyncTransaction, Change, Delete, Insert, Replace, SourceCapabilities
from crossloyalty.application.programs import program_knowing
from crossloyalty.application.sources import Doubtful, Facts, Item
from crossloyalty.application.world import World
from crossloyalty.domain.facts import Doubt, load_facts
from crossloyalty.domain.keys import OrderKey, normalise_order_no
from crossloyalty.domain.orders import Milestone, Order, Refund
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import DoubtRecord, Key, RootKey
from crossloyalty.errors import (
    ConfigError,
    InvalidInput,
    NeedsHuman,
    PlatformUnavailable,
    Retryable,
    WrongType,
    shown,
)

__all__ = ["About", "Taken", "asked", "program_of", "take", "typed"]

_LONGEST_DETAIL: Final = 500
_LONGEST_PAYLOAD: Final = 20_000
_Answer = TypeVar("_Answer")


class About(NamedTuple):
    """Whose answer it is."""

    platform: str
    shop_id: str
    capabilities: SourceCapabilities


@attrs.define
class Taken:
    """
    What came of an answer.

    Args:
        orders, refunds: How many it told.
        doubtful: How many of them went to review.
        changed, unchanged: Items that said something new, and those that did not.
        orders_new: Orders never seen before.
        claims_created, claims_changed: Claims made, and claims whose grants or state changed.
        rejected: Items refused, with reasons.
    """

    orders: int = 0
    refunds: int = 0
    doubtful: int = 0
    changed: int = 0
    unchanged: int = 0
    orders_new: int = 0
    claims_created: int = 0
    claims_changed: int = 0
    rejected: list[Rejected] = attrs.field(factory=list)

    def add_unchanged(self, items: Collection[Item]) -> None:
        """Count items that were told again word for word, so that nobody has to look at what is stored of them."""
        self.orders += sum(isinstance(item, Order) for item in items)
        self.refunds += sum(isinstance(item, Refund) for item in items)
        self.unchanged += len(items)


async def typed(call: Awaitable[_Answer], platform: str) -> _Answer:
    """
    Wait for a source; whatever it raises comes out typed (F-36).

    Raises:
        Retryable, NeedsHuman, ConfigError: As the source raised them.
        PlatformUnavailable: The source raised something else.
    """
    try:
        return await call
    except (Retryable, NeedsHuman, ConfigError):
        raise
    except Exception as error:
        raise PlatformUnavailable(f"the source raised a {type(error).__name__}", platform=platform) from error


async def asked(call: Awaitable[Facts], platform: str) -> Facts:
    """
    Wait for a source's facts.

    Raises:
        Retryable, NeedsHuman, ConfigError: As the source raised them.
        PlatformUnavailable: The source raised something else, or gave no facts.
    """
    facts = await typed(call, platform)
    if not isinstance(facts, Facts):
        raise PlatformUnavailable(f"the source gave {shown(type(facts).__name__)}, no Facts", platform=platform)
    return facts


async def program_of(world: World, program_id: str, about: About) -> Program:
    """
    Give the program, which has to know the source's platform.

    Raises:
        ConfigError: It does not; its orders would have no family.
    """
    program = await program_knowing(world, program_id, [about.platform])
    if about.platform not in program.known_platforms:
        raise ConfigError(f"program {shown(program_id)} knows no platform {shown(about.platform)}; add it to platforms")
    return program


async def take(world: World, program_id: str, about: About, facts: Facts, beside: Beside | None = None) -> Taken:
    """
    Take an answer in.

    Args:
        world: The ports.
        program_id: The program.
        about: Whose answer it is.
        facts: What it said.
        beside: What else is written in the same transaction.

    Returns:
        The counts; a refused item is a value, and the others go on.
    """
    program = await program_of(world, program_id, about)
    taken = Taken(doubtful=len(facts.doubtful))
    doubts = _Doubts(program, about, facts.doubtful, world.now(), beside)
    grouped: dict[OrderKey, list[Item | Doubt]] = {}
    over = Doubt("", "", doubts.now)
    for place, item in enumerate(facts.items):
        try:
            key = _key(item, program, about)
        except InvalidInput as error:
            taken.rejected.append(rejection(place, item, error))
            continue
        taken.orders += isinstance(item, Order)
        taken.refunds += isinstance(item, Refund)
        subject = item.refund_id if isinstance(item, Refund) else ""
        if doubts.told and (key, subject) in doubts.told and not isinstance(item, Milestone):
            continue
        told = grouped.setdefault(key, [])
        if not isinstance(item, Milestone):
            told.append(Doubt(subject, "", doubts.now) if subject else over)
        kept: Any = unmasked(item) if about.capabilities.auto_convert else without_buyer(item)
        told.append(kept)
    for (key, subject), doubtful in doubts.told.items():
        grouped.setdefault(key, []).append(Doubt(subject, doubtful.code, doubts.now))
    doubts.keys = grouped
    report = await ingest_grouped(world, program, grouped, doubts)
    for name in ("changed", "unchanged", "orders_new", "claims_created", "claims_changed"):
        setattr(taken, name, getattr(report, name))
    return taken


def _key(item: object, program: Program, about: About) -> OrderKey:
    if not isinstance(item, Item):
        raise WrongType(f"a source gives Order, Refund and Milestone values, not {shown(item)}")
    if item.platform not in program.known_platforms:
        raise InvalidInput(f"{about.platform} told of an order of {shown(item.platform)}, which the program lacks")
    return key_of_order(item, program)


class _Doubts:
    """The rows of the review list that an answer opens or closes, and what the caller writes beside them."""

    def __init__(
        self, program: Program, about: About, doubtful: Collection[Doubtful], now: int, beside: Beside | None
    ) -> None:
        self._program_id = program.program_id
        self._about = about
        self._beside = beside
        self.now = now
        self.keys: Mapping[OrderKey, object] = {}
        self.told: dict[tuple[OrderKey, str], Doubtful] = {}
        self._nameless: dict[Key, Doubtful] = {}
        platforms = program.known_platforms
        platform = platforms.get(about.platform)
        for each in doubtful:
            try:
                order_no = normalise_order_no(each.order_no, platform, platforms)
            except InvalidInput:
                # Not even the number can be read; what was told names the row, so that it stands there once.
                text = f"{about.platform}|{about.shop_id}|{each.order_no}|{each.refund_id}|{each.payload}"
                subject = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
                self._nameless[Key(DoubtRecord, (program.program_id, platform.family, "", subject))] = each
            else:
                self.told[OrderKey(program.program_id, platform.family, order_no), each.refund_id] = each

    @property
    def roots(self) -> Collection[RootKey]:
        """See `Beside.roots`."""
        return () if self._beside is None else self._beside.roots

    async def changes(
        self, tx: AsyncTransaction, batch: Batch | None, versions: Mapping[RootKey, int], now: int
    ) -> tuple[list[Change], Mapping[RootKey, int]]:
        """See `Beside.changes`."""
        changes: list[Change] = []
        touched: dict[RootKey, int] = {}
        if self._beside is not None:
            more, roots = await self._beside.changes(tx, batch, versions, now)
            changes += more
            touched.update(roots)
        if batch is not None:
            for key in self.keys:
                self._of_order(batch, key, now, changes)
        if self._nameless:
            held = (await tx.read(list(self._nameless))).records
            for row_key, doubtful in self._nameless.items():
                row = cast("DoubtRecord | None", held.get(row_key))
                values = cast("tuple[str, str, str, str]", row_key.values)
                new = self._row(values, doubtful, now if row is None else row.first_at, now)
                changes.append(Insert(new) if row is None else Replace(new))
        return changes, touched

    def _of_order(self, batch: Batch, key: OrderKey, now: int, changes: list[Change]) -> None:
        state = batch.order(key)
        # A doubt stands in the facts if and only if it has a row: they are written together, under the order's root.
        before = load_facts(state.record.facts).get("doubts", {}) if '"doubts"' in state.record.facts else {}
        if not before and not state.changed:
            return
        after = state.facts.get("doubts", {})
        changes += [Delete(Key(DoubtRecord, (*key, subject))) for subject in before if subject not in after]
        for subject, (_code, first_at) in after.items():
            doubtful = self.told.get((key, subject))
            if doubtful is not None:
                row = self._row((key.program_id, key.family, key.order_no, subject), doubtful, first_at, now)
                changes.append(Replace(row) if subject in before else Insert(row))

    def _row(self, values: tuple[str, str, str, str], doubtful: Doubtful, first_at: int, now: int) -> DoubtRecord:
        return DoubtRecord(
            *values,
            now,
            first_at,
            self._about.platform,
            self._about.shop_id,
            doubtful.code,
            _clean(doubtful.detail)[:_LONGEST_DETAIL],
            _clean(doubtful.payload)[:_LONGEST_PAYLOAD],
        )


def _clean(text: str) -> str:
    """Leave out what no database keeps: NUL, and halves of characters."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")
