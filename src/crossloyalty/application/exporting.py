"""Everything that is kept about a person, for the person: masked where it names somebody, and noted each time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.deciding import decide
from crossloyalty.application.loading import Loaded
from crossloyalty.application.phones import open_phone
from crossloyalty.application.ports import AsyncPhoneCipher, AsyncTransaction, Scan
from crossloyalty.application.programs import program_hint
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import time_of
from crossloyalty.domain.checks import clean_text
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.privacy import masked, neutral
from crossloyalty.domain.records import (
    AccountRecord,
    BindingRecord,
    BuyerRecord,
    ClaimRecord,
    EnrolmentRecord,
    EntryRecord,
    LotRecord,
    OrderRecord,
    Record,
    SpendDayRecord,
    TagRecord,
    TicketRecord,
)

__all__ = ["PersonExport", "export_person"]

# What is told of each kind of row, and by which index it is found; ids of people are masked, texts about them told.
_TOLD: Final[Mapping[str, tuple[type[Record], str | None, tuple[str, ...]]]] = {
    "identities": (
        BindingRecord,
        "by_member",
        ("family", "scope", "buyer_id", "state", "via", "evidence", "bound_at", "ended_at"),
    ),
    "enrolments": (EnrolmentRecord, None, ("side", "state", "asked_at", "external_id")),
    "orders": (OrderRecord, "by_owner", ("platform", "order_no", "shop_id", "effective_at", "buyer_id")),
    "requests": (TicketRecord, "by_member", ("family", "order_no", "state", "requested_at", "expires_at", "touch")),
    "claims": (
        ClaimRecord,
        "by_member",
        ("platform", "order_no", "state", "via", "net_fen", "spend_day", "claimed_at", "touch"),
    ),
    "accounts": (AccountRecord, None, ("asset", "account", "balance")),
    "lots": (LotRecord, None, ("asset", "state", "granted", "remaining", "issue_at", "expires_at", "order_no")),
    "entries": (EntryRecord, None, ("seq", "at", "asset", "account", "amount", "kind", "order_no", "rule_id")),
    "spend_days": (SpendDayRecord, None, ("day", "spend_fen")),
    "sources": (TagRecord, None, ("tag", "claims", "net_fen", "first_at", "last_at")),
}
_HEADS: Final = {"member": ("name", "value"), "phones": ("phone",)}
_HIDDEN: Final = "****"
_MASKED: Final = ("buyer_id", "external_id", "evidence")


@attrs.frozen
class PersonExport:
    """
    What is kept about a person, by section.

    Args:
        member_id: Who stands for them.
        ids: All ids they had.
        made_at: When.
        sections: Name to rows; a row maps names to texts, whole numbers and None. Times are ISO 8601, UTC.
    """

    member_id: str
    ids: tuple[str, ...]
    made_at: datetime
    sections: Mapping[str, tuple[Mapping[str, Any], ...]] = attrs.field(repr=False)

    def to_json(self) -> str:
        """Give everything as one JSON document."""
        document = {"member_id": self.member_id, "ids": self.ids, "made_at": self.made_at.isoformat()}
        return json.dumps({**document, "sections": self.sections}, ensure_ascii=False)

    def to_csv(self, section: str) -> str:
        """
        Give one section as a CSV file that no spreadsheet takes for formulas, with long numbers as text.

        Args:
            section: Its name, as in `sections`.
        """
        rows = self.sections[section]
        text = io.StringIO()
        writer = csv.writer(text)
        heads = {name: told for name, (_, _, told) in _TOLD.items()} | _HEADS
        writer.writerow(heads[section])
        for row in rows:
            writer.writerow([neutral("" if value is None else str(value)) for value in row.values()])
        return text.getvalue()


async def export_person(
    world: World, program_id: str, member_id: str, *, operator: str, phone_cipher: AsyncPhoneCipher | None = None
) -> PersonExport:
    """
    Give everything that is kept about a person, whichever ids they were merged from.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Who.
        operator: Who asks for it; kept with the event `member.exported` that is written first.
        phone_cipher: Shows the phones that are kept under it, behind the transaction; None: they stay masked.
    """
    clean_id(member_id, "member_id")
    clean_id(operator, "operator")
    clean_text(operator, "operator")
    await program_hint(world, program_id)

    async def body(tx: AsyncTransaction) -> tuple[PersonExport, Iterable[str]]:
        loaded = Loaded(world, tx, program_id, world.now(), {})
        (home,) = await loaded.lock_homes([member_id])
        versions = loaded.versions
        await loaded.read((), [home])
        ids = loaded.members[home].ids
        scans = [Scan(kind, (program_id, each), by=by) for kind, by, _ in _TOLD.values() for each in ids]
        scans.append(Scan(BuyerRecord, (program_id, home), by="by_member"))
        *found, bound = (await tx.read(scans=scans)).rows
        # While a key of indexes is changed, one phone is bound under two of them.
        kept = dict.fromkeys(row.ciphertext for row in cast("Sequence[BuyerRecord]", bound) if row.ciphertext)
        sections: dict[str, tuple[Mapping[str, Any], ...]] = {}
        for at, (name, (_, _, told)) in enumerate(_TOLD.items()):
            parts = found[at * len(ids) : (at + 1) * len(ids)]
            sections[name] = tuple(_told(row, told) for part in parts for row in part)
        root = loaded.members[home].root
        standing = [("tier", root.tier), ("tier_on", root.tier_on), ("blocked_reason", root.blocked_reason)]
        sections["phones"] = tuple({"phone": _HIDDEN} for _ in kept)
        sections["member"] = tuple({"name": name, "value": value} for name, value in standing)

        def decision(batch: Batch) -> None:
            counts = {name: len(rows) for name, rows in sections.items()}
            batch.member(home).ledger.emit("member.exported", {"operator": operator, "rows": counts})

        batch, _ = await decide(loaded, decision)
        changes, touched = batch.changes(versions)
        await tx.write(changes, roots=touched, final=True)
        return PersonExport(home, ids, time_of(loaded.now), dict(sorted(sections.items()))), kept

    export, kept = await world.run(body)
    if phone_cipher is None:
        return export
    phones = tuple([{"phone": await open_phone(phone_cipher, program_id, text)} for text in kept])
    return attrs.evolve(export, sections={**export.sections, "phones": phones})


def _told(row: Record, names: Sequence[str]) -> dict[str, Any]:
    return {name: _value(name, getattr(row, name)) for name in names}


def _value(name: str, value: Any) -> Any:
    if name in _MASKED:
        return masked(cast(str, value))
    if name.endswith("_at") or name == "at":
        return None if value is None else time_of(value).isoformat()
    return value
