"""
The AES envelope of pushed messages: 16 random bytes, a length, the message, the receiver's id.

Source: message push, the section on encryption, and its official vectors: AES-256-CBC, IV = the first 16 bytes of the
key, PKCS#7 to 32.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Final

from crossloyalty.adapters.wechat.settings import aes_key
from crossloyalty.adapters.wire.aes import AES_BLOCK, aes_cbc_decrypt, aes_cbc_encrypt
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import same
from crossloyalty.errors import ConfigError, ForgedMessage, InvalidInput

__all__ = ["decrypt", "encrypt"]

_PAD_BLOCK: Final = 32
_RANDOM: Final = 16
_LENGTH: Final = 4


def encrypt(key: Secret, message: bytes, receive_id: str, random: bytes) -> str:
    """
    Put a message into the envelope.

    Args:
        key: The EncodingAESKey.
        message: UTF-8.
        receive_id: The shop's appid.
        random: 16 random bytes.

    Returns:
        Base64.
    """
    if len(random) != _RANDOM:
        raise ConfigError(f"the envelope begins with {_RANDOM} random bytes")
    plain = random + len(message).to_bytes(_LENGTH, "big") + message + receive_id.encode()
    raw_key = aes_key(key)
    raw = aes_cbc_encrypt(plain, key=raw_key, iv=raw_key[:AES_BLOCK], pad_block=_PAD_BLOCK)
    return base64.b64encode(raw).decode("ascii")


def decrypt(keys: Iterable[Secret], encrypted: str, receive_id: str) -> bytes:
    """
    Take a message out of the envelope.

    Args:
        keys: The EncodingAESKeys that are accepted at present.
        encrypted: Base64.
        receive_id: Whom it has to be for.

    Raises:
        ForgedMessage: Whatever is wrong with it; one error for all, so that nobody learns which step failed.
        ConfigError: `crossloyalty[crypto]` is not installed.
    """
    try:
        raw = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    for key in keys:
        message = _opened(raw, aes_key(key), receive_id.encode())
        if message is not None:
            return message
    raise ForgedMessage("the message cannot be opened with the keys of this shop")


def _opened(raw: bytes, key: bytes, receive_id: bytes) -> bytes | None:
    try:
        plain = aes_cbc_decrypt(raw, key=key, iv=key[:AES_BLOCK], pad_block=_PAD_BLOCK)[_RANDOM:]
    except InvalidInput:
        return None
    end = _LENGTH + int.from_bytes(plain[:_LENGTH], "big")
    return plain[_LENGTH:end] if end <= len(plain) and same(plain[end:], receive_id) else None
