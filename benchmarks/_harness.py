"""Pairs of runs, their statistics, the table and the JSON document."""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs

PAIRS = 20  # the fewest pairs a figure stands on
BLOCK = 50  # operations of one side before the other one runs


@attrs.frozen
class Figure:
    """
    One line of the table.

    Args:
        name: As in the issues.
        ours, baseline: In *unit*, medians of their runs.
        ratio: What the figure is judged by: the median of the pair ratios.
        unit: Of ours and baseline.
        better: "higher" or "lower".
        quartiles: Of the pair ratios: lower, median, upper.
        target: What the issue asks for, as a test of `judged`; None: nothing, the figure only informs.
        judged: Which value the target is about.
        note: How it was measured.
    """

    name: str
    ours: float
    baseline: float
    ratio: float
    unit: str
    better: Literal["higher", "lower"]
    quartiles: tuple[float, float, float]
    target: float | None
    judged: Literal["ours", "ratio"] = "ratio"
    note: str = ""

    @property
    def reached(self) -> bool:
        """Whether the target is reached; one that asks for nothing is."""
        if self.target is None:
            return True
        value = self.ratio if self.judged == "ratio" else self.ours
        return value >= self.target if self.better == "higher" else value <= self.target

    def document(self) -> dict[str, Any]:
        """Give the figure as the JSON document holds it."""
        return {
            "name": self.name,
            "ours": self.ours,
            "baseline": self.baseline,
            "ratio": self.ratio,
            "unit": self.unit,
            "better": self.better,
            "quartiles": list(self.quartiles),
        }


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    lower, middle, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, middle, upper


def settle_memory() -> None:
    """Keep what was set up out of the collector's way, so that neither side pays for it."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def alternate(
    pairs: Iterable[tuple[Callable[[], object], Callable[[], object]]], *, kinds: int = 1
) -> list[tuple[float, float]]:
    """
    Time ours and the baseline in turn; every second pair of a kind begins with the baseline.

    Args:
        pairs: Made as they are needed; making them is not timed.
        kinds: How many kinds of pairs there are, one of each in turn.

    Returns:
        Seconds of ours and of the baseline, a pair each.
    """
    taken: list[tuple[float, float]] = []
    for at, (ours, baseline) in enumerate(pairs):
        if at // kinds % 2:
            theirs = seconds(baseline)
            taken.append((seconds(ours), theirs))
        else:
            mine = seconds(ours)
            taken.append((mine, seconds(baseline)))
    return taken


def speeds(
    name: str, taken: Sequence[tuple[float, float]], operations: int, *, target: float | None, note: str
) -> Figure:
    """Give the figure of paired runs whose speeds are compared; higher is better."""
    spread = quartiles([baseline / ours for ours, baseline in taken])
    return Figure(
        name,
        statistics.median(operations / ours for ours, _ in taken),
        statistics.median(operations / baseline for _, baseline in taken),
        spread[1],
        "claims/s",
        "higher",
        spread,
        target,
        note=note,
    )


def own_peak_mb() -> float:
    """Give this process's largest resident set; what `getrusage` tells would count the one that started it as well."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("this system does not tell a process's peak memory")


def as_json(figures: Sequence[Figure]) -> str:
    return json.dumps({"figures": [figure.document() for figure in figures]}, indent=2)


def as_table(figures: Sequence[Figure]) -> str:
    head = ("figure", "ours", "baseline", "ratio", "quartiles", "unit", "target", "")
    lines = [head]
    for figure in figures:
        judged, sign = "ratio" if figure.judged == "ratio" else "ours", "≥" if figure.better == "higher" else "≤"
        lines.append(
            (
                figure.name,
                f"{figure.ours:,.4g}" if figure.ours < 1000 else f"{figure.ours:,.0f}",
                f"{figure.baseline:,.4g}" if figure.baseline < 1000 else f"{figure.baseline:,.0f}",
                f"{figure.ratio:.3f}",
                f"{figure.quartiles[0]:.3f} … {figure.quartiles[2]:.3f}",
                figure.unit,
                "informs" if figure.target is None else f"{judged} {sign} {figure.target:g}",
                "" if figure.target is None else "reached" if figure.reached else "MISSED",
            )
        )
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    text.insert(1, "  ".join("-" * width for width in widths))
    text += [f"{figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join(text)
