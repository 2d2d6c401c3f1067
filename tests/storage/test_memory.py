"""The memory storage keeps the contract of which it is the readable specification."""

from __future__ import annotations

from pathlib import Path

from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import Capabilities, StorageContract


class TestMemoryStorage(StorageContract):
    """Everything but living longer than its object."""

    capabilities = Capabilities(survives_reopen=False, multi_process=False)

    def make_storage(self, tmp_path: Path) -> MemoryStorage:
        return MemoryStorage()
