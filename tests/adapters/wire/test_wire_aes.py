"""Encrypted messages are opened with one key, and whatever is wrong with one is told in the same words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.adapters.wire.aes import aes_cbc_decrypt, aes_cbc_encrypt
from crossloyalty.errors import ConfigError, InvalidInput

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
IV = bytes.fromhex("000102030405060708090a0b0c0d0e0f")


def test_the_standard_s_own_vector_holds() -> None:
    """NIST SP 800-38A, F.2.1 (CBC-AES128): the first block comes out as printed there."""
    text = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    assert aes_cbc_encrypt(text, key=KEY, iv=IV)[:16].hex() == "7649abac8119b246cee98e9b12e9197d"


@given(st.binary(max_size=100), st.sampled_from([16, 32]), st.sampled_from([16, 24, 32]))
def test_what_was_encrypted_is_read_again(text: bytes, pad_block: int, key_bytes: int) -> None:
    """Every text comes back, for both paddings and all lengths of keys."""
    key = bytes(range(key_bytes))
    body = aes_cbc_encrypt(text, key=key, iv=IV, pad_block=pad_block)
    assert len(body) % pad_block == 0
    assert aes_cbc_decrypt(body, key=key, iv=IV, pad_block=pad_block) == text


@given(st.binary(max_size=64))
def test_any_bytes_are_opened_or_refused(body: bytes) -> None:
    """Whatever comes, it is a text or the one typed error with the one sentence."""
    said = "the message was not encrypted with our key"
    try:
        aes_cbc_decrypt(body, key=KEY, iv=IV)
    except InvalidInput as error:
        said = str(error)
    assert said == "the message was not encrypted with our key"


@pytest.mark.parametrize("last", [0, 17, 32, 255])
def test_padding_outside_its_block_is_refused(last: int) -> None:
    """A last byte that can be no padding of 16 is refused like a wrong key."""
    body = aes_cbc_encrypt(b"x" * 31 + bytes([last]), key=KEY, iv=IV)[:32]
    with pytest.raises(InvalidInput, match="not encrypted with our key"):
        aes_cbc_decrypt(body, key=KEY, iv=IV)


def test_padding_of_differing_bytes_is_refused() -> None:
    """All bytes of the padding state its length, not the last alone."""
    body = aes_cbc_encrypt(b"x" * 14 + b"\x01\x02", key=KEY, iv=IV)[:16]
    with pytest.raises(InvalidInput):
        aes_cbc_decrypt(body, key=KEY, iv=IV)


@pytest.mark.parametrize(("key", "iv"), [(b"", IV), (KEY[:15], IV), (KEY, IV[:15]), (KEY * 3, IV)])
def test_a_key_of_another_length_is_a_wrong_set_up(key: bytes, iv: bytes) -> None:
    """A key that can be none is found at once and is no matter of the message."""
    with pytest.raises(ConfigError):
        aes_cbc_decrypt(b"x" * 16, key=key, iv=iv)
