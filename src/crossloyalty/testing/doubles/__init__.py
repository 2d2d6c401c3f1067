"""Doubles of marketplaces: HTTP servers on 127.0.0.1 that check, page, throttle, drift and fail like the real ones."""

from __future__ import annotations

from crossloyalty.testing.doubles.book import Book
from crossloyalty.testing.doubles.faults import FaultKind, Faults
from crossloyalty.testing.doubles.server import Double, Reply, Request

__all__ = ["Book", "Double", "FaultKind", "Faults", "Reply", "Request"]
