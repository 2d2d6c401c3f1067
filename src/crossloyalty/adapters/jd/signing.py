"""How calls to JD are signed: the same digest over form fields (routerjson) or headers, query and body (SP-API)."""

from __future__ import annotations

from collections.abc import Mapping

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import explained, joined_pairs, md5_hex

__all__ = ["explain_signature", "sign", "string_to_sign"]

_SESSIONS = ("access_token", "X-JOS-Access-Token")


def string_to_sign(parameters: Mapping[str, str]) -> str:
    """
    Join what is signed; the secret goes before and behind it.

    Args:
        parameters: For routerjson the form fields exactly as sent, the JSON text to the byte; for the SP-API the
            `X-JOS-…` headers, query and path parameters and, under "body", the JSON text. `sign` is left out.

    Source: jos.jd.com/commondoc?listId=33 and `SignatureCalculator.php` of JD's generated SDK, read 2026-11.
    """
    return joined_pairs({name: value for name, value in parameters.items() if name != "sign"})


def sign(parameters: Mapping[str, str], secret: Secret) -> str:
    """
    Sign a call with MD5; the HMAC values of the page could not be reproduced, so no other method is offered.

    Returns:
        Upper-case hex.
    """
    return md5_hex(secret.reveal() + string_to_sign(parameters) + secret.reveal()).upper()


def explain_signature(parameters: Mapping[str, str], secret: Secret | str) -> str:
    """
    Show what is signed and what comes out, for a merchant whose calls are refused with code 12.

    Args:
        parameters: As for `string_to_sign`.
        secret: The application's; hidden in the text, as the access token is.

    Returns:
        Two lines: the string to sign with its secrets hidden, and the signature.
    """
    secret = Secret.of(secret)
    hidden = {name: "<secret>" if name in _SESSIONS else value for name, value in parameters.items()}
    text = secret.reveal() + string_to_sign(hidden) + secret.reveal()
    return f"md5: {explained(text, secret)}\nsign: {sign(parameters, secret)}"
