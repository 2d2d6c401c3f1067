"""Where a member's orders came from: one row a platform, with the claims behind it and their sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from crossloyalty.domain.ledger import Ledger
from crossloyalty.domain.needs import MoreClaims
from crossloyalty.domain.records import TagRecord

__all__ = ["Claims", "Contribution", "Sources"]


class Contribution(NamedTuple):
    """
    What a claim adds to its member.

    Args:
        platform: The source.
        day: The local day of finishing.
        net_fen: Eligible net; 0 adds nothing.
        effective_at: When the order counts, in microseconds.
    """

    platform: str
    day: str
    net_fen: int
    effective_at: int


# All claims of a member by family and order number; None where they were not read.
Claims = Mapping[tuple[str, str], Contribution] | None


class Sources:
    """
    The sources of one member during one batch.

    Args:
        ledger: The member's; told of tags that come and go.
        rows: Those stored.
        prefix: Of the tags; None: the program shows none.
    """

    __slots__ = ("_changed", "_known", "_ledger", "_prefix", "_rows")

    def __init__(self, ledger: Ledger, rows: Iterable[TagRecord], prefix: str | None) -> None:
        self._ledger = ledger
        self._prefix = prefix
        self._rows = {row.tag: row for row in rows}
        self._known = set(self._rows)
        self._changed: set[str] = set()

    @property
    def rows(self) -> Mapping[str, TagRecord]:
        """The sources by platform, those without claims included."""
        return self._rows

    def net_fen(self) -> int:
        """Give the eligible net of all claims, in fen."""
        return sum(row.net_fen for row in self._rows.values())

    def replace(self, old: Contribution | None, new: Contribution, claims: Claims) -> None:
        """
        Replace what a claim added before by what it adds now.

        Args:
            old: None at the first settlement.
            new: What it adds now.
            claims: All claims, the new contribution in its place; None: not read.

        Raises:
            MoreClaims: A source's first or last order has fallen away, and the others have to be read.
        """
        if old is not None and old.net_fen and new.net_fen and old.platform == new.platform:
            self._stay(old, new, claims)
            return
        if old is not None and old.net_fen:
            self._leave(old, claims)
        if new.net_fen:
            self._join(new)

    def bring(self, platform: str, claims: int, net_fen: int, first_at: int, last_at: int) -> None:
        """Set a source to sums that were made elsewhere, and tell of a tag that comes or goes."""
        held = self._rows.get(platform)
        before = 0 if held is None else held.claims
        ledger = self._ledger
        row = TagRecord(ledger.program_id, ledger.member_id, platform, claims, net_fen, first_at, last_at)
        if row == held:
            return
        self._put(row)
        if bool(before) != bool(claims):
            self._tell("tag.added" if claims else "tag.removed", platform)

    def changes(self) -> Sequence[tuple[bool, TagRecord]]:
        """Give the touched rows, each with whether it is new."""
        return [(tag not in self._known, self._rows[tag]) for tag in self._changed]

    def _join(self, new: Contribution) -> None:
        held = self._rows.get(new.platform)
        at = new.effective_at
        if held is None:
            ledger = self._ledger
            self._put(TagRecord(ledger.program_id, ledger.member_id, new.platform, 1, new.net_fen, at, at))
        elif not held.claims:
            self._put(held._replace(claims=1, net_fen=new.net_fen, first_at=at, last_at=at))
        else:
            self._put(
                TagRecord(
                    held.program_id,
                    held.member_id,
                    held.tag,
                    held.claims + 1,
                    held.net_fen + new.net_fen,
                    min(held.first_at, at),
                    max(held.last_at, at),
                )
            )
            return
        self._tell("tag.added", new.platform)

    def _stay(self, old: Contribution, new: Contribution, claims: Claims) -> None:
        held = self._rows[old.platform]
        same_time = old.effective_at == new.effective_at
        first_at, last_at = held[5:7] if same_time else self._times_without(held, old, claims)
        self._put(
            held._replace(
                net_fen=held.net_fen - old.net_fen + new.net_fen,
                first_at=min(first_at or new.effective_at, new.effective_at),
                last_at=max(last_at, new.effective_at),
            )
        )

    def _leave(self, old: Contribution, claims: Claims) -> None:
        held = self._rows[old.platform]
        first_at, last_at = self._times_without(held, old, claims)
        net_fen = held.net_fen - old.net_fen
        self._put(held._replace(claims=held.claims - 1, net_fen=net_fen, first_at=first_at, last_at=last_at))
        if held.claims == 1:
            self._tell("tag.removed", old.platform)

    def _times_without(self, held: TagRecord, old: Contribution, claims: Claims) -> tuple[int, int]:
        """Give a source's first and last time once *old* no longer counts; 0 and 0 when nothing is left."""
        if held.claims == 1:
            return 0, 0
        if old.effective_at not in (held.first_at, held.last_at):
            return held.first_at, held.last_at
        if claims is None:
            raise MoreClaims(self._ledger.member_id)
        times = [each.effective_at for each in claims.values() if each.net_fen and each.platform == held.tag]
        return min(times, default=0), max(times, default=0)

    def _put(self, row: TagRecord) -> None:
        self._rows[row.tag] = row
        self._changed.add(row.tag)

    def _tell(self, kind: str, platform: str) -> None:
        if self._prefix is not None:
            self._ledger.emit(kind, {"tag": self._prefix + platform})
