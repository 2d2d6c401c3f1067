"""One member during one batch: spend days, sources, tier and once-per-member rewards follow contributions."""

import pytest
from builders import points_program
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty import rules
from crossloyalty.domain.calendar import Calendar
from crossloyalty.domain.ledger import Ref
from crossloyalty.domain.member import Member
from crossloyalty.domain.needs import MoreClaims, MoreDays
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import MemberRecord, SpendDayRecord, TagRecord
from crossloyalty.domain.sources import Contribution

SHANGHAI = Calendar("Asia/Shanghai")
NOW = SHANGHAI.start("2026-11-20") + 1
PROGRAM = points_program(
    tiers=rules.SpendTiers({"普通": 0, "白银": 200}, window_days=365), source_tags=rules.SourceTags()
)


def _member(
    program: Program = PROGRAM,
    *,
    days: tuple[SpendDayRecord, ...] = (),
    tags: tuple[TagRecord, ...] = (),
    days_from: str = "",
    root: MemberRecord | None = None,
) -> Member:
    return Member(
        root or MemberRecord("brand-a", "m1"), (), days, tags, (), days_from=days_from, program=program, now=NOW
    )


def _on(day: str, net_fen: int, platform: str = "taobao") -> Contribution:
    return Contribution(platform, day, net_fen, SHANGHAI.start(day))


def test_a_contribution_replaces_the_one_before() -> None:
    """What a claim added before is taken out, what it adds now is put in, on its own day and under its own source."""
    member = _member()
    first = _on("2026-11-05", 150)
    member.contribute(("taobao", "1"), None, first)
    member.contribute(("taobao", "1"), first, _on("2026-11-06", 100, "tmall"))
    assert {row.day: row.spend_fen for _, row in member.day_rows()} == {"2026-11-05": 0, "2026-11-06": 100}
    assert {name: tag.claims for name, tag in member.tags.items()} == {"taobao": 0, "tmall": 1}
    assert member.total_net_fen() == 100


def test_the_same_contribution_changes_nothing() -> None:
    """Settling without a change writes no row and no event."""
    member = _member()
    member.contribute(("taobao", "1"), None, _on("2026-11-05", 150))
    events = member.ledger.event_seq
    member.contribute(("taobao", "1"), _on("2026-11-05", 150), _on("2026-11-05", 150))
    assert member.ledger.event_seq == events


def test_a_claim_without_net_is_no_source() -> None:
    """An order that counts nothing tags nobody."""
    member = _member()
    member.contribute(("taobao", "1"), None, _on("2026-11-05", 0))
    assert not member.tags
    assert member.day_rows() == []


@pytest.mark.parametrize(("day", "spend"), [("2026-11-20", 30), ("2026-11-19", 20), ("2025-11-20", 0)])
def test_window_spend_ends_with_its_day(day: str, spend: int) -> None:
    """The window holds its last day and the 364 before, and nothing behind it."""
    rows = tuple(
        SpendDayRecord("brand-a", "m1", each, 10) for each in ("2025-11-21", "2026-11-19", "2026-11-20", "2026-11-21")
    )
    assert _member(days=rows).window_spend(day) == spend


def test_days_that_were_not_read_are_asked_for() -> None:
    """A window that begins before what was read says from where on it needs to know."""
    member = _member(days_from="2026-01-01")
    with pytest.raises(MoreDays) as caught:
        member.window_spend("2026-11-20")
    assert caught.value.from_day == "2025-11-21"


def test_claims_that_were_not_read_are_asked_for() -> None:
    """When a source's earliest order falls away, the other claims have to be read to find the next one."""
    tag = TagRecord("brand-a", "m1", "taobao", 2, 300, SHANGHAI.start("2026-11-05"), SHANGHAI.start("2026-11-07"))
    member = _member(tags=(tag,))
    with pytest.raises(MoreClaims):
        member.contribute(("taobao", "1"), _on("2026-11-05", 150), _on("2026-11-05", 0))
    member = _member(tags=(tag,))
    member.claims = {("taobao", "1"): _on("2026-11-05", 150), ("taobao", "2"): _on("2026-11-07", 150)}
    member.contribute(("taobao", "1"), _on("2026-11-05", 150), _on("2026-11-05", 0))
    assert member.tags["taobao"][3:] == (1, 150, SHANGHAI.start("2026-11-07"), SHANGHAI.start("2026-11-07"))


@pytest.mark.parametrize(
    ("reason", "until", "blocked"),
    [("", None, False), ("fraud", None, True), ("fraud", NOW, False), ("fraud", NOW + 1, True)],
)
def test_blocked(reason: str, until: int | None, blocked: bool) -> None:
    """A block holds up to its end and not at it."""
    root = MemberRecord("brand-a", "m1", blocked_reason=reason, blocked_until=until)
    assert _member(root=root).blocked() is blocked


def test_a_once_per_member_reward_follows_the_number_of_claims() -> None:
    """Given with the first qualifying claim, kept through the second, taken with the last."""
    coupon = rules.Coupon("X", once_per="member")
    member = _member(points_program(coupon))

    def settle(qualifying: int, order_no: str) -> int:
        ref = Ref("taobao", order_no, 1)
        return member.settle_once(coupon, qualifying, ref, finished_at=NOW, blocked=False, shortfall="debt")

    assert [settle(1, "1"), settle(1, "2"), settle(-1, "1"), settle(-1, "2"), settle(1, "3")] == [1, 0, 0, -1, 1]
    [(_, row)] = member.grant_rows()
    assert (row.rule_id, row.claims) == ("coupon:X", 1)


contributions = st.lists(
    st.tuples(
        st.integers(0, 3), st.sampled_from(["taobao", "jd"]), st.integers(1, 28), st.sampled_from([0, 1, 150, 200])
    ),
    max_size=12,
)


@given(contributions)
def test_sums_are_those_of_the_last_contributions(plan: list[tuple[int, str, int, int]]) -> None:
    """However often claims change, days, sources and tier are those of what each claim adds last."""
    member = _member()
    member.claims = {}
    held: dict[int, Contribution] = {}
    for number, platform, day, net_fen in plan:
        new = _on(f"2026-11-{day:02d}", net_fen, platform)
        member.contribute(("taobao", str(number)), held.get(number), new)
        held[number] = new
    days: dict[str, int] = {}
    for each in held.values():
        days[each.day] = days.get(each.day, 0) + each.net_fen
    assert {row.day: row.spend_fen for _, row in member.day_rows() if row.spend_fen} == {
        day: spend for day, spend in days.items() if spend
    }
    for platform in ("taobao", "jd"):
        live = [each for each in held.values() if each.platform == platform and each.net_fen]
        tag = member.tags.get(platform)
        assert (0 if tag is None else tag.claims) == len(live)
        if live:
            assert tag is not None
            times = [each.effective_at for each in live]
            assert tag[4:] == (sum(each.net_fen for each in live), min(times), max(times))
