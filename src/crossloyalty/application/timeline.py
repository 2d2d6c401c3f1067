"""What happened to a member, moment by moment (客户动态)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import attrs

from crossloyalty.application.pages import Page, page_of
from crossloyalty.application.ports import Scan
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import time_of
from crossloyalty.domain.event_sentences import event_sentence
from crossloyalty.domain.records import EventRecord

__all__ = ["Happening", "Moment", "page_of_timeline"]


@attrs.frozen
class Happening:
    """
    One thing that happened.

    Args:
        kind: As of events.
        body: As of events; amounts and keys.
    """

    kind: str
    body: Mapping[str, Any] = attrs.field(hash=False)

    def sentence(self, language: str = "zh") -> str:
        """Say it; *language* is "zh" or "en"."""
        return event_sentence(self.kind, self.body, language)


@attrs.frozen
class Moment:
    """
    What one call or message did to a member.

    Args:
        at: When.
        member_id: The id it was written with.
        happenings: In their order.
    """

    at: datetime
    member_id: str
    happenings: tuple[Happening, ...]


async def page_of_timeline(
    world: World, program_id: str, member_id: str, limit: int, after: str | None
) -> Page[Moment]:
    """List what happened to a member and to everybody merged into it, latest first; it grows with the page alone."""
    scan, newest = Scan(EventRecord, ()), ("at", "seq")
    rows, cursor = await page_of(world, program_id, member_id, scan, ("seq",), limit, after, newest)
    moments = tuple(
        Moment(time_of(row.at), row.member_id, tuple(Happening(kind, body) for kind, body in json.loads(row.content)))
        for row in cast("list[EventRecord]", rows)
    )
    return Page(moments, cursor)
