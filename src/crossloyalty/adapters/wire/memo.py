"""Words of a merchant's memo (商家备注) that say something of an order, such as 刷单; the memo itself is not kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from crossloyalty.domain.keys import clean_id
from crossloyalty.errors import WrongType, shown

__all__ = ["flags_in", "memo_words"]


def memo_words(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check a mapping of words to the flags they set, as an attrs validator."""
    if not isinstance(value, Mapping):
        raise WrongType(f"{attribute.name} is a mapping of words to flags, not {shown(value)}")
    for word, flag in value.items():
        clean_id(word, f"a word of {attribute.name}")
        clean_id(flag, f"a flag of {attribute.name}")


def flags_in(memo: object, words: Mapping[str, str]) -> set[str]:
    """Give the flags whose words stand in a memo; anything but a text sets none."""
    if not words or not isinstance(memo, str):
        return set()
    return {flag for word, flag in words.items() if word in memo}
