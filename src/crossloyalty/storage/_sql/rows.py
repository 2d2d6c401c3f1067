"""Rows as drivers give them, made into records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from crossloyalty.domain.records import Record
from crossloyalty.storage._shape import SHAPES

__all__ = ["RECORD_OF", "made_of"]

# Rows become records without a call of Python code each.
RECORD_OF: Final = {kind: partial(tuple.__new__, kind) for kind in SHAPES}
_unpacked: Final = json.JSONDecoder(strict=False).decode


def made_of(kind: type[Record] | None, rows: Sequence[Any]) -> list[Any]:
    """
    Make rows of a driver or of its wrapper records, or plain tuples.

    Args:
        kind: The record class; None for tuples.
        rows: With a column a field, or packed into one: see `Dialect.read_row`.
    """
    if kind is None:
        return list(map(tuple, rows))
    if rows and len(rows[0]) == 1:  # no record has one field
        rows = [_unpacked(row[0]) for row in rows]
    return list(map(RECORD_OF[kind], rows))
