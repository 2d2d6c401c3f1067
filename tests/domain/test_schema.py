"""The JSON Schema of programs: it says all fields in both languages, and agrees with what the constructors accept."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from any_program import programs
from builders import section8_program
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from crossloyalty import Platform, Program, rules
from crossloyalty.domain.schema import _OPTIONAL, _SPECIAL, _WHOLE
from crossloyalty.domain.schema_texts import CHOICES, FIELDS, TITLES, Said
from crossloyalty.errors import CrossloyaltyError, InvalidInput

SCHEMA = Program.json_schema("en")
CHECK = Draft202012Validator(SCHEMA)
KINDS = [Program, Platform, *(each for each in map(vars(rules).get, rules.__all__) if attrs.has(each))]
LEAST: dict[type[Any], dict[str, Any]] = {
    Program: {"program_id": "p"},
    rules.PointsPerYuan: {"rate": "1"},
    rules.GrowthPerYuan: {"rate": "1"},
    rules.StoredValuePercent: {"rate": "1"},
    rules.PerStep: {"every_fen": 100, "points": 1},
    rules.PointsFixed: {"points": 1},
    rules.Coupon: {"code": "A"},
    rules.SpendTiers: {"levels": {"a": 0}, "window_days": 365},
    rules.Level: {"name": "a", "from_fen": 0},
    rules.GrowthPerStep: {"every_fen": 100, "growth": 1},
    rules.GrowthFixed: {"growth": 1},
    rules.StoredValuePerStep: {"every_fen": 100, "bonus_fen": 1},
    rules.StoredValueFixed: {"bonus_fen": 1},
    rules.Rate: {"rate": "1", "scope": rules.Scope()},
    rules.Days: {"weekdays": [1]},
    rules.Campaign: {"id": "c", "multiplier": "2"},
    rules.Threshold: {"from_fen": 100, "multiplier": "2"},
    rules.TierGift: {"id": "g", "tier": "a", "reward": rules.PointsFixed(1)},
    rules.EnrolGift: {"id": "g", "reward": rules.PointsFixed(1)},
    rules.GrowthTiers: {"levels": {"a": 0}, "period_days": 365},
    rules.GrowthLevel: {"name": "a", "from_growth": 0},
    rules.Cap: {"id": "c", "amount": 1, "reward": "points"},
    rules.Action: {"id": "a", "action": "b", "reward": rules.PointsFixed(1)},
    rules.ExternalBook: {"asset": "points"},
    rules.Inactivity: {"idle_days": 1, "growth": 1},
    rules.ProofStep: {"proof": "phone", "from_fen": 1, "from_points": 1},
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_field_has_its_texts(kind: type[Any]) -> None:
    """Each class and each of its fields has a title in Chinese and in English; help stands in both or in none."""
    assert set(FIELDS[kind]) == {field.name for field in attrs.fields(kind) if field.init}
    for said in (TITLES[kind], *FIELDS[kind].values()):
        assert isinstance(said, Said)
        assert re.search("[\u4e00-\u9fff]", said.zh)
        assert said.en
        assert said.en.isascii()
        assert bool(said.zh_help) is bool(said.en_help)


def wordless(schema: Any) -> Any:
    """Leave the words out of a schema, except the names of properties."""
    if isinstance(schema, list):
        return list(map(wordless, schema))
    if not isinstance(schema, dict):
        return schema
    words = {"title", "description", "x-labels"}
    return {name: wordless(each) for name, each in schema.items() if name not in words or isinstance(each, dict)} | (
        {"x-labels": sorted(schema["x-labels"])} if "x-labels" in schema else {}
    )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_schema_is_one(language: str) -> None:
    """Both languages give a valid draft 2020-12 schema of the same shape, and every reference leads somewhere."""
    schema = Program.json_schema(language)
    Draft202012Validator.check_schema(schema)
    text = json.dumps(schema)
    assert {ref.split("/")[-1] for ref in re.findall(r'"#/\$defs/\w+', text)} <= schema["$defs"].keys()
    assert wordless(schema) == wordless(SCHEMA)


def test_another_language_is_refused() -> None:
    """There are texts in two languages only."""
    with pytest.raises(InvalidInput):
        Program.json_schema("fr")


@given(programs)
def test_every_document_is_valid(program: Program) -> None:
    """What any program writes, its schema accepts."""
    assert list(CHECK.iter_errors(json.loads(program.to_json()))) == []


def _places(kind: type[Any]) -> Iterator[str]:
    return (name for name in FIELDS[kind] if name in _WHOLE and (kind, name) not in _SPECIAL)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_bounds_are_those_of_the_constructors(kind: type[Any]) -> None:
    """The least and the largest number of each field are accepted, and the next one beyond is not."""
    for name in _places(kind):
        low, high = _WHOLE[name]
        for value in (low, high):
            kind(**{**LEAST.get(kind, {}), name: value})
        for value in (low - 1, high + 1, *(() if name in _OPTIONAL else (None,))):
            with pytest.raises(CrossloyaltyError):
                kind(**{**LEAST.get(kind, {}), name: value})
        if name in _OPTIONAL:
            kind(**{**LEAST.get(kind, {}), name: None})


def test_every_choice_is_the_constructors() -> None:
    """Each value of an enum is accepted where it stands."""
    for kind, names in FIELDS.items():
        for name in names:
            if (kind, name) == (rules.TierGift, "per"):
                continue
            for value in CHOICES.get(name, ()):
                if (kind, name) == (rules.Cap, "asset"):
                    rules.Cap("c", 1, **{"asset": value} if value else {"reward": "r"})
                    continue
                if (kind, name, value) == (rules.ExternalBook, "asset", ""):
                    continue
                given: Any = (
                    {"*": [value]} if name == "statuses" else [value] if name in ("kinds", "refunds_ignored") else value
                )
                least = {k: v for k, v in LEAST.get(kind, {}).items() if (value, k) != ("calendar_year", "period_days")}
                kind(**{**least, name: given})


BAD: dict[str, tuple[tuple[Any, ...], Any]] = {
    "type": (("ticket_days",), "30"),
    "minimum": (("ticket_days",), 0),
    "maximum": (("backfill_orders",), 100_001),
    "enum": (("ownership",), "anybody"),
    "const": (("rewards", 0, "rule"), "PointsPerCent"),
    "pattern of a rate": (("rewards", 0, "rate"), "0"),
    "pattern of a fraction": (("rewards", 0, "rate"), "1/0"),
    "pattern of an id": (("rewards", 0, "id"), "a b"),
    "minLength": (("tiers", "levels", 0, "name"), ""),
    "maxLength": (("tiers", "levels", 0, "name"), "x" * 41),
    "minItems": (("tiers", "levels"), []),
    "additionalProperties": (("on_refund", "later"), 1),
    "a reward of two kinds": (("rewards", 0, "code"), "A"),
    "anyOf": (("source_tags",), []),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_refused_by_both(name: str) -> None:
    """One mistake for each keyword: the schema refuses it, and so does the library."""
    path, value = BAD[name]
    document = json.loads(section8_program().to_json())
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not CHECK.is_valid(document)
    with pytest.raises(CrossloyaltyError):
        Program.from_json(json.dumps(document))


@pytest.mark.parametrize("name", ["program_id"])
def test_what_is_missing_is_refused_by_both(name: str) -> None:
    """A required field."""
    document = json.loads(section8_program().to_json())
    del document[name]
    assert not CHECK.is_valid(document)
    with pytest.raises(CrossloyaltyError):
        Program.from_json(json.dumps(document))


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**13),
    st.sampled_from(["", "1", "0.5", "1/3", "x", " x", "会员", "paid", "A" * 200]),
    st.just([]),
    st.just({}),
)


def _leaves(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from _leaves(value, (*path, key))


@given(programs, st.data())
def test_what_the_schema_accepts_the_library_understands(program: Program, data: st.DataObject) -> None:
    """A document changed anywhere: one that the library takes is valid; one it refuses is refused in its own words."""
    document = copy.deepcopy(json.loads(program.to_json()))
    path = data.draw(st.sampled_from(sorted(_leaves(document), key=repr)))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = data.draw(values)
    try:
        Program.from_json(json.dumps(document))
    except CrossloyaltyError:
        return
    assert list(CHECK.iter_errors(document)) == []
