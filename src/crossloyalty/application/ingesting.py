"""Take in marketplace facts: orders and refunds, doubled, late and out of order; settle what they change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Sized
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

import attrs

from crossloyalty.application.batch import Batch, MissingRoot
from crossloyalty.application.converting import settle_all
from crossloyalty.application.deciding import StartAgain, decide
from crossloyalty.application.loading import Loaded, buyer_keys
from crossloyalty.application.orderstate import OrderState
from crossloyalty.application.ports import AsyncTransaction, Change, Insert, Replace, SourceCapabilities
from crossloyalty.application.programs import program_knowing
from crossloyalty.application.world import World
from crossloyalty.domain.checks import checked_call, walked
from crossloyalty.domain.facts import (
    Doubt,
    Facts,
    is_outdated,
    merge_doubt,
    merge_milestone,
    merge_order,
    merge_refund,
)
from crossloyalty.domain.identities import PHONE, identifies
from crossloyalty.domain.keys import OrderKey, normalise_order_no
from crossloyalty.domain.orders import Milestone, Order, Refund
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import AliasRecord, BuyerRecord, Key, MemberRecord, OrderRecord, RootKey
from crossloyalty.errors import InvalidInput, MangledOrderNumber, WrongType, shown

if TYPE_CHECKING:
    from crossloyalty.domain.opening import OpeningClaim

__all__ = [
    "Beside",
    "IngestProgress",
    "IngestReport",
    "Rejected",
    "ingest",
    "ingest_grouped",
    "key_of_order",
    "rejection",
    "unmasked",
    "without_buyer",
]

_KEPT_REJECTIONS: Final = 10_000
Item: TypeAlias = Order | Refund | Milestone


@attrs.frozen
class Rejected:
    """
    An item that was not taken in.

    Args:
        index: Its place in the iterable, from 0.
        code: A stable word for the kind of trouble.
        order_no: The item's order number as given, shortened; "" when it has none.
        sentence_zh, sentence_en: What is wrong, to be read by a person.
    """

    index: int
    code: str
    order_no: str
    sentence_zh: str
    sentence_en: str


@attrs.frozen
class IngestProgress:
    """
    How far an ingest has come; handed to the callback after each batch.

    Args:
        seen: Items read so far.
        total: How many there will be, None when the iterable does not say.
    """

    seen: int
    total: int | None


@attrs.define
class IngestReport:
    """
    What an ingest did.

    Args:
        seen: Items read.
        changed: Items that said something new.
        unchanged: Items known already, or older than what is known.
        older: Of these, the ones that differ from what is known and are older, so that they changed nothing.
        rejected: Items refused, the first 10,000 of them.
        rejected_count: How many were refused in all.
        orders_new: Orders never seen before.
        claims_created: Claims made, of bound buyers and of waiting tickets.
        claims_changed: Existing claims whose grants or state changed.
        manual_only: Orders of a source that gives no buyer identities: they convert when somebody claims them.
        batches: Transactions.
    """

    seen: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0
    rejected: list[Rejected] = attrs.field(factory=list)
    rejected_count: int = 0
    orders_new: int = 0
    claims_created: int = 0
    claims_changed: int = 0
    batches: int = 0
    manual_only: int = 0

    def add(self, other: IngestReport) -> None:
        """Add the counts of one batch."""
        for name in ("changed", "unchanged", "older", "orders_new", "claims_created", "claims_changed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def key_of_order(item: Item | OpeningClaim, program: Program) -> OrderKey:
    """Name the order that an item is about, in normal form."""
    platforms = program.known_platforms
    platform = platforms.get(item.platform)
    return OrderKey(program.program_id, platform.family, normalise_order_no(item.order_no, platform, platforms))


class Beside(Protocol):
    """What is written in the same transaction as a batch of facts: the place in a list they came from, a message."""

    @property
    def roots(self) -> Collection[RootKey]:
        """Roots of it, locked with those of the orders."""
        ...

    async def changes(
        self, tx: AsyncTransaction, batch: Batch | None, versions: Mapping[RootKey, int], now: int
    ) -> tuple[list[Change], Mapping[RootKey, int]]:
        """
        Give what to write and the roots it touches; called once in each try, under the locks.

        Args:
            tx: For reads.
            batch: What was decided; None when no order is touched.
            versions: What `lock` answered.
            now: The moment of the transaction, in microseconds.
        """
        ...


def rejection(index: int, item: object, error: InvalidInput) -> Rejected:
    """Say why an item is not taken in."""
    order_no = shown(item.order_no) if isinstance(item, Item) else ""
    if isinstance(error, MangledOrderNumber):
        return Rejected(index, "ORDER_NO_MANGLED", order_no, "订单号被表格软件改写，请重新导出后直接上传", str(error))
    if isinstance(error, WrongType):
        return Rejected(index, "WRONG_TYPE", order_no, "数据类型有误，该条未导入", str(error))
    return Rejected(index, "INVALID", order_no, "订单号或平台有误，该条未导入", str(error))


async def ingest(
    world: World,
    program_id: str,
    items: Iterable[object],
    *,
    batch: int = 1000,
    progress: Callable[[IngestProgress], None] | None = None,
) -> IngestReport:
    """
    Take facts in, one transaction a batch.

    Args:
        world: The ports.
        program_id: The program.
        items: `Order`, `Refund` and `Milestone` values in any order, such as an `OrderSource`; read as they are needed,
            so memory stays bounded. A source that cannot convert automatically is taken in without buyer identities.
        batch: Items a transaction, 1 to 10,000.
        progress: Called after each batch.

    Returns:
        Counts and the rejected items; an item is rejected, never raised, and the others go on.

    Raises:
        InvalidInput: *batch* is out of range.
        Whatever *items* itself raises; batches before that are stored.
    """
    if type(batch) is not int or not 1 <= batch <= 10_000:
        raise InvalidInput(f"a batch has 1 to 10000 items, not {shown(batch)}")
    checked_call(progress, "progress")
    report = IngestReport()
    rest = walked(items, "what ingest takes")
    total = len(items) if isinstance(items, Sized) else None
    capabilities = getattr(items, "capabilities", None)
    anonymous = isinstance(capabilities, SourceCapabilities) and not capabilities.auto_convert
    while chunk := list(islice(rest, batch)):
        if anonymous:
            chunk = [without_buyer(item) for item in chunk]
            report.manual_only += sum(isinstance(item, Order) for item in chunk)
        else:
            chunk = [unmasked(item) for item in chunk]
        named = {item.platform for item in chunk if isinstance(item, Item)}
        program = await program_knowing(world, program_id, named)
        grouped: dict[OrderKey, list[Item]] = {}
        for place, item in enumerate(chunk, start=report.seen):
            try:
                if not isinstance(item, Item):
                    raise WrongType(f"ingest takes Order, Refund and Milestone values, not {shown(item)}")
                grouped.setdefault(key_of_order(item, program), []).append(item)
            except InvalidInput as error:
                report.rejected_count += 1
                if len(report.rejected) < _KEPT_REJECTIONS:
                    report.rejected.append(rejection(place, item, error))
        report.seen += len(chunk)
        report.batches += 1
        if grouped:
            report.add(await ingest_grouped(world, program, grouped))
        if progress is not None:
            progress(IngestProgress(report.seen, total))
    return report


def without_buyer(item: object) -> object:
    """Take an order in without its buyer: such a source gives no identity that could be bound."""
    if isinstance(item, Order) and (item.buyer_id is not None or item.beneficiary_id is not None):
        return attrs.evolve(item, buyer_id=None, buyer_scope=None, beneficiary_id=None)
    return item


def unmasked(item: object) -> object:
    """Take an order in without ids that are masked: they would make one buyer of thousands (I-50)."""
    if not isinstance(item, Order):
        return item
    buyer_id, beneficiary_id = item.buyer_id, item.beneficiary_id
    if (buyer_id is None or identifies(buyer_id)) and (beneficiary_id is None or identifies(beneficiary_id)):
        return item
    if buyer_id is not None and not identifies(buyer_id):
        item = attrs.evolve(item, buyer_id=None, buyer_scope=None)
    masked = item.beneficiary_id is not None and not identifies(item.beneficiary_id)
    return attrs.evolve(item, beneficiary_id=None) if masked else item


async def ingest_grouped(
    world: World, program: Program, grouped: Mapping[OrderKey, Sequence[Item | Doubt]], beside: Beside | None = None
) -> IngestReport:
    """
    Take the facts of some orders in, in one transaction.

    Args:
        world: The ports.
        program: As far as it is known; it is read again under the locks.
        grouped: Facts by the order they are about.
        beside: What else is written in that transaction.

    Returns:
        The counts of this batch.
    """
    more: set[RootKey] = set()

    async def body(tx: AsyncTransaction) -> IngestReport:
        return await _take_in(world, tx, program, grouped, more, beside)

    while True:
        try:
            return await world.run(body)
        except StartAgain:
            continue
        except MissingRoot as missing:
            more.update(missing.roots)


async def _take_in(
    world: World,
    tx: AsyncTransaction,
    program: Program,
    grouped: Mapping[OrderKey, Sequence[Item | Doubt]],
    more: set[RootKey],
    beside: Beside | None,
) -> IngestReport:
    now = world.now()
    buyers = {
        Key(BuyerRecord, (key.program_id, key.family, item.buyer_scope or "", buyer_id))
        for key, items in grouped.items()
        for item in items
        if isinstance(item, Order)
        for buyer_id in (item.buyer_id, item.beneficiary_id)
        if buyer_id is not None
    }
    if program.binding.by_phone:
        buyers |= {
            Key(BuyerRecord, (key.program_id, PHONE, "", item.receiver_phone_index))
            for key, items in grouped.items()
            for item in items
            if isinstance(item, Order) and item.receiver_phone_index is not None
        }
    if beside is not None and not grouped:
        versions = dict(await tx.lock(beside.roots))
        more_changes, touched = await beside.changes(tx, None, versions, now)
        if more_changes:
            await tx.write(more_changes, roots=touched, final=True)
        return IngestReport()
    roots = [*buyers, *(Key(OrderRecord, key) for key in grouped)]
    if beside is not None:
        roots += beside.roots
    versions = dict(await tx.lock([*roots, *(root for root in more if root not in buyers)]))
    loaded = Loaded(world, tx, program.program_id, now, versions)
    moved_from = [OrderKey(*cast("tuple[str, str, str]", root.values)) for root in more if root.kind is OrderRecord]
    await loaded.read([*grouped, *moved_from], (), buyers)
    aliases = await _aliases(tx, loaded, grouped, versions, more)
    await loaded.read_more()
    await loaded.read_tickets([*moved_from, *aliases.moved])

    wanted = _members_wanted(loaded, grouped)
    if wanted:
        member_roots = [Key(MemberRecord, (program.program_id, member_id)) for member_id in wanted]
        versions.update(await tx.lock(member_roots))
        await loaded.read((), wanted)
        await loaded.read_more()

    def decision(batch: Batch) -> IngestReport:
        return _decide(batch, grouped, aliases)

    batch, counts = await decide(loaded, decision)
    changes, touched = batch.changes(versions)
    changes += aliases.changes
    if beside is not None:
        more_changes, more_roots = await beside.changes(tx, batch, versions, now)
        changes += more_changes
        touched.update(more_roots)
    if changes:
        await tx.write(changes, roots=touched, final=True)
    return counts


def _members_wanted(loaded: Loaded, grouped: Mapping[OrderKey, Sequence[Item | Doubt]]) -> list[str]:
    """Name the members whose claims, tickets or bindings these orders touch."""
    if not (loaded.claims or loaded.tickets or any(buyer.member_id for buyer in loaded.buyers.values())):
        return []
    wanted: dict[str, None] = {}
    for key, items in grouped.items():
        claim = loaded.claims.get(key)
        if claim is not None:
            wanted[loaded.home(claim.member_id)] = None
            continue
        for ticket in loaded.tickets.get(key, ()):
            wanted[loaded.home(ticket.member_id)] = None
        by_phone = loaded.program.binding.by_phone
        keys = buyer_keys(loaded.orders[key], by_phone=by_phone)
        keys += [
            Key(BuyerRecord, (key.program_id, key.family, item.buyer_scope or "", item.buyer_id))
            for item in items
            if isinstance(item, Order) and item.buyer_id is not None
        ]
        if by_phone:
            keys += [
                Key(BuyerRecord, (key.program_id, PHONE, "", item.receiver_phone_index))
                for item in items
                if isinstance(item, Order) and item.receiver_phone_index is not None
            ]
        for buyer_key in keys:
            buyer = loaded.buyers.get(buyer_key)
            if buyer is not None and buyer.member_id:
                wanted[loaded.home(buyer.member_id)] = None
    for key, tickets in loaded.tickets.items():
        if key not in grouped:
            for ticket in tickets:
                wanted[loaded.home(ticket.member_id)] = None
    return list(wanted)


def _decide(batch: Batch, grouped: Mapping[OrderKey, Sequence[Item | Doubt]], aliases: _Aliases) -> IngestReport:
    counts = IngestReport()
    changed: dict[OrderKey, OrderState] = {}
    for key, items in grouped.items():
        state = batch.order(key)
        news = told = 0
        facts = state.facts
        for item in items:
            if type(item) is Doubt and not item.code and "doubts" not in facts:
                continue  # there is none that could be over
            new = _merge(facts, item)
            news += new
            if not isinstance(item, Doubt):
                told += 1
                counts.changed += new
                counts.unchanged += not new
                counts.older += not new and is_outdated(facts, item)
        counts.orders_new += bool(told and not state.record.facts)
        moved = _move_tickets(batch, state, aliases.moved.get(key, ()))
        if news:
            state.facts_changed()
        if news or moved:
            changed[key] = state
    had = {key for key, state in changed.items() if state.claim is not None}
    settle_all(batch, list(changed), {})
    for key, state in changed.items():
        if state.claim is not state.claim_was:
            if key in had:
                counts.claims_changed += 1
            else:
                counts.claims_created += 1
    return counts


def _merge(facts: Facts, item: Item | Doubt) -> bool:
    if isinstance(item, Order):
        return merge_order(facts, item)
    if isinstance(item, Doubt):
        return merge_doubt(facts, item)
    return merge_refund(facts, item) if isinstance(item, Refund) else merge_milestone(facts, item)


# -- other numbers of an order ---------------------------------------------------------------------------------------


@attrs.define
class _Aliases:
    """Rows for the sub-order numbers of a batch, and the numbers whose tickets move to their parent."""

    changes: list[Change] = attrs.field(factory=list)
    moved: dict[OrderKey, list[OrderKey]] = attrs.field(factory=dict)


async def _aliases(
    tx: AsyncTransaction,
    loaded: Loaded,
    grouped: Mapping[OrderKey, Sequence[Item | Doubt]],
    versions: Mapping[RootKey, int],
    more: set[RootKey],
) -> _Aliases:
    """
    Make sub-order numbers lead to their order (D11).

    Raises:
        StartAgain: A sub-order's number has tickets waiting; its root has to be locked as well.
    """
    wanted: dict[OrderKey, OrderKey] = {}
    platforms = loaded.program.known_platforms
    for key, items in grouped.items():
        for item in items:
            if isinstance(item, Order) and item.lines:
                platform = platforms.get(item.platform)
                for line in item.lines:
                    number = line.line_id.upper()
                    if number != key.order_no and platforms.matches(platform.name, number):
                        wanted[OrderKey(key.program_id, key.family, number)] = key
    answer = _Aliases()
    if not wanted:
        return answer
    keys = [Key(AliasRecord, alias) for alias in wanted]
    found: Mapping[Key, Any] = (await tx.read(keys)).records
    again = False
    for row_key, (alias, parent) in zip(keys, wanted.items(), strict=True):
        held = found.get(row_key)
        row = AliasRecord(*alias, parent.order_no)
        if held is None:
            answer.changes.append(Insert(row))
        elif held.order_no == alias.order_no:
            root = Key(OrderRecord, alias)
            if root not in versions:
                more.add(root)
                again = True
            answer.changes.append(Replace(row))
            answer.moved.setdefault(parent, []).append(alias)
    if again:
        raise StartAgain
    return answer


def _move_tickets(batch: Batch, state: OrderState, numbers: Sequence[OrderKey]) -> bool:
    """Move the tickets that wait under a sub-order's number to the order itself."""
    moved = False
    for number in numbers:
        waiting = batch.order(number)
        for member_id, ticket in list(waiting.tickets.items()):
            del waiting.tickets[member_id]
            moved = True
            held = state.tickets.get(member_id)
            if held is None or held.state in ("REJECTED", "EXPIRED") or held.expires_at <= batch.now:
                state.tickets[member_id] = ticket._replace(order_no=state.key.order_no)
        waiting.next_due_at = None
    return moved
