"""
Which members are one: what a member's row of links says.

Rows keep the member id they were written with. A merged-away member names where it went, so its id stays good as an
alias; a survivor lists everybody it stands for. The row lies beside what is counted at a member, because a settlement
reads all of that anyway: members that were never merged pay nothing for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from crossloyalty.domain.jsontext import json_text
from crossloyalty.domain.records import MemberGrantRecord

__all__ = ["LINKS_ROW", "NO_LINKS", "Links", "links_of"]

# No reward can have such an id. It sorts before every other, so one look at the first row is enough.
LINKS_ROW: Final = "#alias"


@attrs.frozen
class Links:
    """
    What a member was merged with.

    Args:
        into: Whom it was merged into, "" for a member that stands for itself.
        absorbed: Everybody it stands for, whoever they came through; kept as it was when it is merged away itself.
        origins: Whose lots it may hold, by place: lot numbers of others are told apart by it, so it only grows.
        version: Of the newest call that named the survivor; 0: nobody was named.
        merged_at: When it was merged away, in microseconds; 0: it was not.
        identities: The keys of the identities that went along when it was merged away.
        blocked_by: From whom it has its place on the deny list, "" for its own.
        moved: Claims it holds no more and with whom each was made: family, order number, number of the holder, member.
            Kept where the ledger alone could tell it wrong, because claims of several members were settled here.
        erased_at: When everything personal was taken out, in microseconds; 0: it was not.
    """

    into: str = ""
    absorbed: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    version: int = 0
    merged_at: int = 0
    identities: tuple[tuple[str, ...], ...] = ()
    blocked_by: str = ""
    moved: tuple[tuple[str, str, int, str], ...] = ()
    erased_at: int = 0

    def ids(self, member_id: str) -> tuple[str, ...]:
        """Give a member and everybody it stands for."""
        return (member_id, *self.absorbed)

    def knowing(self, members: Iterable[str]) -> Links:
        """Give the links with more places for the lots of others."""
        return attrs.evolve(self, origins=tuple(dict.fromkeys([*self.origins, *members])))

    def having_moved(self, claims: Iterable[tuple[str, str, int, str]]) -> Links:
        """Give the links with more claims of earlier holders."""
        return attrs.evolve(self, moved=tuple(dict.fromkeys([*self.moved, *claims])))

    def text(self) -> str:
        """Give what is stored: every field that is not at its default."""
        fields = attrs.fields(Links)
        return json_text({f.name: v for f in fields if (v := getattr(self, f.name)) != f.default})

    @classmethod
    def from_text(cls, text: str) -> Links:
        """Read what was stored."""
        held: dict[str, Any] = json.loads(text)
        identities = tuple(tuple(key) for key in held.pop("identities", ()))
        absorbed, origins = tuple(held.pop("absorbed", ())), tuple(held.pop("origins", ()))
        moved = tuple((family, order_no, number, who) for family, order_no, number, who in held.pop("moved", ()))
        return cls(**held, absorbed=absorbed, origins=origins, identities=identities, moved=moved)


NO_LINKS: Final = Links()


def links_of(rows: Sequence[MemberGrantRecord]) -> Links:
    """Find the links among what is counted at a member, in the order of its key."""
    return Links.from_text(rows[0].grant) if rows and rows[0].rule_id == LINKS_ROW else NO_LINKS
