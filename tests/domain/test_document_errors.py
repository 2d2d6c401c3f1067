"""What is wrong with a document of a program is told with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crossloyalty import Program
from crossloyalty.errors import InvalidInput

POINTS = {"rule": "PointsPerYuan", "rate": "1"}
LEVEL = {"name": "a", "from_fen": 0}


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"eligibility": {"within_days": "x"}}, "at 'eligibility.within_days': a whole number is needed, not 'x'"),
        ({"eligibility": {"kinds": [1]}}, "at 'eligibility.kinds[0]': text is needed, not 1"),
        ({"eligibility": {"kinds": "NORMAL"}}, "at 'eligibility.kinds': a list is needed"),
        ({"eligibility": {"statuses": {"jd": "PAID"}}}, "at 'eligibility.statuses.jd': a list is needed"),
        ({"eligibility": {"statuses": {"jd": ["PAID", 7]}}}, "at 'eligibility.statuses.jd[1]': text is needed"),
        ({"eligibility": {"statuses": 7}}, "at 'eligibility.statuses': an object is needed"),
        ({"eligibility": {"within_days": -1}}, "at 'eligibility': within_days lies between"),
        ({"eligibility": 7}, "at 'eligibility': something of another type is needed"),
        ({"tiers": {"levels": [LEVEL, {"name": "b", "from_fen": "1"}]}}, "at 'tiers.levels[1].from_fen': a whole"),
        ({"tiers": {"levels": [{**LEVEL, "points_multiplier": "0"}]}}, "at 'tiers.levels[0]': a rate is more than 0"),
        ({"tiers": {}}, "at 'tiers.levels': levels is missing"),
        ({"rewards": [POINTS, {"rule": "PointsPerYuan"}]}, "at 'rewards[1].rate': rate is missing"),
        ({"rewards": [{**POINTS, "rule": "Gold"}]}, "at 'rewards[0]': there is no rule 'Gold'"),
        ({"rewards": [{"rate": "1"}]}, "at 'rewards[0]': rule is missing"),
        ({"rewards": [7]}, "at 'rewards[0]': an object is needed"),
        ({"rewards": [{**POINTS, "settle": "later"}]}, "at 'rewards[0].settle': "),
        ({"rewards": [POINTS, POINTS]}, "two rewards share an id"),
        ({"ownership": "anybody"}, "at 'ownership': "),
        ({"timezone": "Mars"}, "unknown timezone 'Mars'"),
        ({"starts_at": "2026-02-30T00:00:00+08:00"}, "a time has an offset"),
        ({"starts_at": 7}, "a time has an offset"),
        ({"typo": 1}, "typo"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_the_place_is_told(part: dict[str, Any], told: str) -> None:
    """The message holds the path to what is wrong, step by step, and says what is wrong there."""
    with pytest.raises(InvalidInput) as caught:
        Program.from_json(json.dumps({"program_id": "p", **part}))
    assert told in str(caught.value)
