"""Source tags (来源标签)."""

from __future__ import annotations

import attrs

from crossloyalty.domain.rules._checks import prefix

__all__ = ["SourceTags"]


@attrs.frozen
class SourceTags:
    """
    Source tags (来源标签): which platforms a member came from.

    Args:
        prefix: Stands before the platform's name in the tag.
    """

    prefix: str = attrs.field(default="source:", validator=prefix)
