"""
Douyin's signatures: of calls over five sorted names, of messages over the raw body.

Source: op.jinritemai.com, guide to calls and signatures and message overview (215/1977); the official Go client builds
the same strings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import explained, hmac_hex, md5_hex, same

__all__ = ["canonical", "event_sign", "explain_signature", "is_signed", "sign", "string_to_sign"]


def canonical(parameters: Mapping[str, Any]) -> str:
    """
    Write business parameters the one way that is signed and sent: keys sorted at every depth, no blanks, no escapes.

    Args:
        parameters: JSON values; None is left out at the top.
    """
    stated = {name: value for name, value in parameters.items() if value is not None}
    return json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def string_to_sign(app_key: str, secret: Secret, method: str, param_json: str, timestamp: str) -> str:
    """Give what is hashed; the access token, the signature and its method have no part in it."""
    names = f"app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v2"
    return f"{secret.reveal()}{names}{secret.reveal()}"


def sign(
    app_key: str,
    secret: Secret,
    method: str,
    param_json: str,
    timestamp: str,
    *,
    sign_method: Literal["hmac-sha256", "md5"] = "hmac-sha256",
) -> str:
    """Give the signature of a call in lower-case hex."""
    text = string_to_sign(app_key, secret, method, param_json, timestamp)
    return md5_hex(text) if sign_method == "md5" else hmac_hex(secret, text, "sha256")


def explain_signature(app_key: str, secret: Secret, method: str, param_json: str, timestamp: str) -> str:
    """
    Show the string that is hashed for a call, to be compared with what the platform's console expects.

    Args:
        app_key: The app's key.
        secret: Stands in the result as `<secret>`.
        method: Such as "order.searchList".
        param_json: The body, as `canonical` writes it.
        timestamp: As sent.
    """
    return explained(string_to_sign(app_key, secret, method, param_json, timestamp), secret)


def event_sign(app_key: str, secret: Secret, body: bytes) -> str:
    """Give the signature of a pushed body: MD5 over key, raw bytes and secret, in lower-case hex."""
    return md5_hex(app_key.encode() + body + secret.reveal().encode())


def is_signed(app_key: str, secrets: tuple[Secret, ...], body: bytes, given: str | None, *, stripped: bool) -> bool:
    """
    Say whether a pushed body bears one of our signatures.

    Args:
        app_key: The app's key.
        secrets: The present one, and the previous one while it is being changed.
        body: As it came.
        given: The `event-sign` header; absent or empty is never right.
        stripped: Take a signature over the body without blanks as well.
    """
    bodies = (body, b"".join(body.split())) if stripped else (body,)
    fits = [same(given, event_sign(app_key, secret, each)) for secret in secrets for each in bodies]
    return any(fits)  # all were computed, so the time tells nothing of which one fits
