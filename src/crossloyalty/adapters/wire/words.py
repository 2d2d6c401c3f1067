"""Words of a platform, made fit for an error or a log line."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["platform_words", "request_id"]

_LONGEST: Final = 64
# Tokens, keys and order numbers are long runs; the words somebody needs to understand an error are not.
_RUN: Final = re.compile(r"[A-Za-z0-9_~+/=-]{20,}", re.ASCII)

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]+", re.ASCII)


def platform_words(*parts: str | None) -> str:
    """
    Join what a platform said about an error: one line, at most 64 characters, long runs replaced by "…".

    Args:
        parts: Its message and what stands beside it; None and empty ones are left out.
    """
    text = "; ".join(part for part in parts if part)
    text = _RUN.sub("…", text[: 4 * _LONGEST])
    text = "".join(each if each.isprintable() else " " for each in text).strip()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def request_id(told: str | None) -> str | None:
    """Give the id a platform's support asks for, when it looks like one; it is the one long run that may be shown."""
    return told if told is not None and len(told) <= _LONGEST and _PLAIN.fullmatch(told) else None
