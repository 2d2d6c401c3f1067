"""What a member's lots say at a glance, read by asset with bounds: the same cost however long the history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias, cast

from crossloyalty.application.ports import Scan
from crossloyalty.domain.records import NEVER, AccountRecord, LotRecord, Record

__all__ = ["COUPON", "COUPONS", "EXACT", "SOONEST", "Coming", "Holdings", "holding_scans", "holdings_of"]

COUPONS: Final = 100  # so many are listed
# An account of so many entries has no more lots, and all of one expiry are added up; of a longer one only the soonest.
EXACT: Final = 200
SOONEST: Final = 20
COUPON: Final = "coupon:"

Lots: TypeAlias = Sequence[LotRecord]


class Coming(NamedTuple):
    """
    What expires next of one asset.

    Args:
        at: When, None: nothing does.
        amount: How much, by the lots looked at.
        more: There are further lots of the same expiry, so that *amount* is the least it can be.
    """

    at: int | None = None
    amount: int = 0
    more: bool = False


class Holdings(NamedTuple):
    """
    What the lots say that accounts do not.

    Args:
        stale: By asset how much has expired and is not swept yet.
        coming: By asset what expires next.
        coupons: Pending and active pieces by number; the soonest to be issued or to expire where there are too many.
    """

    stale: Mapping[str, int]
    coming: Mapping[str, Coming]
    coupons: Lots


def holding_scans(accounts: Iterable[AccountRecord], at: int) -> list[Scan]:
    """
    Ask for the lots that matter now, all in one round trip.

    Args:
        accounts: All of the member's; only what they hold is asked for.
        at: The present moment, in microseconds.
    """
    scans: list[Scan] = []
    for row in _held(accounts):
        prefix = (row.program_id, row.member_id, row.asset)
        if row.asset.startswith(COUPON):
            state = "PENDING" if row.account == "pending" else "ACTIVE"
            scans.append(Scan(LotRecord, (*prefix, state), by="by_asset", low=0, limit=COUPONS))
        elif row.account == "balance":
            active = (*prefix, "ACTIVE")
            # No bound on what has expired: all of it is not spendable, and `run_due` keeps it short.
            scans.append(Scan(LotRecord, active, by="by_asset", low=0, high=at))
            scans.append(Scan(LotRecord, active, by="by_asset", low=at + 1, high=NEVER - 1, limit=_most(row) + 1))
    return scans


def holdings_of(accounts: Iterable[AccountRecord], rows: Iterable[Sequence[Record]]) -> Holdings:
    """
    Read the answers of `holding_scans`.

    Args:
        accounts: As it was given.
        rows: One list a scan, in its order.
    """
    answers = cast("Iterator[Lots]", iter(rows))
    stale: dict[str, int] = {}
    coming: dict[str, Coming] = {}
    coupons: list[LotRecord] = []
    for row in _held(accounts):
        if row.asset.startswith(COUPON):
            coupons += next(answers)
        elif row.account == "balance":
            stale[row.asset] = sum(lot.remaining for lot in next(answers))
            coming[row.asset] = _next_of(next(answers), _most(row))
    coupons.sort(key=lambda lot: (NEVER if lot.due_at is None else lot.due_at, lot.lot_no))
    return Holdings(stale, coming, sorted(coupons[:COUPONS], key=lambda lot: lot.lot_no))


def _held(accounts: Iterable[AccountRecord]) -> Iterator[AccountRecord]:
    """Give the accounts whose lots may be live: an emptied account has none."""
    return (row for row in accounts if row.balance and row.account in ("pending", "balance"))


def _most(row: AccountRecord) -> int:
    return EXACT if row.seq <= EXACT else SOONEST


def _next_of(lots: Lots, most: int) -> Coming:
    if not lots:
        return Coming()
    at = lots[0].expires_at
    alike = [lot.remaining for lot in lots if lot.expires_at == at]
    return Coming(at, sum(alike[:most]), len(alike) > most)
