"""
How Kuaishou signs calls.

Source: open.kwaixiaodian.com, page on calls (pageSign 8cca5d25…): all parameters but `sign`, sorted, un-encoded, then
the sign secret. The sample signature printed there cannot be recomputed, because its token and secret are masked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import explained, md5_hex

__all__ = ["explain_signature", "sign", "text_to_sign"]


def text_to_sign(parameters: Mapping[str, str], secret: Secret) -> str:
    """
    Give what is hashed.

    Args:
        parameters: Names and un-encoded values as they will be sent; `sign` is left out.
        secret: The sign secret, which is not the app secret.
    """
    pairs = sorted((name, value) for name, value in parameters.items() if name != "sign")
    return "&".join(f"{name}={value}" for name, value in pairs) + "&signSecret=" + secret.reveal()


def sign(parameters: Mapping[str, str], secret: Secret, method: Literal["HMAC_SHA256", "MD5"]) -> str:
    """
    Sign a call.

    Args:
        parameters: See `text_to_sign`.
        secret: The sign secret.
        method: What `signMethod` says.

    Returns:
        Lower-case hex for MD5, Base64 for HMAC_SHA256.
    """
    text = text_to_sign(parameters, secret)
    if method == "MD5":
        return md5_hex(text)
    return base64.b64encode(hmac.new(secret.reveal().encode(), text.encode(), hashlib.sha256).digest()).decode()


def explain_signature(parameters: Mapping[str, str], secret: Secret) -> str:
    """
    Show what is hashed with the secrets in it hidden: what to compare when the platform says the signature is wrong.

    Args:
        parameters: See `text_to_sign`; the access token is hidden too.
        secret: The sign secret.
    """
    token = parameters.get("access_token", "")
    return explained(text_to_sign(parameters, secret), secret, *([Secret(token)] if token.strip() else []))
