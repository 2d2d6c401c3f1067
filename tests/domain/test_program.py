"""A program as a value and as a JSON document."""

import json
from datetime import UTC, datetime

import pytest
from any_program import programs
from builders import day, points_program, section8_program
from hypothesis import given

from crossloyalty import Program, rules
from crossloyalty.errors import ConfigError, CrossloyaltyError, InvalidInput


@given(programs)
def test_json_round_trip(program: Program) -> None:
    """A program read back from its document is equal, and gives the same document again."""
    text = program.to_json()
    again = Program.from_json(text)
    assert again == program
    assert again.to_json() == text
    assert Program.from_json(text.encode()) == program


@given(programs)
def test_the_document_holds_no_float(program: Program) -> None:
    """Amounts are whole numbers and rates are text in every document."""

    def no_float(text: str) -> None:
        raise AssertionError(text)

    document = json.loads(program.to_json(), parse_float=no_float, parse_constant=no_float)
    assert sorted(document) == list(document)


def test_equal_programs_give_one_text() -> None:
    """The document is canonical: however a program was put together, equal ones read alike."""
    a = section8_program(starts_at=day(1, 8))
    b = section8_program(starts_at=day(1, 8).astimezone(UTC))
    assert a == b
    assert a.to_json() == b.to_json()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "1",
        "{",
        "{}",
        '{"program_id": 1}',
        '{"program_id": "a", "unknown": 1}',
        '{"program_id": "a", "program_id": "b"}',
        '{"program_id": "a", "ticket_days": 1.0}',
        '{"program_id": "a", "ticket_days": NaN}',
        '{"program_id": "a", "ticket_days": 1e999}',
        '{"program_id": "a", "ticket_days": true}',
        '{"program_id": "a", "ticket_days": "30"}',
        '{"program_id": "a", "rewards": [{"rule": "Nonsense"}]}',
        '{"program_id": "a", "rewards": [{"rate": "1"}]}',
        '{"program_id": "a", "rewards": [{"rule": "PointsPerYuan", "rate": 1}]}',
        '{"program_id": "a", "rewards": [{"rule": "PointsPerYuan", "rate": "1", "typo": 1}]}',
        '{"program_id": "a", "rewards": "all"}',
        '{"program_id": "a", "timezone": "Mars"}',
        '{"program_id": "a", "starts_at": "2026-11-01T00:00:00"}',
        '{"program_id": "a", "starts_at": "soon"}',
        '{"program_id": "a", "starts_at": 5}',
        '{"program_id": "a\\u0000"}',
        '{"program_id": "a\\ud800"}',
        "[" * 100_000,
        '{"program_id": "a", "ticket_days": ' + "1" * 5_000 + "}",
        " " * 1_000_001,
    ],
)
def test_what_is_no_program_is_refused(text: str) -> None:
    """Bad documents are errors of our tree, short ones, whatever is wrong with them."""
    with pytest.raises(CrossloyaltyError) as caught:
        Program.from_json(text)
    assert isinstance(caught.value, InvalidInput | ConfigError)
    assert len(str(caught.value)) < 500


def test_the_error_names_the_field() -> None:
    """What is wrong is found by the field's name in the message."""
    with pytest.raises(InvalidInput, match="ticket_days"):
        Program.from_json('{"program_id": "a", "ticket_days": "30"}')


def test_unstated_fields_have_defaults() -> None:
    """A document needs to say only what differs."""
    assert Program.from_json('{"program_id": "a"}') == Program(program_id="a")


def test_two_rewards_cannot_share_an_id() -> None:
    """Claims remember rules by id, so two of one id contradict each other."""
    with pytest.raises(ConfigError):
        points_program(rules.PointsPerYuan("1"), rules.PointsPerYuan("2"))
    points_program(rules.PointsPerYuan("1"), rules.PointsPerYuan("2", id="more"))


@pytest.mark.parametrize(
    "settings",
    [
        {"program_id": ""},
        {"program_id": 1},
        {"ownership": "whoever"},
        {"ticket_days": 0},
        {"ticket_days": True},
        {"backfill_orders": 100_001},
        {"starts_at": datetime(2026, 1, 1)},  # noqa: DTZ001
    ],
)
def test_values_out_of_range(settings: dict[str, object]) -> None:
    """Values out of range are InvalidInput when the program is made."""
    with pytest.raises(InvalidInput):
        points_program(**settings)


@pytest.mark.parametrize("settings", [{"rewards": ["x"]}, {"rewards": "x"}, {"tiers": {}}, {"eligibility": None}])
def test_values_of_other_types(settings: dict[str, object]) -> None:
    """What is no rule is a TypeError."""
    with pytest.raises(TypeError):
        Program(program_id="a", **settings)  # type: ignore[arg-type]


def test_section_8_of_the_design() -> None:
    """The design's example is a program, with the defaults the design names."""
    program = section8_program()
    assert (program.ownership, program.on_refund.shortfall, program.timezone) == ("proof", "debt", "Asia/Shanghai")
    assert Program.from_json(program.to_json()) == program
