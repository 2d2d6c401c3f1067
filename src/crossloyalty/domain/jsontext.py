"""Stored JSON: compact, ASCII, the same text for the same value on every machine."""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = ["json_text"]

_SLOW: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def _made_once() -> Any:
    """Give the C encoder itself: `JSONEncoder.encode` makes a new one at each call, which costs more than it does."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return None
    return make(None, _SLOW.default, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False)


_FAST: Final = _made_once()


def json_text(value: Any) -> str:
    """
    Write plain data (dicts with text keys, lists, texts, integers, booleans, None) as JSON.

    Raises:
        ValueError: It holds a float that is no number.
        TypeError: It holds something JSON has no form for.
    """
    return _SLOW.encode(value) if _FAST is None else "".join(_FAST(value, 0))
