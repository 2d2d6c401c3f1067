"""Arbitrary JSON, and answers of a platform with parts of them changed, dropped or replaced."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(max_size=12)
    | st.sampled_from(["", "0", "-1.00", "1e9", "NaN", "9" * 40, "2026-13-01 00:00:00", "0001-01-01 00:00:00", "١"])
    | st.decimals(allow_nan=False, allow_infinity=False, places=2)
)
ANY_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Give the path of every part of a JSON value."""
    found = [at] if at else []
    if isinstance(value, dict):
        for name, each in value.items():
            found += places(each, (*at, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            found += places(each, (*at, place))
    return found


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """Give a copy of *value* with one to four parts replaced by anything, or dropped."""
    made = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 4))):
        known = places(made)
        if not known:
            break
        *way, last = draw(st.sampled_from(known))
        owner = made
        for step in way:
            owner = owner[step]
        if isinstance(owner, dict) and draw(st.booleans()):
            del owner[last]
        else:
            owner[last] = draw(ANY_JSON)
    return made
