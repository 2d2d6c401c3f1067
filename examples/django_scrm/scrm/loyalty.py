"""The merchant's rules, and the one door to them."""

from __future__ import annotations

from functools import cache

from crossloyalty import Loyalty, Program, rules
from crossloyalty.integrations.django.storage import DjangoStorage

PROGRAM = Program(
    program_id="brand-a",
    timezone="Asia/Shanghai",
    rewards=[rules.PointsPerYuan("1")],
    source_tags=rules.SourceTags(),
)


@cache
def door() -> Loyalty:
    """
    Open the door once, when it is first needed: it publishes the rules, so the tables have to be there.

    Inside `atomic()` everything it does belongs to that block; elsewhere each call has a transaction of its own.
    """
    return Loyalty(PROGRAM, DjangoStorage(using="default"))
