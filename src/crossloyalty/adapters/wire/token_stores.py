"""Where tokens live unless the host puts its own secret store there: in memory, or in a folder only its owner reads."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import secrets
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.tokens import AsyncTokenStore, StoredTokens, Tokens, TokenStore
from crossloyalty.errors import ConfigError, shown

__all__ = ["FileTokenStore", "MemoryTokenStore", "is_awaited", "lift_tokens"]

# A writer that slept through this many writes of others would no longer notice; each takes a call to the platform.
_KEPT_VERSIONS: Final = 64


class MemoryTokenStore:
    """
    Tokens of one process: tests, scripts, and platforms that give tokens to the app's own keys at any time.

    A version is put with `dict.setdefault`, which one thread alone wins, so no lock is needed.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], dict[int, StoredTokens]] = {}

    def load(self, platform: str, shop_id: str) -> StoredTokens:
        """See `TokenStore.load`."""
        versions = self._versions(platform, shop_id)
        return versions[max(list(versions))]

    def swap(self, platform: str, shop_id: str, expected_version: int, new: StoredTokens) -> bool:
        """See `TokenStore.swap`."""
        versions = self._versions(platform, shop_id)
        if max(list(versions)) != expected_version or new.version != expected_version + 1:
            return False
        won = versions.setdefault(new.version, new) is new
        versions.pop(new.version - _KEPT_VERSIONS, None)
        return won

    def _versions(self, platform: str, shop_id: str) -> dict[int, StoredTokens]:
        return self._rows.setdefault((platform, shop_id), {0: StoredTokens()})


class FileTokenStore:
    """
    Tokens of all processes of one machine, as files that only their owner may read.

    Each version is a file of its own, put in place by a hard link, which one writer alone wins; nothing is locked.

    Args:
        folder: Made with mode 0700 when it is missing. Keep it out of back-ups that others read.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix" and self._folder.stat().st_mode & 0o077:
            raise ConfigError(f"others may read the folder of tokens {shown(self._folder.name)}; give it mode 0700")

    def load(self, platform: str, shop_id: str) -> StoredTokens:
        """See `TokenStore.load`."""
        while True:
            version = self._newest(platform, shop_id)
            if version == 0:
                return StoredTokens()
            # A file is gone again only when many newer ones are there.
            with suppress(FileNotFoundError):
                return _read(self._path(platform, shop_id, version).read_bytes(), version)

    def swap(self, platform: str, shop_id: str, expected_version: int, new: StoredTokens) -> bool:
        """See `TokenStore.swap`."""
        if self._newest(platform, shop_id) != expected_version or new.version != expected_version + 1:
            return False
        draft = self._folder / f".{secrets.token_hex(8)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_text(new))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, self._path(platform, shop_id, new.version))
            except FileExistsError:
                return False
        finally:
            draft.unlink(missing_ok=True)
        # What is old holds tokens that are over; one version stays, in case a reader is at it.
        self._path(platform, shop_id, new.version - _KEPT_VERSIONS).unlink(missing_ok=True)
        return True

    def _stem(self, platform: str, shop_id: str) -> str:
        # A shop's id may hold anything; a digest is always a file name.
        return f"{platform}-{hashlib.sha256(shop_id.encode()).hexdigest()[:24]}"

    def _path(self, platform: str, shop_id: str, version: int) -> Path:
        return self._folder / f"{self._stem(platform, shop_id)}.{version}.json"

    def _newest(self, platform: str, shop_id: str) -> int:
        names = (each.name for each in self._folder.glob(f"{self._stem(platform, shop_id)}.*.json"))
        return max((int(name.split(".")[-2]) for name in names), default=0)


def _text(row: StoredTokens) -> bytes:
    tokens = row.tokens
    kept: dict[str, Any] = {"lease_until": _moment(row.lease_until), "tokens": None}
    if tokens is not None:
        kept["tokens"] = {
            "access": tokens.access.reveal(),
            "refresh": None if tokens.refresh is None else tokens.refresh.reveal(),
            "expires_at": _moment(tokens.expires_at),
            "refresh_expires_at": _moment(tokens.refresh_expires_at),
        }
    return json.dumps(kept).encode()


def _read(text: bytes, version: int) -> StoredTokens:
    kept = json.loads(text)
    tokens = kept["tokens"]
    if tokens is not None:
        tokens = Tokens(
            access=Secret(tokens["access"]),
            refresh=None if tokens["refresh"] is None else Secret(tokens["refresh"]),
            expires_at=_time(tokens["expires_at"]),
            refresh_expires_at=_time(tokens["refresh_expires_at"]),
        )
    return StoredTokens(version=version, tokens=tokens, lease_until=_time(kept["lease_until"]))


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


class _Lifted:
    __slots__ = ("_plain",)

    def __init__(self, plain: TokenStore) -> None:
        self._plain = plain

    async def load(self, platform: str, shop_id: str) -> StoredTokens:
        return self._plain.load(platform, shop_id)

    async def swap(self, platform: str, shop_id: str, expected_version: int, new: StoredTokens) -> bool:
        return self._plain.swap(platform, shop_id, expected_version, new)


def is_awaited(store: object) -> bool:
    """Say whether a store's methods are coroutines."""
    return inspect.iscoroutinefunction(getattr(store, "load", None))


def lift_tokens(store: TokenStore | AsyncTokenStore) -> AsyncTokenStore:
    """Spell a plain store async; an asynchronous one is given back as it is."""
    return cast(AsyncTokenStore, store) if is_awaited(store) else _Lifted(cast(TokenStore, store))
