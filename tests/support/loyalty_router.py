"""A database router as hosts have it: crossloyalty's tables live in a database of their own."""

from __future__ import annotations

__all__ = ["LoyaltyRouter"]


class LoyaltyRouter:
    """Sends the app to the alias "loyalty" and nowhere else."""

    def allow_migrate(self, db: str, app_label: str, **_hints: object) -> bool | None:
        """Say where migrations of the app run."""
        return db == "loyalty" if app_label == "crossloyalty" else None
