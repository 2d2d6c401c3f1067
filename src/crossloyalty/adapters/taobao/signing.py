"""How a call to the open platform (TOP) is signed: sorted pairs, a digest, upper-case hex."""

from __future__ import annotations

from collections.abc import Mapping

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import explained, hmac_hex, joined_pairs, md5_hex

__all__ = ["explain_signature", "sign", "string_to_sign"]


def string_to_sign(parameters: Mapping[str, str]) -> str:
    """
    Join what is signed, for all three methods; "md5" puts the secret before and behind it.

    Args:
        parameters: System and business parameters as they are sent, without files; `sign` and empty ones are left out.

    Source: "API 调用方法详解", open.taobao.com document 101617, read 2026-11.
    """
    return joined_pairs({name: value for name, value in parameters.items() if name and value and name != "sign"})


def sign(parameters: Mapping[str, str], secret: Secret, sign_method: str) -> str:
    """
    Sign a call.

    Args:
        parameters: As for `string_to_sign`; `sign_method` itself is one of them.
        secret: The application's.
        sign_method: "md5", "hmac" (HMAC-MD5) or "hmac-sha256".

    Returns:
        Upper-case hex.
    """
    text = string_to_sign(parameters)
    if sign_method == "md5":
        return md5_hex(secret.reveal() + text + secret.reveal()).upper()
    return hmac_hex(secret, text, "sha256" if sign_method == "hmac-sha256" else "md5").upper()


def explain_signature(parameters: Mapping[str, str], secret: Secret | str, sign_method: str = "md5") -> str:
    """
    Show what is signed and what comes out, for a merchant whose calls are refused with code 25.

    Args:
        parameters: The call's parameters as they are sent.
        secret: The application's; hidden in the text, as the session is.
        sign_method: As sent.

    Returns:
        Two lines: the string to sign with its secrets hidden, and the signature.
    """
    secret = Secret.of(secret)
    text = string_to_sign({**parameters, "session": "<secret>"} if parameters.get("session") else parameters)
    if sign_method == "md5":
        text = secret.reveal() + text + secret.reveal()
    return f"{sign_method}: {explained(text, secret)}\nsign: {sign(parameters, secret, sign_method)}"
