"""
Everything this library raises, drawn as one tree; the branch says what the caller does next.

    CrossloyaltyError
    ├── InvalidInput                  fix the call (also a ValueError)
    │   ├── WrongType                 a float, a naive datetime, … (also a TypeError)
    │   ├── MangledOrderNumber        digits were lost before we saw the number
    │   ├── UnreadableFile            an export file as a whole cannot be read
    │   ├── ForgedMessage             a pushed message is not from the platform, or too old
    │   └── IdempotencyConflict       same key, another request
    ├── ConfigError                   fix the set-up
    │   ├── ProgramDiffers            the store holds another revision of this program
    │   └── UnknownProgram            the store holds no program of this id
    ├── Retryable                     try again, unchanged
    │   ├── StorageBusy               locks or retries ran out
    │   │   ├── LockTimedOut          another transaction held a lock for too long; the library retries this itself
    │   │   └── StorageUnavailable    the server, or the link to it, is gone; the library retries this itself
    │   ├── Conflict                  somebody else wrote first; the library retries this itself
    │   │   └── LimitReached          a shared counter would pass its bound
    │   ├── HostTransactionLost       the host has to roll back its own transaction first
    │   ├── RateLimited               a platform asked us to slow down
    │   └── PlatformUnavailable       a platform did not answer
    └── NeedsHuman                    ask somebody
        ├── PlatformRefused           a platform said no for good
        │   └── PlatformMissing       it knows no such order or refund
        ├── StorageFull               the disk or a quota is full; nothing was lost
        └── StorageCorrupt            what is stored contradicts itself

Expected refusals ("this order is not finished") are values with reasons and never raised.
Every error pickles, shows at most 64 characters of what was passed in, and holds no secret.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "Conflict",
    "CrossloyaltyError",
    "ForgedMessage",
    "HostTransactionLost",
    "IdempotencyConflict",
    "InvalidInput",
    "LimitReached",
    "LockTimedOut",
    "MangledOrderNumber",
    "NeedsHuman",
    "PlatformMissing",
    "PlatformRefused",
    "PlatformUnavailable",
    "ProgramDiffers",
    "RateLimited",
    "Retryable",
    "StorageBusy",
    "StorageCorrupt",
    "StorageFull",
    "StorageUnavailable",
    "UnknownProgram",
    "UnreadableFile",
    "WrongType",
    "shown",
]

_SHOWN_CHARACTERS = 64


def shown(value: object) -> str:
    """
    Quote a piece of input for a message: one line, ASCII, at most 64 characters.

    Args:
        value: Whatever was passed in; huge integers are not converted to text.

    Returns:
        A text that is safe in a log line.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return f"<integer of {value.bit_length()} bits>"
    try:
        text = ascii(value[: _SHOWN_CHARACTERS + 1] if isinstance(value, (str, bytes, bytearray)) else value)
    except Exception:  # noqa: BLE001 - a broken __repr__ of a host's object must not hide our error
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


class CrossloyaltyError(Exception):
    """The root of the tree; catch it to catch everything this library raises on purpose."""


class InvalidInput(CrossloyaltyError, ValueError):
    """What was passed in cannot mean anything; fix the call."""


class WrongType(InvalidInput, TypeError):
    """The value is of a type that loses money or time: a float amount, a naive datetime."""


class MangledOrderNumber(InvalidInput):
    """A spreadsheet has eaten digits of this order number; the full number is needed."""


class UnreadableFile(InvalidInput):
    """
    An export file cannot be read as a whole.

    Attributes:
        byte_offset: Where decoding stopped, in bytes; None when that is not the trouble.
        sentence_zh: What the merchant should do, in Chinese.
    """

    def __init__(self, message: str, *, byte_offset: int | None = None, sentence_zh: str = "") -> None:
        super().__init__(message)
        self.byte_offset = byte_offset
        self.sentence_zh = sentence_zh


class ForgedMessage(InvalidInput):
    """A pushed message has a wrong signature, time or form; it was not taken in."""


class IdempotencyConflict(InvalidInput):
    """The key was used before for another request; nothing was changed."""


class ConfigError(CrossloyaltyError):
    """The set-up is wrong; no retry will help until it is changed."""


class ProgramDiffers(ConfigError):
    """The store holds other rules under this program id; publish a revision instead."""


class UnknownProgram(ConfigError):
    """No revision of this program was ever published into this store."""


class Retryable(CrossloyaltyError):
    """Nothing was changed; the same call may succeed later."""


class StorageBusy(Retryable):
    """The store stayed locked, or the retries of a contended call ran out."""


class LockTimedOut(StorageBusy):
    """Another transaction held a lock for longer than the configured time; ours was rolled back."""


class StorageUnavailable(StorageBusy):
    """The server did not answer, or the link to it broke; the same call again finds out what was done."""


class Conflict(Retryable):
    """A key exists already or a version has moved on; run the use case again from its first lock."""


class LimitReached(Conflict):
    """An `Add` would take a counter past its bound."""


class HostTransactionLost(Retryable):
    """The host's transaction can no longer commit; the host rolls back and starts again."""


class _PlatformError(CrossloyaltyError):
    def __init__(
        self,
        message: str,
        *,
        platform: str = "",
        code: str = "",
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.platform = platform
        self.code = code
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class RateLimited(_PlatformError, Retryable):
    """The platform asked us to slow down; safe to try again after the pause."""


class PlatformUnavailable(_PlatformError, Retryable):
    """The platform did not answer, or answered something unreadable."""


class NeedsHuman(CrossloyaltyError):
    """No retry and no change of the call will help; somebody has to look."""


class PlatformRefused(_PlatformError, NeedsHuman):
    """The platform said no for good."""


class PlatformMissing(PlatformRefused):
    """The platform knows no such order or refund."""


class StorageFull(NeedsHuman):
    """Disk or quota is full; the transaction was rolled back and the store is intact."""


class StorageCorrupt(NeedsHuman):
    """What is stored contradicts itself; run `verify()` for the list."""
