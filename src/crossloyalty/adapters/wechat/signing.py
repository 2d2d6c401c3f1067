"""
How pushed messages are signed: SHA-1 over token, time, nonce and cipher text, sorted and joined.

Calls to the shop's interfaces carry an access token and no signature. Source: message push of mini-programs and shops,
and its official vectors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from crossloyalty.adapters.wechat.settings import WechatSettings
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import explained, same

__all__ = ["explain_signature", "is_signed", "push_signature", "string_to_sign"]


def string_to_sign(token: Secret, timestamp: str, nonce: str, *encrypted: str) -> str:
    """
    Join what is signed.

    Args:
        token: The Token of the message push.
        timestamp, nonce: As the address names them.
        encrypted: The cipher text as Base64, in the safe mode; nothing for a probe and in the plain mode.
    """
    return "".join(sorted((token.reveal(), timestamp, nonce, *encrypted), key=_bytes))


def push_signature(token: Secret, timestamp: str, nonce: str, *encrypted: str) -> str:
    """Give the signature in lower-case hex; see `string_to_sign`."""
    text = string_to_sign(token, timestamp, nonce, *encrypted)
    return hashlib.sha1(_bytes(text), usedforsecurity=False).hexdigest()


def is_signed(given: str | None, tokens: Iterable[Secret], timestamp: str, nonce: str, *encrypted: str) -> bool:
    """
    Say whether a signature was made with one of the tokens, in constant time for each.

    Args:
        given: What came; nothing is never right.
        tokens: All that are accepted at present.
        timestamp, nonce, encrypted: See `string_to_sign`.
    """
    matched = False
    for token in tokens:
        matched |= same(given, push_signature(token, timestamp, nonce, *encrypted))
    return matched


def explain_signature(settings: WechatSettings, query: Mapping[str, str], encrypted: str | None = None) -> str:
    """
    Show, for support, what a pushed message's signature should be made of, with the token hidden.

    Args:
        settings: The shop.
        query: The parameters of the address the message came to.
        encrypted: The `Encrypt` of the body; None for a probe or a message in the plain mode.

    Returns:
        The string to sign with `<secret>` for the token, the name of the parameter that carries the signature, and
        whether it agrees.
    """
    parts = (query.get("timestamp", ""), query.get("nonce", ""), *(() if encrypted is None else (encrypted,)))
    name = "signature" if encrypted is None else "msg_signature"
    if settings.push_token is None:
        return "no push_token is set"
    text = explained(string_to_sign(settings.push_token, *parts), settings.push_token)
    agrees = is_signed(query.get(name), settings.push_tokens, *parts)
    return f"sha1({text}) = {name}: {'agrees' if agrees else 'does not agree'}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
