"""A product's category, of which platforms state several levels."""

from __future__ import annotations

from collections.abc import Sequence

from crossloyalty.adapters.wire.reading import Node

__all__ = ["lowest_category"]

_NONE = "0"


def lowest_category(about: Node, names: Sequence[str]) -> str | None:
    """
    Give the lowest category that is stated.

    Args:
        about: What states it.
        names: The fields of the levels, the lowest first; "0" is no category.

    Raises:
        Unreadable: A level is no text and no number.
    """
    if about.value.keys().isdisjoint(names):
        return None
    for name in names:
        category = about.text(name)
        if category is not None and category != _NONE:
            return category
    return None
