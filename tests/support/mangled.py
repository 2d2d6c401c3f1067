"""Payloads of platforms mangled field by field, to see that parsers keep to their typed errors."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

__all__ = ["any_json", "mangled"]

any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.text(max_size=8)
    | st.sampled_from(["0", "1", "2024-07-01 10:00:03", "98.00", "-1", "9" * 30, "\ud800", "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


@st.composite
def mangled(draw: st.DrawFn, payload: dict[str, Any]) -> dict[str, Any]:
    """Give the payload with one to four of its fields, at any depth, replaced by anything or left out."""
    changed = copy.deepcopy(payload)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(_places(changed)[1:] or [("a",)]))
        holder: Any = changed
        for step in path[:-1]:
            holder = holder[step]
        if isinstance(holder, dict) and draw(st.booleans()):
            holder.pop(path[-1], None)
        else:
            holder[path[-1]] = draw(any_json)
    return changed
