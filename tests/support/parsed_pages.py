"""A kit reads a page from its bytes exactly as its source does, so that a benchmark of the one is one of the other."""

from __future__ import annotations

from datetime import timedelta

from crossloyalty.testing import AdapterKit
from crossloyalty.testing.adapter_kit import Stand
from crossloyalty.testing.doubles import Reply, Request

__all__ = ["check_parse"]


def check_parse(kit: AdapterKit) -> None:
    """Read one page both ways, and compare."""
    with Stand.open(kit, orders=30) as stand:
        bodies: list[bytes] = []
        answer = stand.double.answer

        def kept(request: Request) -> Reply:
            reply = answer(request)
            bodies.append(reply.body)
            return reply

        stand.double.answer = kept  # type: ignore[method-assign]
        facts = stand.source.page("orders", stand.clock() - timedelta(days=1), stand.clock(), None)
        parsed = kit.parse(bodies[-1])
        assert parsed is not None
        assert len(parsed.items) > 5
        assert parsed.items == facts.items
