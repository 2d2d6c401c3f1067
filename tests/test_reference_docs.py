"""The reference pages say what the code says: no reason, error, parameter, event or column is missing or extra."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

import attrs
import pytest

from crossloyalty import ClaimResult, Milestone, Platform, Program, Reason, errors, rules
from crossloyalty.adapters.exports import DefectCode
from crossloyalty.application import verifying
from crossloyalty.domain import explanation, invariants, records, together
from crossloyalty.domain.keys import BUILT_IN_PLATFORMS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SOURCES = sorted((ROOT / "src" / "crossloyalty").rglob("*.py"))


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """Give what stands under a second-level heading."""
    found = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.S | re.M)
    assert found, f"there is no heading {heading!r}"
    return found[1]


def table(text: str) -> list[list[str]]:
    """Give the cells of every table row whose first cell is `code`."""
    rows = [line.strip().strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def code(cell: str) -> str:
    return cell.split("`")[1]


def test_a_table_is_read_cell_by_cell():
    """Header rows and prose are no rows; a missing heading is an error."""
    text = "## `A`\nprose\n| name | x |\n|---|---|\n| `a` | 1 |\n## B\n| `b` | 2 |\n"
    assert table(section(text, "`A`")) == [["`a`", "1"]]
    with pytest.raises(AssertionError):
        section(text, "C")


# -- reasons, errors, outcomes ---------------------------------------------------------------------------------------


def test_every_reason_has_its_exact_sentences():
    """reasons.md holds every code in the order of precedence, with both sentences and something to say about it."""
    rows = table(page("reference/reasons.md"))
    expected = [(reason.value, reason.sentence("zh"), reason.sentence("en")) for reason in Reason]
    assert [(code(row[0]), row[1], row[2]) for row in rows] == expected
    assert all(len(row) == 5 and all(row) for row in rows)


def test_every_error_is_named_with_its_branch():
    """errors.md holds every error of the tree and names the branches it hangs on."""
    classes = [getattr(errors, name) for name in errors.__all__ if inspect.isclass(getattr(errors, name))]
    rows = {code(row[0]): row for row in table(page("reference/errors.md"))}
    assert set(rows) == {each.__name__ for each in classes}
    for each in classes:
        for base in each.__bases__:
            if base is not errors.CrossloyaltyError and not base.__name__.startswith("_"):
                assert f"`{base.__name__}`" in rows[each.__name__][1], f"{each.__name__} is also a {base.__name__}"


def test_every_field_and_state_of_an_answer_is_named():
    """outcomes.md holds every public field of ClaimResult, and every state with its Chinese word."""
    text = page("reference/outcomes.md")
    names = {field.name for field in attrs.fields(ClaimResult) if not field.name.startswith("_")}
    names |= {name for name, value in vars(ClaimResult).items() if isinstance(value, property)}
    told = {code(row[0]) for row in table(section(text, "`ClaimResult`"))}
    assert names - {"holder_id"} <= told  # the holder is told in `detail`
    for state, (zh, _) in explanation._STATES.items():
        assert f"| {state} | {zh} |" in text


def test_only_known_reasons_are_named_in_the_outcomes():
    """outcomes.md names no reason that does not exist."""
    known = {reason.value for reason in Reason} | set(explanation._STATES)
    rows = section(page("reference/outcomes.md"), "Which combinations occur").split("A few of them, run")[0]
    assert set(re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)*\b", rows)) - {"NOT"} <= known


# -- rules -----------------------------------------------------------------------------------------------------------

# What a rule cannot be made without.
REQUIRED: dict[type, dict[str, Any]] = {
    Program: {"program_id": "p"},
    Platform: {"name": "mine", "family": "mine"},
    rules.PointsPerYuan: {"rate": "1"},
    rules.PerStep: {"every_fen": 100, "points": 1},
    rules.PointsFixed: {"points": 1},
    rules.GrowthPerYuan: {"rate": "1"},
    rules.StoredValuePercent: {"rate": "1"},
    rules.Coupon: {"code": "CODE"},
    rules.SpendTiers: {"levels": {"a": 0}},
    rules.Level: {"name": "a", "from_fen": 0},
    rules.GrowthPerStep: {"every_fen": 100, "growth": 1},
    rules.GrowthFixed: {"growth": 1},
    rules.StoredValuePerStep: {"every_fen": 100, "bonus_fen": 1},
    rules.StoredValueFixed: {"bonus_fen": 1},
    rules.Rate: {"rate": "1", "scope": rules.Scope()},
    rules.Campaign: {"id": "c", "multiplier": "2"},
    rules.Threshold: {"from_fen": 100, "multiplier": "2"},
    rules.TierGift: {"id": "g", "tier": "a", "reward": rules.PointsFixed(1)},
    rules.EnrolGift: {"id": "g", "reward": rules.PointsFixed(1)},
    rules.GrowthTiers: {"levels": {"a": 0}},
    rules.GrowthLevel: {"name": "a", "from_growth": 0},
    rules.Cap: {"id": "c", "amount": 1},
    rules.Action: {"id": "a", "action": "b", "reward": rules.PointsFixed(1)},
    rules.ExternalBook: {"asset": "points"},
    rules.Inactivity: {"idle_days": 1, "growth": 1},
    rules.ProofStep: {"proof": "phone"},
    Milestone: {"platform": "jd", "order_no": "1", "event": "reviewed", "at": datetime(2026, 1, 1, tzinfo=UTC)},
}
# What must not be left empty altogether, although each part of it may be.
SOME: dict[type, dict[str, Any]] = {
    rules.Days: {"weekdays": [1]},
    rules.Cap: {"asset": "points"},
    rules.ProofStep: {"from_fen": 1},
}
RULES = [getattr(rules, name) for name in rules.__all__ if inspect.isclass(getattr(rules, name))]


def default(kind: type[Any], field: attrs.Attribute[Any]) -> str:
    """Say how the page writes a default."""
    if field.name in REQUIRED.get(kind, {}):
        return "required"
    some = {name: value for name, value in SOME.get(kind, {}).items() if name != field.name}
    if kind in SOME and not some:
        some = {rules.Days: {"month_days": [1]}, rules.Cap: {"reward": "r"}}.get(kind, {"from_points": 1})
    value = getattr(kind(**REQUIRED.get(kind, {}), **some), field.name)
    return f"`{type(value).__name__}()`" if attrs.has(type(value)) else f"`{value!r}`"


@pytest.mark.parametrize("kind", [Program, Platform, Milestone, *RULES], ids=lambda kind: kind.__name__)
def test_every_parameter_has_its_default(kind: type[Any]):
    """rules.md holds every parameter of every rule with its default, an example and a trap."""
    text = section(page("reference/rules.md"), f"`{kind.__name__}`")
    expected = {field.name: default(kind, field) for field in attrs.fields(kind) if field.init}
    rows = [row for row in table(text) if len(row) == 4]
    assert {code(row[0]): row[1] for row in rows} == expected
    assert "Trap:" in text
    assert "Example:" in text or kind is Platform


def test_every_example_can_be_run():
    """Each example of rules.md is made by the constructors; none of them has gone stale."""
    names = {"rules": rules, "Program": Program, "Milestone": Milestone, "Platform": Platform}
    names |= {"datetime": datetime, "SHANGHAI": ZoneInfo("Asia/Shanghai"), "now": datetime(2026, 1, 1, tzinfo=UTC)}
    text = page("reference/rules.md")
    examples = re.findall(r"^Example: `([^`]+)`", text, re.M)
    assert len(examples) >= len(RULES)
    for example in examples:
        made = eval(example, names)
        assert attrs.has(type(made)), example


def test_every_built_in_platform_is_listed():
    """rules.md holds the platforms with family, pattern and Chinese name."""
    text = section(page("reference/rules.md"), "`Platform`")
    rows = [(row[0], row[1], row[2]) for row in table(text) if len(row) == 3]
    assert rows == [(f"`{p.name}` {p.zh}", f"`{p.family}`", f"`{p.pattern}`") for p in BUILT_IN_PLATFORMS]


# -- storages --------------------------------------------------------------------------------------------------------

STORAGES = {
    "memory": ["MemoryStorage"],
    "sqlite": ["SqliteStorage"],
    "postgresql": ["PostgresqlStorage", "AsyncPostgresqlStorage"],
    "mysql": ["MysqlStorage", "AsyncMysqlStorage"],
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module in STORAGES for name in STORAGES[module]])
def test_every_argument_of_a_storage_has_its_default(module: str, name: str):
    """storages.md holds every argument of every storage in its order, with the default and a meaning."""
    text = section(page("reference/storages.md"), f"`{name}`")
    kind = getattr(importlib.import_module(f"crossloyalty.storage.{module}"), name)
    parameters = inspect.signature(kind).parameters.values()
    expected = [(p.name, "required" if p.default is p.empty else f"`{p.default!r}`") for p in parameters]
    rows = table(text)
    assert [(code(row[0]), row[1]) for row in rows] == expected
    assert all(row[2] for row in rows)
    assert f"`crossloyalty.storage.{module}`" in text


# -- events ----------------------------------------------------------------------------------------------------------

_FAMILIES = "claim coupon debt growth identity member order points risk stored_value tag tier"
_KIND = re.compile(rf"(?:{_FAMILIES.replace(' ', '|')})\.[a-z_]+")


def emitted(tree: ast.Module) -> set[str]:
    """Give the event kinds of a module: whole ones, and the endings of those made with an f-string."""
    found: set[str] = set()
    deliveries: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "deliver":
            deliveries |= {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _KIND.fullmatch(node.value):
            found.add(node.value)
        if isinstance(node, ast.JoinedStr) and len(node.values) == 2 and isinstance(node.values[1], ast.Constant):
            ending = node.values[1].value
            if re.fullmatch(r"\.[a-z_]+", ending):
                found.add(ending)
    return found - deliveries


def test_every_event_is_named():
    """events.md holds every kind the source emits, and no kind that nothing emits."""
    in_source = set().union(*(emitted(ast.parse(path.read_text("utf-8"))) for path in SOURCES))
    endings = {kind for kind in in_source if kind.startswith(".")}
    tables = "\n".join(line for line in page("reference/events.md").splitlines() if line.startswith("| `"))
    told = set(_KIND.findall(tables))
    assert {kind for kind in in_source if not kind.startswith(".")} <= told
    assert endings <= {f".{kind.partition('.')[2]}" for kind in told if kind.startswith("points.")}
    assert {kind for kind in told - in_source if f".{kind.partition('.')[2]}" not in endings} == set()


def test_kinds_are_found_in_source():
    """Whole names and endings are events; the names of deliveries are not."""
    tree = ast.parse('emit("tier.upgraded"); emit(f"{noun}.pending"); x.deliver(1, "coupon.issue"); y = "a.b"')
    assert emitted(tree) == {"tier.upgraded", ".pending"}


# -- records, invariants, defects ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", records.RECORD_KINDS, ids=lambda kind: kind.__name__)
def test_every_column_is_described(kind: type[Any]):
    """records.md holds every table with its columns in order, their types, the key and the indexes."""
    about = records.RECORD_KINDS[kind]
    text = section(page("reference/records.md"), f"`{about.table}`")
    hints = get_type_hints(kind)
    words = {str: "str", int: "int", str | None: "str or None", int | None: "int or None"}
    expected = [
        (name, words[hints[name]] + (", **key**" if place < about.key_length else ""))
        for place, name in enumerate(kind._fields)
    ]
    rows = table(text)
    assert [(code(row[0]), row[1]) for row in rows] == expected
    assert all(row[2] for row in rows)
    assert f"`{kind.__name__}`" in text
    assert (", a root." in text) == (kind in records.ROOT_KINDS)
    for name, columns in about.indexes.items():
        filled = f"; filled: `{about.filled[name]}`" if name in about.filled else ""
        assert f"- Index `{name}`: {', '.join(f'`{column}`' for column in columns)}{filled}." in text


def test_no_table_is_invented():
    """records.md describes the tables there are, in their order."""
    headings = re.findall(r"^## `(\w+)`$", page("reference/records.md"), re.M)
    assert headings == [about.table for about in records.RECORD_KINDS.values()]


def test_every_invariant_is_explained():
    """invariants.md holds exactly the numbers that `verify` reports."""
    reported = {
        node.value
        for module in (invariants, together, verifying)
        for node in ast.walk(ast.parse(Path(inspect.getfile(module)).read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"I-\d\d", node.value)
    }
    told = re.findall(r"^\| (I-\d\d) \|", page("reference/invariants.md"), re.M)
    assert told == sorted(told)
    assert set(told) == reported


def test_every_defect_is_explained():
    """The how-to for export files holds every code with its Chinese sentence."""
    from crossloyalty.adapters.exports.defects import _SENTENCES

    rows = table(section(page("how-to/import-export-files.md"), "What can be wrong with a row"))
    assert [(code(row[0]), row[2]) for row in rows] == [(each.value, _SENTENCES[each][0]) for each in DefectCode]


# -- platforms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(each.stem for each in (DOCS / "reference" / "platforms").glob("*.md")))
def test_what_a_platform_pays_outside_a_case_is_told(name: str):
    """A page says that small transfers are not read, until its adapter gives refunds of that kind."""
    adapter = ROOT / "src" / "crossloyalty" / "adapters" / name
    reads = any("RefundKind.COMPENSATION" in each.read_text("utf-8") for each in adapter.glob("*.py"))
    assert ("小额打款" in section(page(f"reference/platforms/{name}.md"), "What it cannot")) is not reads


def test_what_of_jds_newer_gateway_is_not_read_is_told():
    """Price protection and compensation of the SP-API stand on the page as long as no call asks for them."""
    calls = (ROOT / "src" / "crossloyalty" / "adapters" / "jd" / "sp_calls.py").read_text("utf-8")
    told = section(page("reference/platforms/jd.md"), "What it cannot")
    for path in ("price-protect-orders", "payment-forms", "compensation-forms"):
        assert (f"`{path}`" in told) is not (path in calls)


# -- what is printed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tutorial/first-claim.md", "how-to/import-export-files.md"])
def test_what_a_page_says_is_printed(name: str, tmp_path: Path):
    """Each text block behind the Python blocks of these pages really is part of what they print."""
    found = re.findall(r"^```(python|text)\n(.*?)^```$", page(name), re.S | re.M)
    script = "".join(body for language, body in found if language == "python")
    run = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", script],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        timeout=60,
        check=True,
    )
    shown = [body for language, body in found if language == "text"]
    assert shown
    for body in shown:
        assert body in run.stdout
