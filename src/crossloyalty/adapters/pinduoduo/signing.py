"""
Pinduoduo's signature: MD5 over secret + name1value1name2value2… + secret, and the digest its message channel asks for.

Source: open.pinduoduo.com, "API调用详解", with the worked example there. Answers and message frames bear no signature;
their trust is that of the TLS connection.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import explained, joined_pairs, md5_hex

__all__ = ["channel_digest", "explain_signature", "sign", "string_to_sign"]


def string_to_sign(parameters: Mapping[str, str], secret: Secret) -> str:
    """Give what is hashed: all parameters but `sign`, sorted by name, between two copies of the secret."""
    sent = {name: value for name, value in parameters.items() if name != "sign"}
    return f"{secret.reveal()}{joined_pairs(sent)}{secret.reveal()}"


def sign(parameters: Mapping[str, str], secret: Secret) -> str:
    """Give the signature: 32 hex digits, upper case."""
    return md5_hex(string_to_sign(parameters, secret)).upper()


def explain_signature(parameters: Mapping[str, str], secret: Secret) -> str:
    """
    Show the string that is hashed for these parameters, to be compared with what the platform's console expects.

    Args:
        parameters: Common and business ones side by side, as they are sent.
        secret: Stands in the result as `<secret>`, as does the access token.
    """
    token = parameters.get("access_token")
    return explained(string_to_sign(parameters, secret), secret, *([Secret(token)] if token else []))


def channel_digest(client_id: str, milliseconds: int, secret: Secret) -> str:
    """
    Give the digest in the address of the message channel: base64 over the hex digits of an MD5.

    Args:
        client_id: The app's key.
        milliseconds: Now, since 1970.

    Source: the public clients agree on it (seen in three of them); the document of the message service does not say.
    """
    hexadecimal = md5_hex(f"{client_id}{milliseconds}{secret.reveal()}")
    return base64.b64encode(hexadecimal.encode()).decode()
