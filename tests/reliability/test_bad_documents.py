"""Documents of programs that json would bend: refused, shortly, whatever they hold."""

from __future__ import annotations

import json
from typing import Any

from bad_values import check_message, refusals
from harness import program
from hypothesis import given, settings
from hypothesis import strategies as st

from crossloyalty import Program
from crossloyalty.errors import CrossloyaltyError

GOOD = json.loads(program().to_json())


def document(**changes: Any) -> str:
    """Give the harness's program as a document with some fields changed."""
    return json.dumps({**GOOD, **changes})


def eligibility(**changes: Any) -> str:
    """Give a document with a changed eligibility."""
    return document(eligibility={**GOOD["eligibility"], **changes})


DOCUMENTS: dict[str, str | bytes] = {
    "empty": "",
    "blank": " ",
    "cut": document()[:-1],
    "two": document() * 2,
    "bytes that are no UTF-8": b"\xff\xfe\x00",
    "NUL": "\0",
    "lone surrogate": "\ud800",
    "null": "null",
    "text": '"brand-a"',
    "list": f"[{document()}]",
    "number": "7",
    "NaN": "NaN",
    "infinity": "-Infinity",
    "1e999": "1e999",
    "no fields": "{}",
    "deep lists": "[" * 100_000,
    "deep lists, closed": "[" * 100_000 + "]" * 100_000,
    "deep objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "deep in a field": document(rewards=0).replace('"rewards": 0', '"rewards": ' + "[" * 500 + "]" * 500),
    "5,000 digits": document(ticket_days=0).replace('"ticket_days": 0', '"ticket_days": ' + "9" * 5_000),
    "4,000 digits": document(ticket_days=0).replace('"ticket_days": 0', '"ticket_days": ' + "9" * 4_000),
    "float days": document(ticket_days=30.0),
    "NaN days": document(ticket_days=float("nan")),
    "1e999 days": document(ticket_days=0).replace('"ticket_days": 0', '"ticket_days": 1e999'),
    "true days": document(ticket_days=True),
    "text days": document(ticket_days="30"),
    "null days": document(ticket_days=None),
    "doubled key": document()[:-1] + ', "timezone": "UTC"}',
    "doubled key inside": eligibility(a=0).replace('"a": 0', '"within_days": 1'),
    "unknown field": document(brand="x"),
    "unknown field inside": eligibility(colour="red"),
    "very long unknown field": document(**{"m" * 100_000: 1}),
    "very long unknown field inside": eligibility(**{"m" * 100_000: 1}),
    "very long key with a bad value": eligibility(statuses={"m" * 100_000: 7}),
    "unknown rule": document(rewards=[{"rule": "Gold", "rate": "1"}]),
    "very long unknown rule": document(rewards=[{"rule": "m" * 100_000}]),
    "rule without a name": document(rewards=[{"rate": "1"}]),
    "rule of a wrong type": document(rewards=[7]),
    "rules of a wrong type": document(rewards={"rule": "PointsPerYuan"}),
    "unknown field of a rule": document(rewards=[{"rule": "PointsFixed", "points": 1, "bonus": 2}]),
    "float rate": document(rewards=[{"rule": "PointsPerYuan", "rate": 1.5}]),
    "exponent rate": document(rewards=[{"rule": "PointsPerYuan", "rate": "1e3"}]),
    "naive start": document(starts_at="2026-11-01T00:00:00"),
    "no start": document(starts_at="soon"),
    "very long start": document(starts_at="m" * 100_000),
    "number start": document(starts_at=7),
    "list start": document(starts_at=[]),
    "unknown zone": document(timezone="Mars/Olympus"),
    "zone outside": document(timezone="../../etc/passwd"),
    "absolute zone": document(timezone="/etc/localtime"),
    "NUL zone": document(timezone="Asia/Shanghai\0"),
    "lone surrogate zone": document(timezone="\ud800"),
    "very long zone": document(timezone="m" * 100_000),
    "lone surrogate id": document(program_id="\ud800"),
    "lone surrogate shop": eligibility(shops=["\ud800"]),
    "lone surrogate tier": document(
        tiers={**GOOD["tiers"], "levels": [{**GOOD["tiers"]["levels"][0], "name": "\ud800"}]}
    ),
    "lone surrogate tag": document(source_tags={"prefix": "\ud800"}),
    "tiers without levels": document(tiers={**GOOD["tiers"], "levels": []}),
    "tiers of text": document(tiers={**GOOD["tiers"], "levels": "abc"}),
    "tiers of numbers": document(tiers=7),
    "too long": " " * 1_000_001,
}


def test_a_document_is_strict() -> None:
    """A document with anything json would bend, that says a thing twice or that says too much, is refused."""
    refusals(Program.from_json, DOCUMENTS, CrossloyaltyError)


def test_the_document_the_cases_spoil_is_fine() -> None:
    """The document that the cases above spoil is itself read, so each is refused for what it spoils."""
    assert Program.from_json(document()) == program()
    assert Program.from_json(eligibility()) == program()


SOUP = "0123456789 -_=\"'.eE+Pp\t\n\0\u200b\ufeff\u3000０１９Ｅ．＝²①٣\ud800\udfff零一\U0001f600"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(SOUP, max_size=5) | st.sampled_from(["rule", "PointsPerYuan"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["rule", "rate", "id", "levels", "name", "from_fen", "*"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(field=st.sampled_from(sorted(GOOD)), inside=st.sampled_from(sorted(GOOD["eligibility"])), put=JSON)
@settings(max_examples=150)
def test_whatever_a_document_holds_only_our_errors_escape(field: str, inside: str, put: Any) -> None:
    """Whatever stands in a field of a document, it is read as a program that can be written again, or refused."""
    for text in (document(**{field: put}), eligibility(**{inside: put}), json.dumps(put)):
        try:
            read = Program.from_json(text)
        except CrossloyaltyError as error:
            check_message(error)
            continue
        assert Program.from_json(read.to_json()) == read
        assert read.to_json().encode()
