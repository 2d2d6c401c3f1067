"""
How Xiaohongshu signs: calls by four of their system parameters, messages by their URL and two headers.

Source: open.xiaohongshu.com, developer files 39 (calls) and 41 (messages). Neither signature covers the business
parameters or the body; TLS, and asking the platform itself, carry the trust.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import explained, md5_hex

__all__ = ["VERSION", "explain_signature", "sign_call", "sign_message", "text_of_call", "text_of_message"]

VERSION: Final = "2.0"


def text_of_call(method: str, *, app_id: str, timestamp: str, secret: Secret) -> str:
    """
    Give what is hashed for a call.

    Args:
        method: Such as "order.getOrderList".
        app_id: The app.
        timestamp: Seconds since 1970, the very text that is sent.
        secret: The app secret.
    """
    return f"{method}?appId={app_id}&timestamp={timestamp}&version={VERSION}{secret.reveal()}"


def sign_call(method: str, *, app_id: str, timestamp: str, secret: Secret) -> str:
    """Sign a call; see `text_of_call`."""
    return md5_hex(text_of_call(method, app_id=app_id, timestamp=timestamp, secret=secret))


def text_of_message(callback: str, *, app_key: str, timestamp: str, secret: Secret) -> str:
    """
    Give what is hashed for a pushed message.

    Args:
        callback: Path and query of the URL it was sent to; values of the query count un-encoded.
        app_key: The header `app-key`, which is the app's id.
        timestamp: The header `timestamp`, as it came.
        secret: The app secret.
    """
    parts = urlsplit(callback)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), ("app-key", app_key), ("timestamp", timestamp)]
    return f"{parts.path}?" + "&".join(f"{name}={value}" for name, value in sorted(pairs)) + secret.reveal()


def sign_message(callback: str, *, app_key: str, timestamp: str, secret: Secret) -> str:
    """Sign a message; see `text_of_message`."""
    return md5_hex(text_of_message(callback, app_key=app_key, timestamp=timestamp, secret=secret))


def explain_signature(method: str, *, app_id: str, timestamp: str, secret: Secret) -> str:
    """Show what is hashed for a call with the secret in it hidden: what to compare when the platform calls it wrong."""
    return explained(text_of_call(method, app_id=app_id, timestamp=timestamp, secret=secret), secret)
