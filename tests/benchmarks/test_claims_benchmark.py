"""The benchmarks measure what they say: both sides leave the same rows, and the figures come in the promised shape."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
FIGURE_FIELDS = {"name", "ours", "baseline", "ratio", "unit", "better", "quartiles"}


@pytest.fixture
def sides(modules, tmp_path):
    """Give two stores with 60 orders of 7 members, open on both sides, and what is needed to claim them."""
    workload = modules("_workload")
    work = workload.make_work(60, members=7)
    paths = workload.twin_stores(tmp_path, "small", work.orders)
    opened = workload.open_sides(paths, synchronous="FULL")
    yield workload, work, opened
    opened.close()


def test_single_claims_leave_equal_rows(sides):
    workload, work, opened = sides
    workload.claim_ours(opened, work.requests)
    workload.claim_baseline(opened, workload.Clock(), work.requests)

    assert workload.same_rows(opened.paths) > 60 * 8


def test_bulk_claims_leave_equal_rows(sides):
    workload, work, opened = sides
    clock = workload.Clock()
    for part in (work.requests[:25], work.requests[25:]):
        workload.claim_many_ours(opened, part)
        workload.claim_many_baseline(opened, clock, part)

    assert workload.same_rows(opened.paths) > 60 * 8


def test_tiers_pending_points_and_every_platform_are_in_the_workload(sides):
    workload, work, opened = sides
    workload.claim_baseline(opened, workload.Clock(), work.requests)

    with sqlite3.connect(opened.paths[1]) as handle:
        tiers = {tier for (tier,) in handle.execute("SELECT tier FROM crossloyalty_members")}
        states = {state for (state,) in handle.execute("SELECT state FROM crossloyalty_lots WHERE asset = 'points'")}
        tags = {tag for (tag,) in handle.execute("SELECT tag FROM crossloyalty_tags")}
    handle.close()
    assert len(tiers) > 1
    assert states == {"PENDING", "ACTIVE"}
    assert tags == {"taobao", "tmall", "douyin"}


def test_different_rows_are_noticed(sides):
    workload, work, opened = sides
    workload.claim_ours(opened, work.requests)
    workload.claim_baseline(opened, workload.Clock(), work.requests[:-1])

    with pytest.raises(SystemExit, match="differs"):
        workload.same_rows(opened.paths)


def test_a_filled_history_passes_verify(modules, tmp_path):
    workload, history = modules("_workload"), modules("_history")
    path = tmp_path / "history.db"
    work = workload.make_work(3, members=2, places=[1, 3, 5])
    workload.new_store(path, work.orders)
    history.fill(path, 100)

    opened = workload.open_sides((path, tmp_path / "none.db"), synchronous="NORMAL")
    workload.claim_ours(opened, work.requests)
    report = opened.ours.verify()
    opened.close()

    assert report.ok, report.violations[:3]
    assert report.members == 10


def test_json_has_the_promised_shape(tmp_path):
    command = [sys.executable, str(FOLDER / "claims.py"), "--quick", "--json", "--only", "decide.us", "--dir", tmp_path]
    done = subprocess.run(command, check=True, capture_output=True, text=True)

    document = json.loads(done.stdout)
    assert set(document) == {"figures"}
    (figure,) = document["figures"]
    assert set(figure) == FIGURE_FIELDS
    assert figure["name"] == "decide.us"
    assert figure["better"] == "lower"
    assert figure["quartiles"] == sorted(figure["quartiles"])
    assert figure["quartiles"][1] == figure["ratio"] > 0
    assert figure["ours"] > 0
    assert figure["baseline"] > 0
    assert list(tmp_path.iterdir()) == []


def test_unknown_figures_are_refused(tmp_path):
    command = [sys.executable, str(FOLDER / "claims.py"), "--quick", "--only", "nothing", "--dir", tmp_path]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 2
    assert "decide.us" in done.stderr
