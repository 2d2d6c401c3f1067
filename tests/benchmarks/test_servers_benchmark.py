"""The benchmarks on servers measure what they say: both sides leave the same, and the figures come as promised."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Each measures, if only a little; and each starts servers or frameworks.
pytestmark = pytest.mark.release

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "servers.py"
FIGURE_FIELDS = {"name", "ours", "baseline", "ratio", "unit", "better", "quartiles"}


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    # In a process of its own, because Django is configured once a process and other tests do so too.
    command = [sys.executable, str(BENCHMARK), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd)


@pytest.fixture
def servers(modules, postgresql_server, mysql_server):
    """Give the servers of this run, as the benchmarks find them."""
    urls = {"postgresql": postgresql_server.url(), "mysql": mysql_server.url()}
    with modules("_servers").Servers(urls) as found:
        yield found


@pytest.fixture(params=["postgresql", "mysql"])
def twins(request, modules, servers):
    """Give two stores with 60 orders of 7 members on one server, and what is needed to claim them on both sides."""
    sides, work = modules("_server_sides"), modules("_workload").make_work(60, members=7)
    with (
        sides.twin_stores_with(servers, request.param, work.orders) as stores,
        sides.our_side(stores[0]) as ours,
        sides.handwritten_side(stores[1]) as baseline,
    ):
        yield sides, stores, ours, baseline, work.requests


def test_single_claims_of_the_handwritten_version_leave_our_rows(twins, modules):
    """Every row of every table is equal, though the statements are not."""
    sides, stores, ours, baseline, requests = twins
    with modules("_callers").callers(1) as one:
        one.claim(ours, requests)
        one.claim(baseline, requests)

    assert sides.same_rows_on(*stores) > 60 * 8


@pytest.mark.parametrize("twins", ["postgresql"], indirect=True)
def test_bulk_claims_of_the_handwritten_version_leave_our_rows(twins):
    """Members, accounts, tags and coupons are added by the first call and changed by the second."""
    sides, stores, ours, baseline, requests = twins
    for part in (requests[:25], requests[25:]):
        for side in (ours, baseline):
            side.clock.forward()
            side.claim_many(part)

    assert sides.same_rows_on(*stores) > 60 * 8


def test_one_claim_less_is_noticed(twins, modules):
    """The comparison of two stores fails when one side has left something out."""
    sides, stores, ours, baseline, requests = twins
    with modules("_callers").callers(1) as one:
        one.claim(ours, requests)
        one.claim(baseline, requests[:-1])

    with pytest.raises(SystemExit, match="differs"):
        sides.same_rows_on(*stores)


@pytest.mark.parametrize("twins", ["postgresql"], indirect=True)
def test_group_commit_gives_members_what_single_claims_give(twins, modules):
    """Eight callers who share transactions leave what one caller of the hand-written version leaves."""
    _sides, stores, _ours, baseline, requests = twins
    modules_of, of_ours = modules("_callers"), modules("_balances").of_ours
    with modules("_server_sides").our_side(stores[0], group_commit=True) as grouped, modules_of.callers(8) as eight:
        eight.claim(grouped, requests)
        eight.leave(grouped)
    baseline.clock.forward()
    for request in requests:
        baseline.claim(request)

    modules("_balances").same_balances(of_ours(stores[0]), of_ours(stores[1]))


def test_a_missing_fen_is_noticed(twins, modules):
    """The comparison of balances fails when a member has another sum."""
    _sides, stores, ours, _baseline, requests = twins
    ours.clock.forward()
    ours.claim(requests[0])
    balances = modules("_balances")
    right = balances.of_ours(stores[0])
    ((who, member),) = right.items()
    wrong = {who: balances.Balances(member.accounts, member.tier, {}, member.tags, member.claims)}

    assert balances.same_balances(right, right)
    with pytest.raises(SystemExit, match=who):
        balances.same_balances(right, wrong)


def test_the_orm_versions_give_what_we_give(servers, tmp_path):
    """The figure exists, because it is given only when every member has the same on both sides."""
    pytest.importorskip("django")
    pytest.importorskip("sqlalchemy")
    names = ["postgresql.single.vs_sqlalchemy", "postgresql.group8.vs_django", "sqlite.single.vs_django"]
    done = run("--json", "--pairs", "2", "--only", *names, *_urls(servers), cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["figures"]
    assert sorted(figure["name"] for figure in figures) == sorted(names)
    for figure in figures:
        assert set(figure) == FIGURE_FIELDS
        assert figure["quartiles"] == sorted(figure["quartiles"])
        assert figure["ours"] > 0 < figure["baseline"]
    assert list(tmp_path.iterdir()) == []


def test_the_table_tells_how_durable_the_server_is(servers, tmp_path):
    """Whoever reads a figure sees whether a commit was waited for, and what was asked for."""
    names = ["postgresql.single.vs_function", "mariadb.single"]
    done = run("--pairs", "2", "--only", *names, *_urls(servers), cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "synchronous_commit on" in done.stdout
    assert "innodb_flush_log_at_trx_commit 1" in done.stdout
    assert "ratio ≥ 0.8" in done.stdout
    assert "informs" in done.stdout


def test_pgbench_gives_a_figure(modules, servers):
    """It runs in a database of its own and its answer is understood."""
    with servers.database("postgresql") as database:
        assert modules("_pgbench").Pgbench(database, clients=2, threads=1, scale=1).tps(1) > 1


def test_unknown_figures_are_refused(tmp_path):
    """Nothing is measured, and the answer names what there is."""
    done = run("--only", "nothing", cwd=tmp_path)

    assert done.returncode == 2
    for name in ("postgresql.bulk", "mariadb.single", "postgresql.group8.vs_pgbench"):
        assert name in done.stderr


def _urls(servers) -> list[str]:
    return ["--postgresql", servers.server("postgresql").url(), "--mysql", servers.server("mysql").url()]
