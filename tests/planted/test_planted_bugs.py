"""
The suite tests itself: bugs of the kinds that happen are planted into a copy of the package, and have to be found.

A bug is a patch of the source. The copy runs a few of the suite's ordinary tests in a Python of its own; they must
fail, and say what the table says. Numbers are those of the list of planted bugs in the reference.

| no | the bug                                              | what finds it                                      |
|----|------------------------------------------------------|----------------------------------------------------|
| 1  | a storage selects, then inserts; no key decides      | storage kit: of many inserts at once one wins      |
| 1  | an insert that replaces the row that was there       | storage kit: the unique key decides                |
| 2  | refunds told apart by their amount                   | state machine, by the model or by `verify()`       |
| 3  | bonus money is not taken back                        | state machine, by the model or by `verify()`       |
| 3  | what a gateway could not take is not told the claim  | the worked checks of assets that live outside      |
| 3  | debt is not repaid out of what is sent outside       | state machine, by the model or by `verify()`       |
| 4  | deliveries written in a transaction behind the claim | kill -9 between the two: the repeat ends elsewhere |
| 5  | floats in one rule                                   | state machine, by the model or by `verify()`       |
| 7  | a cap counted in memory, not in the store            | state machine, by the model or by `verify()`       |
| 7  | a cap that gives back what was refunded              | state machine, by the model or by `verify()`       |
| 7  | the limit of an action is read and not counted       | the worked checks of actions                       |
| 7  | inactivity takes below the floor                     | state machine, by the model or by `verify()`       |
| 7  | attempts are looked at and not counted               | state machine, by the model or by `verify()`       |
| 7  | what is worth a look is told again and again         | state machine, by the model or by `verify()`       |
| 7  | a lock of a host's transaction ends with it          | the worked checks of attempts counted apart        |
| 8  | order numbers as typed where they are claimed        | state machine, by the model or by `verify()`       |
| 8  | order numbers as told where they are ingested        | the worked checks of orders: two spellings, one    |
| 9  | a merge forgets lots that are not spendable yet      | state machine, by the model or by `verify()`       |
| 9  | a merge forgets debt                                 | state machine, by the model or by `verify()`       |
| 9  | what was repaid is owed again by who leaves          | state machine, by the model or by `verify()`       |
| 9  | a merge keeps what was to go back                    | state machine, by the model or by `verify()`       |
| 9  | a merge adds no caps up                              | the worked checks of merging                       |
| 9  | an alias that was undone is followed for ever        | the worked checks of merging                       |
| 12 | a second refund takes the first's reversal as target | state machine, by the model or by `verify()`       |
| 13 | a dispute leaves the first holder what it gave       | state machine, by the model or by `verify()`       |
| 13 | a dispute leaves the identity with the first holder  | state machine, by the model or by `verify()`       |
| 13 | an identity moves whatever the conflict policy says  | state machine, by the model or by `verify()`       |
| 13 | any claim binds its buyer, however weak its proof    | state machine, by the model or by `verify()`       |
| 13 | a batch does not know what it has bound itself       | state machine, by the model or by `verify()`       |
| 13 | a phone goes before the buyer's own identity         | state machine, by the model or by `verify()`       |
| 13 | the order that is claimed counts as a past one       | state machine, by the model or by `verify()`       |
| 13 | the latest request pushes out a better one           | the worked checks of proofs                        |
| 13 | a lock is opened by what the claim behind it binds   | the worked checks of claims that bind              |
| 13 | an unbound identity is free at once                  | the worked checks of identities                    |
| 13 | what was given once goes along with no identity      | the worked checks of identities                    |
| 13 | a token proves every order                           | the worked checks of proofs                        |
| 14 | the newest revision is read without its program      | state machine, by the merchant next door           |
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

ROOT = Path(__file__).resolve().parents[2]

MACHINE = "tests/model/test_machine.py::test_the_library_does_what_the_model_says"
CLAIMS, UNIONS = f"{MACHINE}[claims]", f"{MACHINE}[unions]"
# What the machine says of a bug: answers, claims or members differ from the model's, or `verify()` complains. Which of
# them comes first is the search's choice.
DIFFERS = r"def act\(|def answers|def bind\(|def decide\(|def compare_\w+|invariant='I-\d\d'"
KILL = "tests/reliability/test_kill.py::test_a_killed_write_is_all_or_nothing_and_can_be_repeated[claim that converts]"

# Look for the first failure only, without making it small: here it is enough that there is one.
PROFILE = """

from hypothesis import Phase  # noqa: E402

settings.register_profile("planted", settings.get_profile("ci"), phases=[Phase.generate], report_multiple_bugs=False)
settings.load_profile("planted")
"""

LATE = """

LATE: list[object] = []


async def send_late(world):
    from crossloyalty.application.ports import Insert

    rows, LATE[:] = list(LATE), []

    async def body(tx):
        await tx.lock(())
        await tx.write([Insert(*rows)], roots={})

    if rows:
        await world.run(body)
"""


@attrs.frozen
class Bug:
    """
    A bug to plant.

    Args:
        name: Its number and what it does.
        tests: What finds it.
        says: A pattern that stands in what they say then.
        edits: File inside the package, text that stands there exactly once, text that takes its place.
    """

    name: str
    tests: tuple[str, ...]
    says: str
    edits: tuple[tuple[str, str, str], ...]


BUGS = [
    Bug(
        "1 select then insert",
        ("tests/storage/test_memory.py", "-k", "one_insert_wins"),
        "test_one_insert_wins",
        (
            ("storage/memory.py", "self._writer.acquire()", "pass"),
            ("storage/memory.py", "self._writer.release()", "pass"),
            (
                "storage/memory.py",
                "                self._storage._publish(",
                "                __import__('time').sleep(0.01)\n                self._storage._publish(",
            ),
        ),
    ),
    Bug(
        "1 insert replaces",
        ("tests/storage/test_sqlite.py", "-k", "unique_key_decides"),
        "test_unique_key_decides",
        (("storage/_sql/statements.py", 'insert=f"INSERT INTO', 'insert=f"INSERT OR REPLACE INTO'),),
    ),
    Bug(
        "2 refunds by amount",
        (CLAIMS,),
        DIFFERS,
        (
            ("domain/facts.py", "refunds.get(refund.refund_id)", "refunds.get(str(refund.amount_fen))"),
            ("domain/facts.py", "refunds[refund.refund_id] =", "refunds[str(refund.amount_fen)] ="),
        ),
    ),
    Bug(
        "3 bonus not reversed",
        (CLAIMS,),
        DIFFERS,
        (
            (
                "domain/settlement.py",
                "        rule = rules[grant.rule_id]\n",
                "        rule = rules[grant.rule_id]\n"
                '        target = max(target, grant.granted) if rule.asset == "stored_value" else target\n',
            ),
        ),
    ),
    Bug(
        "3 what a gateway could not take is not told to the claim",
        ("tests/checks/test_external_books.py",),
        "test_what_the_gateway_could_not_take_is_a_shortfall",
        (
            (
                "domain/external.py",
                "    setattr(grant, account, getattr(grant, account) + missing)\n",
                "",
            ),
            (
                "domain/external.py",
                '    ledger.post(asset, account, missing, "shortfall", body["lot_no"], ref, rule_id)\n',
                "",
            ),
        ),
    ),
    Bug(
        "3 debt is not repaid out of what is sent outside",
        (CLAIMS,),
        DIFFERS,
        (("domain/external.py", 'owed = min(ledger.balance(asset, "debt"), amount)', "owed = 0"),),
    ),
    Bug(
        "7 inactivity takes below the floor",
        (CLAIMS,),
        DIFFERS,
        (("domain/inactivity.py", " - rule.floor_growth", ""),),
    ),
    Bug(
        "4 outbox behind the commit",
        (KILL,),
        "the repeat ends elsewhere",
        (
            ("application/writes.py", "__all__ = [", LATE + "\n\n__all__ = ["),
            (
                "application/writes.py",
                "self.inserted[DeliveryRecord] += ledger.deliveries",
                "LATE.extend(ledger.deliveries)",
            ),
            (
                "application/claiming.py",
                "            return await world.run(body)\n        except StartAgain",
                "            answers = await world.run(body)\n"
                "            await __import__('crossloyalty.application.writes').application.writes.send_late(world)\n"
                "            return answers\n        except StartAgain",
            ),
        ),
    ),
    Bug(
        "9 merge forgets pending lots",
        (UNIONS,),
        DIFFERS,
        (
            (
                "domain/merging.py",
                "[lot for lot in lots if lot.state != MOVED]",
                '[lot for lot in lots if lot.state not in (MOVED, "PENDING")]',
            ),
        ),
    ),
    Bug(
        "9 merge forgets debt",
        (UNIONS,),
        DIFFERS,
        (("domain/merging.py", "if account in IN_NO_LOT\n", 'if account in IN_NO_LOT and account != "debt"\n'),),
    ),
    Bug(
        "9 what was repaid is owed again by who leaves",
        (UNIONS,),
        DIFFERS,
        (("domain/shares.py", "for other in (member_id, *sorted(parts)):", "for other in ():"),),
    ),
    Bug(
        "9 merge keeps what was to go back",
        (UNIONS,),
        DIFFERS,
        (("domain/merging.py", 'if both and twice == "claw_back":', "if False:"),),
    ),
    Bug(
        "9 merge adds no caps up",
        ("tests/checks/test_merging.py", "-k", "caps and memory"),
        "test_d5_caps_of_the_present_period_are_summed",
        (
            (
                "domain/merging.py",
                "target.put_once(row.rule_id, held.claims + row.claims, row.grant)",
                "target.put_once(row.rule_id, held.claims, row.grant)",
            ),
        ),
    ),
    Bug(
        "9 an undone alias is followed",
        ("tests/checks/test_merging.py", "-k", "stale and memory"),
        "test_d5_a_stale_alias_is_noticed",
        (("application/loading.py", "if home in self.members and self.homes.get(member_id) != home:", "if False:"),),
    ),
    Bug(
        "5 floats in one rule",
        (CLAIMS,),
        DIFFERS,
        (
            (
                "domain/rules/rewards.py",
                "return rounded(net_fen * self._numerator * numerator, self._denominator * denominator, self._mode)",
                "import math\n\n"
                "        value = net_fen * float(exact(self.rate, 'rate')) / self.fen_per_unit\n"
                "        value = value * numerator / denominator\n"
                "        whole = {'up': math.ceil(value), 'half_up': math.floor(value + 0.5)}\n"
                "        return whole.get(self.rounding, math.floor(value))",
            ),
        ),
    ),
    Bug(
        "7 what a cap lets through is counted in memory only",
        (CLAIMS,),
        DIFFERS,
        (
            (
                "domain/member.py",
                "        self._grants_changed.setdefault(name, name not in self._grants)\n        used =",
                "        used =",
            ),
        ),
    ),
    Bug(
        "7 a cap gives back what was refunded",
        (CLAIMS,),
        DIFFERS,
        (
            (
                "domain/caps.py",
                "        grant.allowance = min(target, room)\n",
                "        grant.allowance = None if room >= target else room\n",
            ),
            (
                "domain/caps.py",
                "member.count(CAP_ROW + cap.id, period, grant.allowance)",
                "member.count(CAP_ROW + cap.id, period, min(target, room))",
            ),
            (
                "domain/caps.py",
                "cut = cut or grant.allowance < target",
                "cut = cut or room < target",
            ),
        ),
    ),
    Bug(
        "7 the limit of an action is read and not counted",
        ("tests/checks/test_actions.py",),
        "FAILED",
        (("domain/actions.py", "        member.count(row, period, 1)\n", "        member.count(row, period, 0)\n"),),
    ),
    Bug(
        "7 attempts are looked at and not counted",
        (CLAIMS,),
        DIFFERS,
        (("application/guessing.py", "tries[what].counted(limit, batch.now)", "tries[what]"),),
    ),
    Bug(
        "7 what is worth a look is told again and again",
        (CLAIMS,),
        DIFFERS,
        (("domain/risks.py", "        if flag.code.value not in held.up:\n", "        if flag.count:\n"),),
    ),
    Bug(
        "7 a lock ends with the host's transaction",
        ("tests/checks/test_attempts_apart.py",),
        "FAILED",
        (
            (
                "loyalty/_runners.py",
                "        if world.limiter is None:\n            world.limiter = self._counts_apart()\n",
                "",
            ),
        ),
    ),
    Bug(
        "13 a dispute leaves the first holder what it gave",
        (CLAIMS,),
        DIFFERS,
        (("domain/settlement.py", "grant, rule, 0, ref=ref", "grant, rule, grant.granted, ref=ref"),),
    ),
    Bug(
        "13 a dispute leaves the identity with the first holder",
        (CLAIMS,),
        DIFFERS,
        (("application/reviewing.py", "if result.done and claim is not None:", "if False:"),),
    ),
    Bug(
        "13 an identity moves whatever the policy says",
        (CLAIMS,),
        DIFFERS,
        (
            (
                "application/binding.py",
                'if rules.conflict == "move" and strong else Reason.OTHER_BUYER',
                "if strong else None",
            ),
        ),
    ),
    Bug(
        "13 any claim binds its buyer",
        (CLAIMS,),
        DIFFERS,
        (("domain/rules/binding.py", " and PROOF_STRENGTHS[stands] >= PROOF_STRENGTHS[self.on_claim]", ""),),
    ),
    Bug(
        "13 a batch does not know what it has bound",
        (CLAIMS,),
        DIFFERS,
        (
            (
                "application/batch.py",
                "self._buyers.get(root) or self.loaded.buyers.get(root)",
                "self.loaded.buyers.get(root)",
            ),
        ),
    ),
    Bug(
        "13 a phone goes before the buyer's own identity",
        (CLAIMS,),
        DIFFERS,
        (("application/batch.py", "if member_id or not order.phone_index or not", "if not order.phone_index or not"),),
    ),
    Bug(
        "13 the order that is claimed counts as a past one",
        (CLAIMS,),
        DIFFERS,
        (("application/past_orders.py", " and OrderKey(*row[:3]) not in decided", ""),),
    ),
    Bug(
        "13 the latest request pushes out a better one",
        ("tests/checks/test_proofs.py", "-k", "crowd and memory"),
        "test_a_crowd_keeps_nobody_out",
        (
            (
                "application/crowding.py",
                "    if _place(batch, state, last) < _place(batch, state, ticket):\n        return False\n",
                "",
            ),
        ),
    ),
    Bug(
        "13 a lock is opened by what a claim would bind",
        ("tests/checks/test_claims_bind.py",),
        "test_a_lock_is_not_opened",
        (("application/guessing.py", ", before=True", ""),),
    ),
    Bug(
        "13 an unbound identity is free at once",
        ("tests/checks/test_identity.py", "-k", "cools_down"),
        "test_d39_an_unbound_identity_cools_down",
        (("application/identifying.py", "free_at=now + cooldown_days * DAY_US", "free_at=now"),),
    ),
    Bug(
        "13 what was given once is given again",
        ("tests/checks/test_identity.py",),
        "test_d39",
        (("domain/once.py", "            member.put_gift(mine._replace(grant=ELSEWHERE))\n", "            pass\n"),),
    ),
    Bug(
        "13 a token proves every order",
        ("tests/checks/test_proofs.py",),
        "test_a_token_of_another",
        (("domain/tokens.py", '"crossloyalty order token", *order, end', '"crossloyalty order token", end'),),
    ),
    Bug(
        "8 numbers as typed where they are claimed",
        (CLAIMS,),
        DIFFERS,
        (
            (
                "application/claiming.py",
                "normalise_order_no(request.order_no, platform, platforms)",
                "request.order_no.strip()",
            ),
        ),
    ),
    Bug(
        "8 numbers as told where they are ingested",
        ("tests/checks/test_orders.py", "tests/application/test_ingesting.py"),
        "FAILED",
        (
            (
                "application/ingesting.py",
                "normalise_order_no(item.order_no, platform, platforms)",
                "item.order_no.strip()",
            ),
        ),
    ),
    Bug(
        "12 reversal of a reversal",
        (CLAIMS,),
        DIFFERS,
        (
            (
                "domain/grants.py",
                "    elif delta < 0:\n",
                "    elif delta < 0 and (at := ledger.lots.get(grant.lot_no)) and 0 < at.remaining < at.granted:\n"
                "        _give(ledger, grant, rule, -delta, ref, issue)\n"
                "    elif delta < 0:\n",
            ),
        ),
    ),
    Bug(
        "14 program missing in one query",
        (CLAIMS,),
        "ProgramDiffers",
        (
            (
                "application/programs.py",
                "return Scan(ProgramRecord, (program_id,), descending=True, limit=1)",
                "return Scan(ProgramRecord, (), descending=True, limit=1)",
            ),
        ),
    ),
]


def copied(folder: Path, edits: tuple[tuple[str, str, str], ...]) -> None:
    """Copy package and tests into a folder, with a bug; what is compiled comes along, for times of change do too."""
    without = shutil.ignore_patterns(".*")
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=without)
    shutil.copy(ROOT / "pyproject.toml", folder)
    with open(folder / "tests" / "conftest.py", "a", encoding="utf-8") as conftest:
        conftest.write(PROFILE)
    if edits:  # the search ends with the first find, so a longer one costs hardly more and hangs on no lucky order
        machine = folder / "tests" / "model" / "test_machine.py"
        text = machine.read_text(encoding="utf-8")
        assert text.count("run(machine, examples, 30)") == 1
        machine.write_text(
            text.replace("run(machine, examples, 30)", "run(machine, 18 * examples, 30)"), encoding="utf-8"
        )
    for path, old, new in edits:
        file = folder / "src" / "crossloyalty" / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path} has changed, so this bug has to be planted anew: {old}"
        file.write_text(text.replace(old, new), encoding="utf-8")
        for compiled in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
            compiled.unlink()


def run(folder: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run some tests of a copy in a Python of its own."""
    surroundings = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "COV"))
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    return subprocess.run(
        command,
        cwd=folder,
        env=surroundings | {"CI": "true", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


# Each takes a Python of its own, and some a long search. So those that a search or kills find are for a release, but
# two that a search finds at once; those that ordinary tests find are looked for with every change.
SEARCHES = frozenset({CLAIMS, UNIONS, KILL})
SOON_FOUND = frozenset({"13 the order that is claimed counts as a past one", "14 program missing in one query"})
assert {bug.name for bug in BUGS} >= SOON_FOUND


def is_in_ci(bug: Bug) -> bool:
    """Say whether a bug is planted with every change."""
    return bug.name in SOON_FOUND or SEARCHES.isdisjoint(bug.tests)


def case(bug: Bug) -> Any:
    """Name a bug's test, and mark it when it is for a release."""
    return pytest.param(bug, id=bug.name, marks=[] if is_in_ci(bug) else [pytest.mark.release])


@pytest.mark.parametrize("bug", [case(bug) for bug in BUGS])
def test_a_planted_bug_is_found(bug: Bug, tmp_path: Path) -> None:
    """A copy of the package with this bug fails the tests that are there to find it, by what they are there to say."""
    copied(tmp_path, bug.edits)
    ran = run(tmp_path, bug.tests)
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert re.search(bug.says, ran.stdout), ran.stdout[-4000:]
    assert "1 failed" in ran.stdout.splitlines()[-1], ran.stdout[-4000:]


@pytest.mark.release
def test_a_copy_without_a_bug_is_not_blamed(tmp_path: Path) -> None:
    """The same tests pass on an unchanged copy, so that it is the bug they find and not the copying."""
    copied(tmp_path, ())
    ordinary = [
        test for bug in BUGS for test in bug.tests if test.startswith("tests/") and not test.startswith(MACHINE)
    ]
    ran = run(tmp_path, (*dict.fromkeys(ordinary), f"{MACHINE}[sqlite]"))
    assert ran.returncode == pytest.ExitCode.OK, ran.stdout[-4000:] + ran.stderr[-2000:]
