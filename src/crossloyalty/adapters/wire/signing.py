"""Digests the platforms sign with, comparison that tells nothing, and the string to sign with its secrets hidden."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal

from crossloyalty.adapters.wire.secret import Secret

__all__ = ["explained", "hmac_hex", "joined_pairs", "md5_hex", "same", "sha256_hex"]


def md5_hex(text: str | bytes) -> str:
    """Give the MD5 in lower-case hex; some platforms sign with nothing stronger, TLS carries the trust there."""
    return hashlib.md5(_raw(text), usedforsecurity=False).hexdigest()


def sha256_hex(text: str | bytes) -> str:
    """Give the SHA-256 in lower-case hex."""
    return hashlib.sha256(_raw(text)).hexdigest()


def hmac_hex(secret: Secret, text: str | bytes, digest: Literal["md5", "sha1", "sha256"]) -> str:
    """Give the HMAC in lower-case hex."""
    return hmac.new(secret.reveal().encode(), _raw(text), digest).hexdigest()


def joined_pairs(values: Mapping[str, str]) -> str:
    """Join names and values without separators, sorted by name in byte order: name1value1name2value2…"""
    return "".join(f"{name}{values[name]}" for name in sorted(values, key=str.encode))


def same(given: str | bytes | None, expected: str | bytes) -> bool:
    """
    Compare a signature that was given with the right one, in constant time.

    Args:
        given: What came over the wire; nothing or an empty one is never right.
        expected: What it should be; an empty one is never right either.
    """
    return bool(given) and bool(expected) and hmac.compare_digest(_raw(given or b""), _raw(expected))


def explained(text: str, *secrets: Secret) -> str:
    """Show a string to sign with every secret in it replaced by `<secret>`."""
    for secret in sorted((each.reveal() for each in secrets), key=len, reverse=True):
        text = text.replace(secret, "<secret>")
    return text


def _raw(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
