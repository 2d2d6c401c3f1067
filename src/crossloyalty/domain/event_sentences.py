"""An event in a sentence, for staff and for members: what happened, how much, by which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crossloyalty.domain.rule_sentences import NOUNS, yuan

__all__ = ["EVENT_KINDS", "event_sentence"]

# What happened, by the event's kind; of an asset by what follows its name.
EVENT_KINDS: Final = {
    "claim.granted": ("订单兑换成功", "order claimed"),
    "claim.changed": ("订单兑换有变化", "claim changed"),
    "claim.reversed": ("订单兑换已全部扣回", "claim taken back whole"),
    "claim.moved": ("订单经核实归他人", "the order went to its true buyer"),
    "claim.refused": ("兑换申请已驳回", "request refused"),
    "pending": ("待到账", "pending"),
    "issued": ("已到账", "became usable"),
    "spent": ("已使用", "spent"),
    "expired": ("已过期", "expired"),
    "clawed_back": ("已扣回", "taken back"),
    "changed": ("有变化", "changed"),
    "used": ("已核销", "used"),
    "revoked": ("已收回", "revoked"),
    "debt.opened": ("余额不足，记为所欠", "could not be taken back and is owed"),
    "debt.waived": ("余额不足，已免除", "could not be taken back and was written off"),
    "debt.settled": ("已抵扣所欠", "repaid what was owed"),
    "member.enrolled": ("已入会", "enrolled"),
    "member.merged": ("会员已合并", "two members became one"),
    "member.unmerged": ("会员合并已撤销", "a merge was undone"),
    "member.erased": ("个人信息已删除", "personal data was erased"),
    "member.exported": ("个人信息已导出", "personal data was exported"),
    "identity.bound": ("已绑定身份", "identity bound"),
    "identity.unbound": ("已解绑身份", "identity unbound"),
    "identity.conflict": ("身份与他人冲突，待核实", "identity belongs to somebody else; under review"),
    "risk.flagged": ("风险提示", "worth a look"),
    "tag.added": ("新增标签", "tag added"),
    "tag.removed": ("移除标签", "tag removed"),
    "tier.granted": ("等级人工调整", "tier given by hand"),
    "tier.upgraded": ("等级提升", "tier went up"),
    "tier.downgraded": ("等级下降", "tier went down"),
    "tier.will_downgrade": ("等级即将下降", "tier is about to go down"),
    "tier.retained": ("等级已保住", "tier was kept"),
}


def event_sentence(kind: str, body: Mapping[str, Any], language: str) -> str:
    """
    Say what an event says.

    Args:
        kind: The event's; one that is not known here is named as it is.
        body: The event's.
        language: "zh" or "en".

    Returns:
        One sentence, such as "积分 +100：已到账（订单3816…）。"
    """
    en = language == "en"
    about, _, what = kind.partition(".")
    words = EVENT_KINDS.get(kind) or (EVENT_KINDS.get(what) if "asset" in body else None) or (kind, kind)
    happened = words[en]
    if "asset" in body:
        noun, moved = _moved(str(body["asset"]), body, taken=what in ("expired", "used"), en=en)
        happened = f"{noun} {moved}: {happened}" if en else f"{noun} {moved}：{happened}"
    details = _details(about, body)
    if en:
        return f"{happened[:1].upper()}{happened[1:]}{f' ({details})' if details else ''}."
    return f"{happened}{f'（{details}）' if details else ''}。"


def _moved(asset: str, body: Mapping[str, Any], *, taken: bool, en: bool) -> tuple[str, str]:
    amount = int(body.get("amount", 0))
    sign = "-" if amount < 0 or taken else "+"
    if asset.startswith("coupon:"):
        return (f"Coupon {asset[7:]}" if en else f"优惠券{asset[7:]}"), f"{sign}{abs(amount)}"
    figure = yuan(abs(amount)) if asset == "stored_value" else str(abs(amount))
    return NOUNS.get(asset, (asset, asset))[en], f"{sign}{figure}"


def _details(about: str, body: Mapping[str, Any]) -> str:
    """Give what tells one such event from another: the order, the tiers, the tag, the other id."""
    if body.get("order_no"):
        return str(body["order_no"])
    if about == "tier":
        return " → ".join(str(body[name]) for name in ("from", "to", "tier") if body.get(name))
    if about == "member":
        return " → ".join(str(body[name]) for name in ("absorbed", "survivor") if body.get(name))
    return str(body.get("code") or body.get("tag") or body.get("family") or "")
