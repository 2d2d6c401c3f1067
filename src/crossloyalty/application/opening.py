"""Moving in: what members bring from the system before, taken in once and told to nobody."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from itertools import islice
from typing import Any, Final, TextIO, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.deciding import decide
from crossloyalty.application.ingesting import key_of_order
from crossloyalty.application.loading import Loaded
from crossloyalty.application.ports import AsyncTransaction, Insert
from crossloyalty.application.programs import program_hint
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import shift_day
from crossloyalty.domain.checks import checked_call, walked
from crossloyalty.domain.gifts import mark_given
from crossloyalty.domain.keys import OrderKey, clean_id
from crossloyalty.domain.needs import Need
from crossloyalty.domain.opening import (
    OpeningBalance,
    OpeningClaim,
    OpeningCode,
    OpeningDefect,
    OpeningGift,
    OpeningRow,
    OpeningSpend,
    OpeningTier,
)
from crossloyalty.domain.program import CALC, Program
from crossloyalty.domain.records import ClaimRecord, Key, OrderRecord, RequestRecord
from crossloyalty.domain.settlement import IMPORTED
from crossloyalty.errors import InvalidInput, MangledOrderNumber, WrongType, shown

__all__ = ["OPENING_COLUMNS", "OpeningProgress", "OpeningReport", "import_opening", "read_opening"]

OPENING_COLUMNS: Final = (
    "kind",
    "member_id",
    "platform",
    "order_no",
    "asset",
    "amount",
    "expires_on",
    "tier",
    "day",
    "gift",
)
_KEPT_DEFECTS: Final = 10_000
# What a row of a file is, by its first cell: the class, and which column each of its fields stands in.
_KINDS: Final[Mapping[str, tuple[type[Any], Mapping[str, str]]]] = {
    "claim": (OpeningClaim, {"platform": "platform", "order_no": "order_no"}),
    "balance": (OpeningBalance, {"asset": "asset", "amount": "amount", "expires_on": "expires_on"}),
    "tier": (OpeningTier, {"tier": "tier", "qualified_on": "day"}),
    "spend": (OpeningSpend, {"day": "day", "spend_fen": "amount"}),
    "gift": (OpeningGift, {"gift": "gift"}),
}
_WHOLE: Final = ("amount", "spend_fen")


@attrs.frozen
class OpeningProgress:
    """
    How far an import is.

    Args:
        seen: Rows read.
        total: Rows in all, where that is known.
    """

    seen: int
    total: int | None


@attrs.define
class OpeningReport:
    """
    What an import did.

    Args:
        seen: Rows read.
        imported: Rows taken in by this call.
        unchanged: Rows taken in before.
        defects: Rows set aside, the first 10,000 of them.
        defect_count: How many were set aside in all.
        batches: Transactions.
    """

    seen: int = 0
    imported: int = 0
    unchanged: int = 0
    defects: list[OpeningDefect] = attrs.field(factory=list)
    defect_count: int = 0
    batches: int = 0

    def set_aside(self, defect: OpeningDefect) -> None:
        """Note a row that was not taken in."""
        self.defect_count += 1
        if len(self.defects) < _KEPT_DEFECTS:
            self.defects.append(defect)


def read_opening(file: TextIO) -> Iterator[OpeningRow | OpeningDefect]:
    """
    Read rows of a CSV file, as `import_opening` takes them.

    Args:
        file: Opened as text with `newline=""` and encoding "utf-8-sig". The header names the columns of
            `OPENING_COLUMNS`, in any order; columns a kind does not use stay empty.

    Returns:
        Rows as they are read; one that cannot be a row is an `OpeningDefect`.

    Raises:
        InvalidInput: The header lacks a column or has another one.
    """
    reader = csv.DictReader(file, strict=True)
    if set(reader.fieldnames or ()) != set(OPENING_COLUMNS):
        raise InvalidInput(f"the header has the columns {','.join(OPENING_COLUMNS)}")
    for number, cells in enumerate(reader, start=1):
        try:
            yield _row_of(cells)
        except (InvalidInput, WrongType) as error:
            yield OpeningDefect(number, OpeningCode.INVALID, shown(str(error)))


def _row_of(cells: Mapping[str | None, Any]) -> OpeningRow:
    if None in cells or None in cells.values():
        raise InvalidInput("the row has more or fewer cells than the header")
    kind, fields = _KINDS.get(cells["kind"], (None, {}))
    if kind is None:
        raise InvalidInput(f"a row is one of {', '.join(_KINDS)}, not {shown(cells['kind'])}")
    used = {"kind", "member_id", *fields.values()}
    extra = [name for name, cell in cells.items() if cell and name not in used]
    if extra:
        raise InvalidInput(f"{shown(extra[0])} stays empty in a row of this kind")
    values: dict[str, Any] = {"member_id": cells["member_id"]}
    for name, column in fields.items():
        cell = cells[column]
        values[name] = _whole(cell) if name in _WHOLE else (cell or None) if name == "expires_on" else cell
    row: OpeningRow = kind(**values)
    return row


def _whole(cell: str) -> int:
    digits = cell.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 16):
        raise InvalidInput(f"an amount is a whole number: {shown(cell)}")
    return int(cell)


async def import_opening(
    world: World,
    program_id: str,
    rows: Iterable[object],
    *,
    name: str,
    batch: int = 500,
    progress: Callable[[OpeningProgress], None] | None = None,
) -> OpeningReport:
    """
    Take in what members bring, once: the same rows under the same name change nothing again, so what broke off goes on.

    Args:
        world: The ports.
        program_id: The program.
        rows: Opening values in the same order each time; read as they are needed, so memory stays bounded.
        name: Of this import; rows are remembered by it and their number.
        batch: Rows a transaction, 1 to 10,000.
        progress: Called after each batch.

    Returns:
        Counts and the rows set aside; a row is set aside, never raised, and the others go on. No event is sent.

    Raises:
        InvalidInput: *batch* is out of range, or *name* cannot be one.
    """
    if type(batch) is not int or not 1 <= batch <= 10_000:
        raise InvalidInput(f"a batch has 1 to 10000 rows, not {shown(batch)}")
    clean_id(name, "name")
    checked_call(progress, "progress")
    report = OpeningReport()
    total = len(rows) if isinstance(rows, Sized) else None
    rest = walked(rows, "what import_opening takes")
    program = await program_hint(world, program_id)
    while chunk := list(islice(rest, batch)):
        good: list[tuple[int, OpeningRow]] = []
        for number, row in enumerate(chunk, start=report.seen + 1):
            if isinstance(row, OpeningDefect):
                report.set_aside(attrs.evolve(row, row=number))
            elif isinstance(row, OpeningRow):
                good.append((number, row))
            else:
                report.set_aside(OpeningDefect(number, OpeningCode.INVALID, shown(row)))
        report.seen += len(chunk)
        report.batches += 1
        if good:
            done = await _import_batch(world, program, name, good)
            report.imported += done.imported
            report.unchanged += done.unchanged
            for defect in done.defects:
                report.set_aside(defect)
        if progress is not None:
            progress(OpeningProgress(report.seen, total))
    return report


def _request_key(program_id: str, name: str, number: int) -> Key:
    return Key(RequestRecord, (program_id, f"opening:{name}:{number}"))


def _digest(row: OpeningRow) -> str:
    text = json.dumps([type(row).__name__, attrs.asdict(row)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


async def _import_batch(
    world: World, program: Program, name: str, rows: Sequence[tuple[int, OpeningRow]]
) -> OpeningReport:
    program_id = program.program_id
    keys: dict[int, OrderKey] = {}
    defects: list[OpeningDefect] = []
    for number, row in rows:
        if isinstance(row, OpeningClaim):
            try:
                keys[number] = key_of_order(row, program)
            except MangledOrderNumber as error:
                defects.append(OpeningDefect(number, OpeningCode.ORDER_NO_MANGLED, shown(str(error))))
            except (InvalidInput, WrongType) as error:
                defects.append(OpeningDefect(number, OpeningCode.INVALID, shown(str(error))))
    wrong = {defect.row for defect in defects}
    good = [(number, row) for number, row in rows if number not in wrong]
    orders = list(dict.fromkeys(keys.values()))
    named = list(dict.fromkeys(row.member_id for _, row in good))

    async def body(tx: AsyncTransaction) -> OpeningReport:
        loaded = Loaded(world, tx, program_id, world.now(), {})
        members = await loaded.lock_homes(named, [Key(OrderRecord, key) for key in orders])
        versions = loaded.versions
        await loaded.read(orders, members)
        await loaded.read_tickets([key for key in orders if loaded.orders[key].next_due_at is not None])
        found = await tx.read([_request_key(program_id, name, number) for number, _ in good])
        held = cast("Mapping[Key, RequestRecord]", found.records)

        def decision(batch: Batch) -> tuple[OpeningReport, list[RequestRecord]]:
            return _take_in(batch, name, good, keys, held)

        batch, (report, done) = await decide(loaded, decision)
        changes, touched = batch.changes(versions)
        if done:
            changes.append(Insert.of(done))
            await tx.write(changes, roots=touched, final=True)
        return report

    report = await world.run(body) if good else OpeningReport()
    report.defects += defects
    return report


def _take_in(
    batch: Batch,
    name: str,
    rows: Sequence[tuple[int, OpeningRow]],
    keys: Mapping[int, OrderKey],
    held: Mapping[Key, RequestRecord],
) -> tuple[OpeningReport, list[RequestRecord]]:
    report = OpeningReport()
    done: list[RequestRecord] = []
    for number, row in rows:
        key = _request_key(batch.program.program_id, name, number)
        digest, before = _digest(row), held.get(key)
        if before is not None:
            if before.digest == digest:
                report.unchanged += 1
            else:
                report.defects.append(OpeningDefect(number, OpeningCode.ROW_CHANGED))
            continue
        try:
            code = _apply(batch, row, keys.get(number), str(key.values[1]))
        except Need as need:
            batch.needs.append(need)  # all that is missing is read at once, then everything is decided again
            continue
        if code is not None:
            report.defects.append(OpeningDefect(number, code))
            continue
        report.imported += 1
        done.append(RequestRecord(batch.program.program_id, str(key.values[1]), digest, "{}", batch.now))
    return report, done


def _apply(batch: Batch, row: OpeningRow, key: OrderKey | None, request_key: str) -> OpeningCode | None:
    """Take one row in; give what is wrong with it instead where something is."""
    member, program = batch.member(row.member_id), batch.program
    if isinstance(row, OpeningClaim):
        assert key is not None  # made before the transaction
        return _claim(batch, row, key)
    if isinstance(row, OpeningBalance):
        if row.asset in program.gateways:
            return OpeningCode.LIVES_OUTSIDE
        if row.expires_on is not None and row.expires_on < member.today:
            return OpeningCode.EXPIRED_BEFORE
        ledger = member.ledger
        if row.amount < 0:
            ledger.post(row.asset, "debt", -row.amount, "import", -1, request_key=request_key)
            return None
        ends_at = None if row.expires_on is None else program.calendar.start(shift_day(row.expires_on, 1))
        ledger.open_lot(
            row.asset, row.amount, kind="import", issue_at=ledger.at, expires_at=ends_at, request_key=request_key
        )
    elif isinstance(row, OpeningSpend):
        member.import_spend(row.day, row.spend_fen, request_key)
    elif isinstance(row, OpeningTier):
        levels = () if program.tiers is None else program.tiers.levels[1:]
        if all(level.name != row.tier for level in levels):
            return OpeningCode.UNKNOWN_TIER
        member.import_tier(row.tier, row.qualified_on)
    elif not mark_given(member, row.gift):
        return OpeningCode.UNKNOWN_GIFT
    return None


def _claim(batch: Batch, row: OpeningClaim, key: OrderKey) -> OpeningCode | None:
    state = batch.order(key)
    if state.claim is not None:
        same = batch.home(state.claim.member_id) == batch.home(row.member_id)
        return None if same else OpeningCode.HELD_BY_ANOTHER
    member = batch.member(row.member_id)
    at = member.ledger.at
    platform = batch.program.known_platforms.get(row.platform).name
    state.claim = ClaimRecord(
        *key, member.member_id, 1, IMPORTED, "import", batch.revision, CALC, at, at, 0, platform, "", 0, 0, "", "", ""
    )
    state.owner_id = member.member_id
    return None
