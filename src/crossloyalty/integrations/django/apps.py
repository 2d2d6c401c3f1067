"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["CrossloyaltyConfig"]


class CrossloyaltyConfig(AppConfig):  # type: ignore[misc]  # Django brings no types
    """Brings the schema as migrations; it has no models."""

    name = "crossloyalty.integrations.django"
    label = "crossloyalty"
    verbose_name = "crossloyalty"
