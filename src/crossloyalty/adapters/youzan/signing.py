"""
How pushed messages are signed: MD5 over client_id, the body's bytes as they came, client_secret.

Calls carry an access token and no signature. MD5 is weak and there is no time in it, so a message only triggers a
fetch. Source: message push, the header Event-Sign (doc 7634).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import explained, md5_hex, same
from crossloyalty.adapters.youzan.settings import YouzanSettings

__all__ = ["event_sign", "explain_signature", "is_signed"]


def event_sign(client_id: str, body: bytes, secret: Secret) -> str:
    """
    Give the Event-Sign of a message in lower-case hex.

    Args:
        client_id: The application.
        body: The raw bytes, never written anew.
        secret: The application's client_secret.
    """
    return md5_hex(client_id.encode() + body + secret.reveal().encode())


def is_signed(given: str | None, client_id: str, body: bytes, secrets: Iterable[Secret]) -> bool:
    """
    Say whether a message was signed with one of the secrets, in constant time for each.

    Args:
        given: The header, in either case; nothing is never right.
        client_id, body: See `event_sign`.
        secrets: All that are accepted at present.
    """
    matched = False
    for secret in secrets:
        matched |= same((given or "").lower(), event_sign(client_id, body, secret))
    return matched


def explain_signature(settings: YouzanSettings, headers: Mapping[str, str], body: bytes) -> str:
    """
    Show, for support, what a pushed message's signature should be made of, with the secret hidden.

    Args:
        settings: The shop.
        headers: By lower-case name.
        body: The raw bytes; the message itself is shown by its length and MD5 only, because it may hold personal data.

    Returns:
        The string to sign with `<secret>` for the secret, and whether it agrees.
    """
    text = f"{settings.client_id}[{len(body)} bytes, md5 {md5_hex(body)}]{settings.client_secret.reveal()}"
    agrees = is_signed(headers.get("event-sign"), settings.client_id, body, settings.client_secrets)
    return f"md5({explained(text, settings.client_secret)}) = Event-Sign: {'agrees' if agrees else 'does not agree'}"
