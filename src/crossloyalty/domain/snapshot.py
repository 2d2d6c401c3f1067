"""What the first settlement of a claim fixes for ever, rule by rule."""

from __future__ import annotations

from crossloyalty.domain.effective import EffectiveOrder
from crossloyalty.domain.grants import Grant
from crossloyalty.domain.member import Member
from crossloyalty.domain.program import Program
from crossloyalty.domain.rules import Campaign, Reward

__all__ = ["first_grants"]


def first_grants(member: Member, order: EffectiveOrder, program: Program, *, net_fen: int, day: str) -> list[Grant]:
    """
    Take the snapshot: one grant per reward, with the multiplier of the tier held now (D17).

    Args:
        member: The holder.
        order: The order as it stands.
        program: The rules in force.
        net_fen, day: What it is going to add to the qualifying spend of which local day.
    """
    num, den = member.multiplier(net_fen, day)
    grants = [
        Grant(rule.id, num=num, den=den) if rule.takes_tier_multiplier else Grant(rule.id) for rule in program.rewards
    ]
    if program.is_limited:
        tier = member.tier_name()
        running = {campaign.id for campaign in program.campaigns if _runs(campaign, member, order, program, tier)}
        for rule, grant in zip(program.rewards, grants, strict=True):
            _limit(rule, grant, order, tier)
            grant.off = grant.off or (rule.expires_on is not None and rule.expires_on < member.today)
            of = program.campaigns_of.get(rule.id, ())
            grant.campaigns = [campaign.id for campaign in of if campaign.id in running and not grant.off]
    return grants


def _limit(rule: Reward, grant: Grant, order: EffectiveOrder, tier: str) -> None:
    if rule.scope is not None and not rule.scope.takes_order(order.platform, order.shop_id, tier):
        grant.off = True
        return
    grant.rates = [
        place for place, rate in enumerate(rule.rates) if rate.scope.takes_order(order.platform, order.shop_id, tier)
    ]


def _runs(campaign: Campaign, member: Member, order: EffectiveOrder, program: Program, tier: str) -> bool:
    times = {
        "paid": order.paid_at,
        "created": order.created_at,
        "finished": order.finished_at,
        "claimed": member.ledger.at,
    }
    scope = campaign.scope
    return campaign.runs(times[campaign.by], program.calendar) and (
        scope is None or scope.takes_order(order.platform, order.shop_id, tier)
    )
