"""Figures without a store: the pure decision on one order, and what `import crossloyalty` costs and brings along."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import _handwritten
from _harness import Figure, alternate, quartiles, seconds, settle_memory
from _workload import START, Work, make_work, program

from crossloyalty.domain.arithmetic import target_of
from crossloyalty.domain.calendar import instant_of
from crossloyalty.domain.effective import effective_order
from crossloyalty.domain.eligibility import judge, net_amounts
from crossloyalty.domain.facts import load_facts, merge_order
from crossloyalty.domain.grants import Grant
from crossloyalty.domain.ownership import Proof, standing

IMPORTS: Final = 10
# What `import crossloyalty` may not bring along: drivers, frameworks, HTTP clients.
HEAVY: Final = (
    "aiohttp",
    "aiosqlite",
    "anyio",
    "asyncmy",
    "celery",
    "django",
    "fastapi",
    "http.client",
    "httpcore",
    "httpx",
    "MySQLdb",
    "openpyxl",
    "psycopg",
    "psycopg2",
    "pymysql",
    "requests",
    "sqlalchemy",
    "sqlite3",
    "starlette",
    "urllib.request",
    "urllib3",
)
_IMPORT: Final = f"""
import time
started = time.perf_counter()
import crossloyalty
taken = time.perf_counter() - started
import sys
print(taken, *(name for name in {HEAVY!r} if name in sys.modules))
"""


def decide(*, pairs: int, block: int = 500) -> Figure:
    """Decide on parsed orders of two lines: the effective order, whose it is, if it counts, what each rule gives."""
    work = make_work(block)
    parsed = _parsed(work)
    ours, baseline = _deciders(work, parsed)
    if ours() != baseline():
        raise SystemExit("the decisions of both sides differ")
    settle_memory()
    taken = alternate((ours, baseline) for _ in range(pairs))
    spread = quartiles([mine / theirs for mine, theirs in taken])
    return Figure(
        "decide.us",
        statistics.median(mine for mine, _ in taken) / block * 1e6,
        statistics.median(theirs for _, theirs in taken) / block * 1e6,
        spread[1],
        "us/order",
        "lower",
        spread,
        25,
        judged="ours",
        note=f"{pairs} pairs of {block} orders; effective_order, standing, judge, net_amounts, target_of of four rules",
    )


def _parsed(work: Work) -> list[dict[str, Any]]:
    parsed = []
    for order in work.orders:
        facts = load_facts("")
        merge_order(facts, order)
        parsed.append(facts)
    return parsed


def _deciders(
    work: Work, parsed: list[dict[str, Any]]
) -> tuple[Callable[[], list[tuple[int, ...]]], Callable[[], list[tuple[int, ...]]]]:
    rules = program()
    now = instant_of(START)
    proofs = [Proof.amount_and_day(paid_fen=request.paid_fen, paid_on=request.paid_on) for request in work.requests]

    def ours() -> list[tuple[int, ...]]:
        answers = []
        for facts, proof in zip(parsed, proofs, strict=True):
            order = effective_order(facts)
            assert order is not None
            stands = standing(
                proof, order, member_id="m1", bound_to="", ownership=rules.ownership, calendar=rules.calendar
            )
            judgement = judge(order, rules, requested_at=now, now=now)
            nets = net_amounts(order, rules)
            targets = [target_of(rule, Grant(rule.id), nets, rules) for rule in rules.rewards]
            if stands != "proof" or judgement.reasons:
                raise SystemExit(f"not claimable: {stands} {judgement}")
            answers.append(tuple(targets))
        return answers

    def baseline() -> list[tuple[int, ...]]:
        points, growth, coupons, bonus = 0, 0, 0, 0
        answers = []
        for facts, request in zip(parsed, work.requests, strict=True):
            points, growth, coupons, bonus = _handwritten.amounts(_handwritten.effective(facts, request, now).net_fen)
            answers.append((points, growth, coupons, bonus))
        return answers

    return ours, baseline


def import_time(source: Path) -> Figure:
    """Import the package in fresh interpreters; the baseline is the start of a bare interpreter."""
    environment = {**os.environ, "PYTHONPATH": str(source)}
    bare = partial(subprocess.run, [sys.executable, "-c", "pass"], env=environment, check=True)
    _import(environment)  # leaves compiled files behind, as an installation does
    taken = [(_import(environment), seconds(bare) * 1e3) for _ in range(IMPORTS)]
    spread = quartiles([ours / start for ours, start in taken])
    return Figure(
        "import.ms",
        min(ours for ours, _ in taken),
        min(start for _, start in taken),
        spread[1],
        "ms",
        "lower",
        spread,
        150,
        judged="ours",
        note=f"minimum of {IMPORTS}: the import statement alone in a fresh interpreter; baseline: a bare interpreter"
        f" from start to end; none of {len(HEAVY)} drivers, frameworks and HTTP clients comes along",
    )


def _import(environment: dict[str, str]) -> float:
    done = subprocess.run([sys.executable, "-c", _IMPORT], env=environment, check=True, capture_output=True, text=True)
    taken, *heavy = done.stdout.split()
    if heavy:
        raise SystemExit(f"import crossloyalty brings along {', '.join(heavy)}")
    return float(taken) * 1e3
