"""The JSON Schema of a program's document: good enough to render an admin form and to check what it sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from crossloyalty.domain import rules
from crossloyalty.domain.keys import Platform
from crossloyalty.domain.orders import LARGEST_FEN
from crossloyalty.domain.program import Program
from crossloyalty.domain.schema_texts import CHOICES, FIELDS, TITLES, UNITS, Said
from crossloyalty.errors import InvalidInput

__all__ = ["program_schema"]

_Fragment = dict[str, Any]
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_WHOLE: Final[dict[str, tuple[int, int]]] = {
    "ticket_days": (1, 100_000),
    "backfill_orders": (1, 100_000),
    "waiting_requests": (1, 100_000),
    "requests_per_order": (1, 100_000),
    "cooldown_days": (0, 3660),
    "from_points": (0, 10**12),
    "within_days": (0, 36_600),
    "future_tolerance_minutes": (0, 1440),
    "issue_after_days": (0, 3660),
    "expires_months": (1, 1200),
    "every_fen": (1, 10**12),
    "points": (1, 10**9),
    "growth": (1, 10**9),
    "bonus_fen": (1, 10**9),
    "amount": (1, 10**12),
    "grace_days": (0, 3660),
    "warn_days": (1, 3660),
    "window_days": (1, 36_600),
    "period_days": (1, 36_600),
    "minimum_fen": (0, LARGEST_FEN),
    "from_fen": (0, LARGEST_FEN),
    "from_growth": (0, 10**12),
    "deduct_growth": (0, 10**12),
    "floor_growth": (0, 10**12),
    "idle_days": (1, 36_600),
    "every_days": (1, 36_600),
    "per_day": (1, 10**6),
    "per_device": (1, 10**6),
    "per_order": (1, 10**6),
    "window_minutes": (1, 525_600),
    "lock_minutes": (1, 525_600),
    "longest_lock_minutes": (1, 525_600),
    "per_month": (1, 10**6),
    "per_member": (1, 10**6),
}
_LISTS: Final = frozenset(
    {
        "platforms",
        "shops",
        "tiers",
        "products",
        "categories",
        "exclude_products",
        "exclude_categories",
        "rewards",
        "exclude_flags",
        "subsidy_platforms",
    }
)
_OPTIONAL: Final = frozenset(
    {
        "within_days",
        "expires_months",
        "window_days",
        "period_days",
        "distinctive",
        "issue_on",
        "expires_on",
        "warn_days",
        "every_days",
        "per_day",
        "per_month",
        "per_member",
        "from_points",
    }
)
_RULE_ID: Final = r"^[A-Za-z0-9_.:-]{1,64}$"
_RATE: Final = (
    r"^(?=[0-9]{1,12}([./]|$))(?!.*\.[0-9]{10})"
    r"([0-9]*[1-9][0-9]*(\.[0-9]+|/[1-9][0-9]{0,11})?|0+\.[0-9]*[1-9][0-9]*)$"
)
_UNPADDED: Final = r"^\S(.*\S)?$"
_PLATFORM: Final = r"^[a-z][a-z0-9_]{1,19}$"
_TEXT: Final[dict[tuple[type[Any] | None, str], _Fragment]] = {
    (None, "id"): {"pattern": r"^([A-Za-z0-9_.:-]{1,64})?$"},
    (None, "rate"): {"pattern": _RATE},
    (None, "points_multiplier"): {"pattern": _RATE},
    (None, "multiplier"): {"pattern": _RATE},
    (None, "group"): {"pattern": _RULE_ID},
    (rules.Campaign, "id"): {"pattern": _RULE_ID},
    (rules.TierGift, "id"): {"pattern": _RULE_ID},
    (rules.EnrolGift, "id"): {"pattern": _RULE_ID},
    (rules.Cap, "id"): {"pattern": _RULE_ID},
    (rules.Action, "id"): {"pattern": _RULE_ID},
    (rules.Action, "action"): {"pattern": _RULE_ID},
    (None, "reward"): {"pattern": r"^([A-Za-z0-9_.:-]{1,64})?$"},
    (None, "issue_event"): {"pattern": r"^([A-Za-z0-9_.:-]{1,64})?$"},
    (None, "issue_on"): {"format": "date"},
    (None, "expires_on"): {"format": "date"},
    (None, "code"): {"pattern": _RULE_ID},
    (None, "gateway"): {"pattern": _RULE_ID},
    (rules.GrowthLevel, "name"): {"minLength": 1, "maxLength": 40, "pattern": _UNPADDED},
    (rules.Level, "name"): {"minLength": 1, "maxLength": 40, "pattern": _UNPADDED},
    (Platform, "name"): {"pattern": _PLATFORM},
    (Platform, "family"): {"pattern": _PLATFORM},
    (Platform, "pattern"): {"minLength": 1, "format": "regex"},
    (Platform, "distinctive"): {"minLength": 1, "format": "regex"},
    (Platform, "zh"): {"maxLength": 128},
    (rules.SourceTags, "prefix"): {"maxLength": 128},
}


def program_schema(language: str = "zh") -> _Fragment:
    """
    Describe the document of `Program.to_json()`.

    Args:
        language: Of titles, help and labels: "zh" or "en".

    Returns:
        A JSON Schema (draft 2020-12). Beyond the standard: `x-order` is a field's place in the form, `x-unit` what a
        number counts, `x-labels` the words for the values of an `enum`. Rewards are told apart by `rule`.
    """
    if language not in ("zh", "en"):
        raise InvalidInput('language is "zh" or "en"')
    says = _Chinese() if language == "zh" else _English()
    kinds = [kind for kind in TITLES if kind is not Program]
    return {
        "$schema": _DIALECT,
        **_object(Program, says),
        "$defs": {kind.__name__: _object(kind, says) for kind in kinds},
    }


class _English:
    def title(self, said: Said) -> _Fragment:
        return {"title": said.en} | ({"description": said.en_help} if said.en_help else {})

    def label(self, words: tuple[str, str]) -> str:
        return words[1]


class _Chinese(_English):
    def title(self, said: Said) -> _Fragment:
        return {"title": said.zh} | ({"description": said.zh_help} if said.zh_help else {})

    def label(self, words: tuple[str, str]) -> str:
        return words[0]


def _object(kind: type[Any], says: _English) -> _Fragment:
    fields = {field.name: field for field in attrs.fields(kind) if field.init}
    properties: _Fragment = {}
    required: list[str] = []
    if kind in (*rules.Reward.__args__, rules.GrowthTiers):
        properties["rule"] = {"const": kind.__name__}
        required.append("rule")
    for place, (name, said) in enumerate(FIELDS[kind].items()):
        field = fields[name]
        made = _field(kind, name, says) | says.title(said) | {"x-order": place}
        if field.default is attrs.NOTHING:
            required.append(name)
        elif not isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]  # attrs calls a class a function
            made["default"] = list(field.default) if isinstance(field.default, tuple) else field.default
        properties[name] = made
    return {
        "type": "object",
        **says.title(TITLES[kind]),
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _field(kind: type[Any], name: str, says: _English) -> _Fragment:
    special = _SPECIAL.get((kind, name))
    if special is not None:
        return special(says)
    if name in _WHOLE:
        low, high = _WHOLE[name]
        unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")
        made: _Fragment = {"type": "integer", "minimum": low, "maximum": high}
        made |= {"x-unit": unit} if unit else {}
    elif name in CHOICES:
        return _choices(name, says)
    elif name == "scope":
        return (_ref if kind is rules.Rate else _or_none)(rules.Scope)(says)
    elif name in _LISTS:
        return _list_of(_texts)(says)
    else:
        made = {"type": "string"} | (_TEXT.get((kind, name)) or _TEXT.get((None, name)) or _id())
    return made | {"type": [made["type"], "null"]} if name in _OPTIONAL else made


def _id() -> _Fragment:
    return {"minLength": 1, "maxLength": 128, "pattern": _UNPADDED}


def _choices(name: str, says: _English) -> _Fragment:
    words = CHOICES[name]
    return {"enum": list(words), "x-labels": {value: says.label(word) for value, word in words.items()}}


def _list_of(item: Callable[[_English], _Fragment], **more: Any) -> Callable[[_English], _Fragment]:
    return lambda says: {"type": "array", "items": item(says), **more}


def _ref(kind: type[Any]) -> Callable[[_English], _Fragment]:
    return lambda _: {"$ref": f"#/$defs/{kind.__name__}"}


def _or_none(kind: type[Any]) -> Callable[[_English], _Fragment]:
    return lambda says: {"anyOf": [_ref(kind)(says), {"type": "null"}]}


def _reward(says: _English) -> _Fragment:
    return {"oneOf": [_ref(kind)(says) for kind in rules.Reward.__args__]}


def _gift(says: _English) -> _Fragment:
    kinds = (rules.Coupon, rules.PointsFixed, rules.GrowthFixed, rules.StoredValueFixed)
    return {"oneOf": [_ref(kind)(says) for kind in kinds]}


def _texts(_: _English) -> _Fragment:
    return {"type": "string", **_id()}


_SPECIAL: Final[dict[tuple[type[Any], str], Callable[[_English], _Fragment]]] = {
    (Program, "eligibility"): _ref(rules.Finished),
    (Program, "rewards"): _list_of(_reward),
    (Program, "tiers"): lambda says: {
        "anyOf": [_ref(rules.SpendTiers)(says), _ref(rules.GrowthTiers)(says), {"type": "null"}]
    },
    (rules.GrowthTiers, "levels"): _list_of(_ref(rules.GrowthLevel), minItems=1),
    (rules.GrowthLevel, "benefits"): lambda says: {"type": "object", "additionalProperties": {"type": "string"}},
    (Program, "source_tags"): _or_none(rules.SourceTags),
    (Program, "on_refund"): _ref(rules.ClawBack),
    (Program, "platforms"): _list_of(_ref(Platform)),
    (Program, "starts_at"): lambda _: {"type": ["string", "null"], "format": "date-time"},
    (rules.Finished, "kinds"): _list_of(lambda says: _choices("kinds", says)),
    (Program, "campaigns"): _list_of(_ref(rules.Campaign)),
    (Program, "thresholds"): _list_of(_ref(rules.Threshold)),
    (Program, "basis"): _ref(rules.Basis),
    (rules.Basis, "shipping"): lambda _: {"type": "boolean"},
    (rules.Basis, "own_value"): lambda _: {"type": "boolean"},
    (rules.Basis, "refunds_ignored"): _list_of(lambda says: _choices("refunds_ignored", says)),
    (Program, "caps"): _list_of(_ref(rules.Cap)),
    (Program, "tier_gifts"): _list_of(_ref(rules.TierGift)),
    (Program, "enrol_gifts"): _list_of(_ref(rules.EnrolGift)),
    (rules.TierGift, "reward"): _gift,
    (rules.EnrolGift, "reward"): _gift,
    (Program, "external_books"): _list_of(_ref(rules.ExternalBook)),
    (rules.ExternalBook, "asset"): lambda says: {
        **_choices("asset", says),
        "enum": ["points", "growth", "stored_value"],
    },
    (Program, "actions"): _list_of(_ref(rules.Action)),
    (rules.Action, "reward"): _gift,
    (Program, "binding"): _ref(rules.Binding),
    (Program, "proof_steps"): _list_of(_ref(rules.ProofStep)),
    (rules.Binding, "by_phone"): lambda _: {"type": "boolean"},
    (rules.ProofStep, "from_fen"): lambda _: {
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": LARGEST_FEN,
        "x-unit": "fen",
    },
    (Program, "attempts"): _or_none(rules.Attempts),
    (rules.Attempts, "per_member"): lambda _: {"type": "integer", "minimum": 1, "maximum": 10**6},
    (Program, "inactivity"): _or_none(rules.Inactivity),
    (rules.Inactivity, "growth"): lambda _: {"type": "integer", "minimum": 1, "maximum": 10**12},
    (rules.TierGift, "per"): lambda says: {
        "enum": ["life", "period"],
        "x-labels": {"life": says.label(("一次", "once")), "period": says.label(("每个等级周期", "each period"))},
    },
    (rules.SpendTiers, "include_current"): lambda _: {"type": "boolean"},
    (rules.Level, "benefits"): lambda says: {"type": "object", "additionalProperties": {"type": "string"}},
    (rules.ClawBack, "growth"): lambda says: {
        **_choices("shortfall", says),
        "enum": [*CHOICES["shortfall"], None],
    },
    (rules.ClawBack, "stored_value"): lambda says: {**_choices("shortfall", says), "enum": ["debt", "waive"]},
    (rules.Campaign, "from_at"): lambda _: {"type": ["string", "null"], "format": "date-time"},
    (rules.Campaign, "until_at"): lambda _: {"type": ["string", "null"], "format": "date-time"},
    (rules.Campaign, "days"): _or_none(rules.Days),
    (rules.Threshold, "from_fen"): lambda _: {
        "type": "integer",
        "minimum": 1,
        "maximum": LARGEST_FEN,
        "x-unit": "fen",
    },
    (rules.Days, "weekdays"): _list_of(lambda _: {"type": "integer", "minimum": 1, "maximum": 7}),
    (rules.Days, "month_days"): _list_of(lambda _: {"type": "integer", "minimum": 1, "maximum": 31}),
    (rules.Days, "dates"): _list_of(lambda _: {"type": "string", "format": "date"}),
    (rules.Finished, "statuses"): lambda says: {
        "type": "object",
        "additionalProperties": _list_of(lambda says: _choices("statuses", says))(says),
    },
    **{
        (kind, "rates"): _list_of(_ref(rules.Rate))
        for kind in (rules.PointsPerYuan, rules.GrowthPerYuan, rules.StoredValuePercent)
    },
    (rules.SpendTiers, "levels"): _list_of(_ref(rules.Level), minItems=1),
}
