"""Of a product's categories the lowest that is stated counts."""

from __future__ import annotations

from typing import Any

import pytest

from crossloyalty.adapters.wire.categories import lowest_category
from crossloyalty.adapters.wire.reading import Node, Unreadable


@pytest.mark.parametrize(
    ("stated", "lowest"),
    [
        ({"c3": "30", "c2": "20"}, "30"),
        ({"c3": 0, "c2": "0", "c1": 10}, "10"),
        ({"c3": "", "c2": None, "c1": "10"}, "10"),
        ({"c2": "0"}, None),
        ({}, None),
    ],
)
def test_zero_and_nothing_are_no_category(stated: dict[str, Any], lowest: str | None) -> None:
    """Levels are tried from the lowest; numbers and texts are one."""
    assert lowest_category(Node(stated, "item"), ("c3", "c2", "c1")) == lowest


def test_a_category_of_another_shape_is_named() -> None:
    """A level that is no text is not passed over."""
    with pytest.raises(Unreadable, match=r"^item\.c1 "):
        lowest_category(Node({"c1": []}, "item"), ("c1",))
