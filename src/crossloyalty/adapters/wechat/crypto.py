"""
The AES envelope of pushed messages: 16 random bytes, a length, the message, the receiver's id.

`cryptography` does the AES and is imported where it is used; it comes with the extra `wechat`. Source: message push,
the section on encryption, and its official vectors: AES-256-CBC, IV = the first 16 bytes of the key, PKCS#7 to 32.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Final

from crossloyalty.adapters.wechat.settings import aes_key
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import same
from crossloyalty.errors import ConfigError, ForgedMessage

__all__ = ["decrypt", "encrypt"]

_BLOCK: Final = 32
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
    pad = _BLOCK - len(plain) % _BLOCK
    raw = _aes(aes_key(key), plain + bytes([pad]) * pad, decrypting=False)
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
        ConfigError: `cryptography` is not installed.
    """
    try:
        raw = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        raise _unreadable() from None
    if not raw or len(raw) % _BLOCK:
        raise _unreadable()
    for key in keys:
        message = _opened(_aes(aes_key(key), raw, decrypting=True), receive_id.encode())
        if message is not None:
            return message
    raise _unreadable()


def _opened(plain: bytes, receive_id: bytes) -> bytes | None:
    pad = plain[-1]
    if not 1 <= pad <= _BLOCK or plain[-pad:] != bytes([pad]) * pad:
        return None
    plain = plain[_RANDOM : len(plain) - pad]
    length = int.from_bytes(plain[:_LENGTH], "big")
    message, tail = plain[_LENGTH : _LENGTH + length], plain[_LENGTH + length :]
    return message if len(plain) >= _LENGTH + length and same(tail, receive_id) else None


def _unreadable() -> ForgedMessage:
    return ForgedMessage("the message cannot be opened with the keys of this shop")


def _aes(key: bytes, data: bytes, *, decrypting: bool) -> bytes:
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError as error:
        raise ConfigError("encrypted messages need the extra: pip install crossloyalty[wechat]") from error
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))
    worker = cipher.decryptor() if decrypting else cipher.encryptor()
    return worker.update(data) + worker.finalize()
