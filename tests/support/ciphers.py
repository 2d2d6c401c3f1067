"""Ciphers of phones as hosts bring them: one that hides, one that does what it is told. Toys, good for tests only."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any

from crossloyalty.application.ports import Storage


class ToyCipher:
    """
    Hides phones by a key stream and a mark, with the version of the key in front.

    Args:
        key: Of the newest version.
        version: That version.
        older: Keys of earlier versions, for showing what they have hidden.
        storage: Looked at in each call: no transaction of ours may be open in it.
    """

    def __init__(
        self, key: bytes, *, version: int = 1, older: dict[int, bytes] | None = None, storage: Storage | None = None
    ) -> None:
        self._keys = {**(older or {}), version: key}
        self._version = version
        self._storage = storage
        self.calls: list[str] = []

    def encrypt(self, phone: str, *, program_id: str) -> str:
        """See `PhoneCipher.encrypt`."""
        self._called("encrypt")
        nonce = secrets.token_hex(8)
        hidden = bytes(a ^ b for a, b in zip(phone.encode(), self._stream(self._version, nonce), strict=False))
        return f"v{self._version}:{nonce}:{hidden.hex()}:{self._mark(self._version, program_id, nonce, hidden)}"

    def decrypt(self, text: str, *, program_id: str) -> str:
        """See `PhoneCipher.decrypt`."""
        self._called("decrypt")
        version, nonce, hidden, mark = text.split(":")
        number, data = int(version[1:]), bytes.fromhex(hidden)
        if not hmac.compare_digest(mark, self._mark(number, program_id, nonce, data)):
            raise ValueError("not a text of this cipher")
        return bytes(a ^ b for a, b in zip(data, self._stream(number, nonce), strict=False)).decode()

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if self._storage is not None:
            with self._storage.transaction() as tx:  # a second one inside another would be refused, or wait for ever
                tx.lock([])

    def _stream(self, version: int, nonce: str) -> bytes:
        return hashlib.sha256(self._keys[version] + nonce.encode()).digest()

    def _mark(self, version: int, program_id: str, nonce: str, hidden: bytes) -> str:
        said = "\x1f".join((program_id, nonce, hidden.hex())).encode()
        return hmac.new(self._keys[version], said, hashlib.sha256).hexdigest()


class AsyncToyCipher:
    """The same for asynchronous hosts."""

    def __init__(self, key: bytes) -> None:
        self._plain = ToyCipher(key)

    async def encrypt(self, phone: str, *, program_id: str) -> str:
        """See `PhoneCipher.encrypt`."""
        return self._plain.encrypt(phone, program_id=program_id)

    async def decrypt(self, text: str, *, program_id: str) -> str:
        """See `PhoneCipher.decrypt`."""
        return self._plain.decrypt(text, program_id=program_id)


class BadCipher:
    """
    Does with each text what it is told.

    Args:
        does: Given a phone or a text, gives what is to take its place.
    """

    def __init__(self, does: Callable[[str], Any]) -> None:
        self._does = does

    def encrypt(self, phone: str, *, program_id: str) -> str:
        """See `PhoneCipher.encrypt`."""
        del program_id
        made: str = self._does(phone)
        return made

    def decrypt(self, text: str, *, program_id: str) -> str:
        """See `PhoneCipher.decrypt`."""
        return self.encrypt(text, program_id=program_id)


class FixedCipher:
    """Gives a phone the same text each time, for tests that compare what two runs have stored."""

    def encrypt(self, phone: str, *, program_id: str) -> str:
        """See `PhoneCipher.encrypt`."""
        return f"{program_id}:{phone.translate(_LETTERS)}"

    def decrypt(self, text: str, *, program_id: str) -> str:
        """See `PhoneCipher.decrypt`."""
        return text.removeprefix(f"{program_id}:").translate(_DIGITS)


_LETTERS = str.maketrans("0123456789", "abcdefghij")
_DIGITS = str.maketrans("abcdefghij", "0123456789")
