"""
How fast claims are on PostgreSQL and MariaDB, against pgbench, hand-written SQL, Django's ORM and SQLAlchemy's.

    python benchmarks/servers.py [--quick] [--json] [--only NAME ...] [--postgresql URL] [--mysql URL]

Ours and the baseline take turns in one run; a figure is the median of the pair ratios, so a busy machine disturbs it
little. Before a figure is given it is proven that both sides did the same: against hand-written SQL row by row, against
the ORM versions by what every member has. Databases are made for this and dropped. Without URLs servers are looked for
as the tests do it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

_ROOT: Final = Path(__file__).resolve().parents[1]
# `import servers` has to find the finder of servers for tests, and not this program.
sys.path[:0] = [str(_ROOT / "src"), str(_ROOT / "tests" / "support"), str(_ROOT / "benchmarks")]

from _balances import Balances, of_ours, same_balances  # noqa: E402  # this checkout comes before an installed package
from _callers import CALLERS, Timed, callers  # noqa: E402
from _harness import Figure, alternate, as_json, as_table, quartiles, settle_memory, speeds  # noqa: E402
from _pgbench import SCALE, Pgbench  # noqa: E402
from _server_sides import (  # noqa: E402
    Side,
    checkpoint,
    handwritten_side,
    our_side,
    same_rows_on,
    store_with,
    twin_stores_with,
)
from _servers import Servers  # noqa: E402
from _workload import make_work, new_store  # noqa: E402
from servers import Kind, MissingServerError, Server  # noqa: E402

from crossloyalty import Order  # noqa: E402

BULK: Final = 1000
WARM: Final = 60


class OrmSide(Side, Protocol):
    def balances(self) -> dict[str, Balances]: ...


OpenOrm = Callable[[Any, Sequence[Order]], AbstractContextManager[OrmSide]]


def django(store: Server | Path, orders: Sequence[Order]) -> AbstractContextManager[OrmSide]:
    """Open the Django version; Django is loaded only where it is measured."""
    from _django_claims import django_side

    return django_side(store, orders)


def sqlalchemy(store: Server, orders: Sequence[Order]) -> AbstractContextManager[OrmSide]:
    """Open the SQLAlchemy version; SQLAlchemy is loaded only where it is measured."""
    from _sqlalchemy_claims import sqlalchemy_side

    return sqlalchemy_side(store, orders)


class Figures:
    """
    What can be measured.

    Args:
        servers: Where.
        pairs: How many pairs a figure stands on; with pgbench half of them, of some seconds each.
        seconds: How long a run of pgbench, and ours against it, lasts.
    """

    def __init__(self, servers: Servers, *, pairs: int, seconds: int) -> None:
        self._servers = servers
        self._pairs = pairs
        self._seconds = seconds

    def all(self) -> dict[str, Callable[[], Figure]]:
        """Give the makers by the names of the figures."""
        made: dict[str, Callable[..., Figure]] = {
            "postgresql.single.vs_pgbench": partial(self._vs_pgbench, many=1, threads=1, most=1_600),
            "postgresql.group8.vs_pgbench": partial(self._vs_pgbench, many=CALLERS, threads=2, most=5_000),
            "postgresql.function.vs_pgbench": partial(self._function_vs_pgbench, most=4_000),
            "postgresql.single.vs_function": partial(self._vs_handwritten, "postgresql", target=None),
            "postgresql.single.vs_django": partial(self._vs_orm, django, block=25, target=4),
            "postgresql.single.vs_sqlalchemy": partial(self._vs_orm, sqlalchemy, block=25, target=4),
            "postgresql.group8.vs_django": partial(self._vs_orm, django, many=CALLERS, block=100, target=8),
            "postgresql.group8.vs_sqlalchemy": partial(self._vs_orm, sqlalchemy, many=CALLERS, block=100, target=None),
            "postgresql.bulk": self._bulk,
            "mariadb.single": partial(self._vs_handwritten, "mysql", target=0.8),
            "sqlite.single.vs_django": partial(self._vs_orm, django, block=25, target=4, sqlite=True),
        }
        return {name: partial(make, name=name) for name, make in made.items()}

    def _vs_pgbench(self, *, name: str, many: int, threads: int, most: int) -> Figure:
        """Claim for some seconds, run pgbench for as many; *most* is a speed ours will not reach, claims/s."""
        work = make_work(self._claims_of_runs(most))
        with (
            store_with(self._servers, "postgresql", work.orders) as store,
            our_side(store, group_commit=many > 1) as side,
            callers(many) as threads_of_ours,
        ):
            ours = Timed(side, work.requests, threads_of_ours)
            how = f"{many} callers{' with group commit' if many > 1 else ''}"
            return self._beside_pgbench(
                ours.speed, store, name=name, clients=many, threads=threads, how=how, target=0.8
            )

    def _function_vs_pgbench(self, *, name: str, most: int) -> Figure:
        """The whole claim as one function in the server: how far from pgbench these tables are, whoever writes them."""
        work = make_work(self._claims_of_runs(most))
        with (
            store_with(self._servers, "postgresql", work.orders) as store,
            handwritten_side(store) as side,
            callers(1) as one,
        ):
            ours = Timed(side, work.requests, one)
            return self._beside_pgbench(
                ours.speed, store, name=name, clients=1, threads=1, how="one function a claim", target=None
            )

    def _claims_of_runs(self, most: int) -> int:
        return (self._pgbench_pairs + 1) * self._seconds * most

    @property
    def _pgbench_pairs(self) -> int:
        return max(2, self._pairs // 2)

    def _beside_pgbench(
        self,
        speed: Callable[[float], float],
        store: Server,
        *,
        name: str,
        clients: int,
        threads: int,
        how: str,
        target: float | None,
    ) -> Figure:
        """Take turns with pgbench at so many clients."""
        seconds = self._seconds
        taken: list[tuple[float, float]] = []
        with self._servers.database("postgresql") as other:
            pgbench = Pgbench(other, clients=clients, threads=threads)
            checkpoint(self._servers)
            speed(1), pgbench.tps(1)
            settle_memory()
            for at in range(self._pgbench_pairs):
                if at % 2:
                    theirs = pgbench.tps(seconds)
                    taken.append((speed(seconds), theirs))
                else:
                    mine = speed(seconds)
                    taken.append((mine, pgbench.tps(seconds)))
        spread = quartiles([mine / theirs for mine, theirs in taken])
        mine, theirs = (quartiles(side)[1] for side in zip(*taken, strict=True))
        note = (
            f"{self._pgbench_pairs} pairs of {seconds} s; {how}, pgbench TPC-B scale {SCALE} -c {clients}"
            f" -j {threads} -M simple; the same server, {_way(store)} on both sides:"
            f" {self._servers.settings('postgresql')}"
        )
        return Figure(name, mine, theirs, spread[1], "claims/s, tps", "higher", spread, target, note=note)

    def _vs_handwritten(self, kind: Kind, *, name: str, target: float | None, block: int = 50) -> Figure:
        """Single claims against the hand-written version; both leave the same rows."""
        work = make_work(WARM + self._pairs * block)
        with (
            twin_stores_with(self._servers, kind, work.orders) as stores,
            callers(1) as one,
        ):
            with our_side(stores[0]) as ours, handwritten_side(stores[1]) as baseline:
                taken = self._alternate(
                    partial(one.claim, ours), partial(one.claim, baseline), work.requests, block, warm=WARM
                )
            rows = same_rows_on(*stores)
            way = _way(stores[0])
        note = f"{self._pairs} pairs of {block} claims; both stores hold the same {rows:,} rows; {way};"
        return speeds(name, taken, block, target=target, note=f"{note} {self._servers.settings(kind)}")

    def _bulk(self, *, name: str) -> Figure:
        """Many claims in one call and one transaction, against sets of rows; both leave the same rows."""
        work = make_work((self._pairs + 1) * BULK)
        with twin_stores_with(self._servers, "postgresql", work.orders) as stores:
            with our_side(stores[0]) as ours, handwritten_side(stores[1]) as baseline:

                def run(side: Any, requests: Sequence[Any]) -> None:
                    side.clock.forward()
                    side.claim_many(requests)

                checkpoint(self._servers)
                taken = self._alternate(partial(run, ours), partial(run, baseline), work.requests, BULK, warm=BULK)
            rows = same_rows_on(*stores)
        note = f"{self._pairs} pairs of one call with {BULK} claims; both stores hold the same {rows:,} rows"
        return speeds(name, taken, BULK, target=0.45, note=note)

    def _vs_orm(
        self, open_orm: OpenOrm, *, name: str, block: int, target: float | None, many: int = 1, sqlite: bool = False
    ) -> Figure:
        """Claims against an ORM version, which has tables of its own; members have the same in the end."""
        work = make_work(WARM + self._pairs * block)
        with (
            self._orm_stores(work.orders, sqlite=sqlite) as (store, other),
            callers(many) as threads,
            our_side(store, group_commit=many > 1) as ours,
            open_orm(other, work.orders) as baseline,
        ):
            taken = self._alternate(
                partial(threads.claim, ours), partial(threads.claim, baseline), work.requests, block, warm=WARM
            )
            compared = same_balances(of_ours(store), baseline.balances())
            threads.leave(ours, baseline)
        how = f"{many} threads, ours with group commit" if many > 1 else "one caller"
        note = f"{self._pairs} pairs of {block} claims, {how}; {compared}"
        return speeds(name, taken, block, target=target, note=note)

    @contextmanager
    def _orm_stores(
        self, orders: Sequence[Order], *, sqlite: bool
    ) -> Iterator[tuple[Server, Server] | tuple[Path, Path]]:
        if not sqlite:
            with (
                store_with(self._servers, "postgresql", orders) as store,
                self._servers.database("postgresql") as other,
            ):
                yield store, other
            return
        # Beside this program, because a system's folder for temporary files may be no disk.
        with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=Path(), ignore_cleanup_errors=True) as folder:
            new_store(Path(folder, "ours.db"), orders)
            yield Path(folder, "ours.db"), Path(folder, "django.db")

    def _alternate(
        self,
        ours: Callable[[Sequence[Any]], None],
        baseline: Callable[[Sequence[Any]], None],
        requests: Sequence[Any],
        block: int,
        *,
        warm: int,
    ) -> list[tuple[float, float]]:
        ours(requests[:warm])
        baseline(requests[:warm])
        settle_memory()
        parts = [requests[at : at + block] for at in range(warm, warm + self._pairs * block, block)]
        return alternate((partial(ours, part), partial(baseline, part)) for part in parts)


def _way(server: Server) -> str:
    return "by a Unix socket" if server.is_socket else "by TCP"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How fast claims are on PostgreSQL and MariaDB.")
    parser.add_argument("--quick", action="store_true", help="half as many pairs")
    parser.add_argument("--pairs", type=int, help="how many pairs; fewer than 10 are no measurement")
    parser.add_argument("--json", action="store_true", help="print one JSON object and no table")
    parser.add_argument("--only", metavar="NAME", action="extend", nargs="+", help="measure these figures")
    parser.add_argument("--postgresql", metavar="URL", help="postgresql://user:password@host:port/database")
    parser.add_argument("--mysql", metavar="URL", help="mysql://user:password@host:port/?unix_socket=/path")
    given = parser.parse_args(arguments)
    pairs = given.pairs or (10 if given.quick else 20)
    with Servers({"postgresql": given.postgresql, "mysql": given.mysql}) as servers:
        makers = Figures(servers, pairs=pairs, seconds=1 if pairs < 10 else 2).all()
        for only in given.only or ():
            if only not in makers:
                parser.error(f"no figure {only}; there are {', '.join(makers)}")
        done: list[Figure] = []
        for name, make in makers.items():
            if not given.only or name in given.only:
                print(f"measuring {name} …", end=" ", file=sys.stderr, flush=True)
                try:
                    figure = make()
                except MissingServerError as missing:
                    raise SystemExit(str(missing)) from missing
                print(f"{figure.ratio:.3f} ({figure.ours:.0f} / {figure.baseline:.0f})", file=sys.stderr, flush=True)
                done.append(figure)
    print(as_json(done) if given.json else as_table(done))


if __name__ == "__main__":
    main()
