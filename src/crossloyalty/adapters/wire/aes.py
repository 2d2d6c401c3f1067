"""AES in CBC mode with padding, for pushed messages that come encrypted; one error for whatever is wrong with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crossloyalty.errors import ConfigError, InvalidInput

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

__all__ = ["AES_BLOCK", "aes_cbc_decrypt", "aes_cbc_encrypt"]

AES_BLOCK: Final = 16
_KEY_LENGTHS: Final = (16, 24, 32)
_WRONG: Final = "the message was not encrypted with our key"


def aes_cbc_decrypt(body: bytes, *, key: bytes, iv: bytes, pad_block: int = AES_BLOCK) -> bytes:
    """
    Decrypt a text and take its padding off.

    Args:
        body: The cipher text, whole blocks of 16 bytes.
        key: 16, 24 or 32 bytes.
        iv: 16 bytes.
        pad_block: Up to how many bytes of padding there are (PKCS#7): 16, or 32 where a platform says so.

    Raises:
        InvalidInput: Wrong length, wrong key or wrong padding: always the same words, so that nobody learns which
            of them it was by trying.
        ConfigError: The key itself cannot be one, or `crossloyalty[crypto]` is not installed.
    """
    cipher = _cipher(key, iv)
    if not body or len(body) % AES_BLOCK:
        raise InvalidInput(_WRONG)
    decryptor = cipher.decryptor()
    text = decryptor.update(body) + decryptor.finalize()
    length = text[-1]
    if not 1 <= length <= min(pad_block, len(text)) or text[-length:] != bytes([length]) * length:
        raise InvalidInput(_WRONG)
    return text[:-length]


def aes_cbc_encrypt(text: bytes, *, key: bytes, iv: bytes, pad_block: int = AES_BLOCK) -> bytes:
    """
    Pad and encrypt a text: what answers to an encrypted message and our doubles of the platforms need.

    Args:
        text: Any bytes.
        key, iv, pad_block: See `aes_cbc_decrypt`.
    """
    length = pad_block - len(text) % pad_block
    encryptor = _cipher(key, iv).encryptor()
    return encryptor.update(text + bytes([length]) * length) + encryptor.finalize()


def _cipher(key: bytes, iv: bytes) -> Cipher[CBC]:
    if len(key) not in _KEY_LENGTHS or len(iv) != AES_BLOCK:
        raise ConfigError("an AES key has 16, 24 or 32 bytes, and its first block 16")
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CBC
    except ImportError as error:
        raise ConfigError('encrypted messages need `pip install "crossloyalty[crypto]"`') from error
    return Cipher(AES(key), CBC(iv))
