"""A ledger row in a sentence: what moved, why, and what is left, for customer service to read aloud."""

from __future__ import annotations

from typing import Final

from crossloyalty.domain.actions import ACTION_RULE
from crossloyalty.domain.gifts import GIFT_ROW
from crossloyalty.domain.ledger import OPENING_SPEND
from crossloyalty.domain.rule_sentences import NOUNS, yuan

__all__ = ["ENTRY_KINDS", "entry_sentence"]

# Why a row was posted, by its kind.
ENTRY_KINDS: Final = {
    "grant": ("发放", "granted"),
    "activate": ("到账", "became usable"),
    "claw_back": ("退款扣回", "taken back after a refund"),
    "shortfall": ("余额不足，未能扣回", "could not be taken back"),
    "exempt": ("已过期，不再扣回", "expired before, so not taken again"),
    "cancel": ("退款未成功，撤销扣回", "the refund failed, so the claw-back is undone"),
    "repay": ("抵扣所欠", "repays what was owed"),
    "expire": ("到期失效", "expired"),
    "adjust": ("人工调整", "corrected by hand"),
    "use": ("已核销", "used"),
    "import": ("迁入", "brought along"),
    "decay": ("等级周期结束扣减", "deducted at the end of the tier's period"),
    "merge": ("会员合并转移", "moved because two members became one"),
    "unmerge": ("撤销会员合并", "moved back because a merge was undone"),
    "lapse": ("长期未消费扣减", "deducted for buying nothing for long"),
}
_ACCOUNTS: Final = {
    "pending": ("待到账", "pending"),
    "balance": ("可用", "usable"),
    "external": ("外部账户", "kept outside"),
    "debt": ("所欠", "owed"),
    "waived": ("已免除", "written off"),
    "exempt": ("免扣", "exempt"),
    "opening": ("期初", "brought along"),
}


def entry_sentence(
    asset: str,
    account: str,
    amount: int,
    balance_after: int,
    kind: str,
    order_no: str,
    rule_id: str,
    language: str,
) -> str:
    """
    Say what one ledger row did.

    Args:
        asset, account, amount, balance_after, kind, order_no, rule_id: As the row has them.
        language: "zh" or "en".

    Returns:
        One sentence, such as "积分 +100：发放（订单3816…，规则points），待到账100。"
    """
    en = language == "en"
    zh_why, en_why = ENTRY_KINDS[kind]
    zh_account, en_account = _ACCOUNTS[account]
    zh_noun, en_noun = _noun(asset)
    zh_source, en_source = _source(order_no, rule_id)
    moved = ("+" if amount > 0 else "-") + _figure(asset, abs(amount), en=en)
    left = _figure(asset, balance_after, en=en)
    if en:
        return f"{en_noun} {moved}: {en_why}{f' ({en_source})' if en_source else ''}; {en_account} now {left}."
    return f"{zh_noun} {moved}：{zh_why}{f'（{zh_source}）' if zh_source else ''}，{zh_account}{left}。"


def _noun(asset: str) -> tuple[str, str]:
    if asset.startswith("coupon:"):
        return f"优惠券{asset[7:]}", f"Coupon {asset[7:]}"
    if asset == OPENING_SPEND:
        return "此前消费", "Earlier spending"
    return NOUNS[asset]


def _figure(asset: str, amount: int, *, en: bool) -> str:
    if asset in ("stored_value", OPENING_SPEND):
        return f"{yuan(amount)} yuan" if en else f"{yuan(amount)}元"
    return str(amount)


def _source(order_no: str, rule_id: str) -> tuple[str, str]:
    """Name the order and the rule behind a row, the gift or the action; nothing for what none of them caused."""
    if rule_id.startswith(GIFT_ROW):
        gift = rule_id.removeprefix(GIFT_ROW).partition("@")[0]
        return f"礼品{gift}", f"gift {gift}"
    if rule_id.startswith(ACTION_RULE):
        action = rule_id.removeprefix(ACTION_RULE)
        return f"行为奖励{action}", f"action {action}"
    if order_no and rule_id:
        return f"订单{order_no}，规则{rule_id}", f"order {order_no}, rule {rule_id}"
    return (f"订单{order_no}", f"order {order_no}") if order_no else ("", "")
