"""What an admin form says about every field of a program, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from crossloyalty.domain import rules
from crossloyalty.domain.keys import Platform
from crossloyalty.domain.program import Program

__all__ = ["CHOICES", "FIELDS", "TITLES", "UNITS", "Said"]


class Said(NamedTuple):
    """A title and a line of help, each in Chinese and in English."""

    zh: str
    en: str
    zh_help: str = ""
    en_help: str = ""


TITLES: Final[Mapping[type[Any], Said]] = {
    Program: Said("会员忠诚度计划", "Loyalty programme"),
    rules.Finished: Said("可转换订单", "Orders that may be converted"),
    rules.PointsPerYuan: Said("按消费得积分", "Points per yuan"),
    rules.PerStep: Said("每满得积分", "Points per full step"),
    rules.PointsFixed: Said("每单固定积分", "Fixed points per order"),
    rules.GrowthPerYuan: Said("按消费得成长值", "Growth value per yuan"),
    rules.StoredValuePercent: Said("按消费送赠送金", "Bonus money as a percentage"),
    rules.Coupon: Said("优惠券", "Coupon"),
    rules.GrowthPerStep: Said("每满得成长值", "Growth value per full step"),
    rules.GrowthFixed: Said("每单固定成长值", "Fixed growth value per order"),
    rules.StoredValuePerStep: Said("每满送赠送金", "Bonus money per full step"),
    rules.StoredValueFixed: Said("每单固定赠送金", "Fixed bonus money per order"),
    rules.Scope: Said("适用范围", "What it is limited to"),
    rules.Rate: Said("分档比例", "Rate for a part"),
    rules.Days: Said("会员日", "Days"),
    rules.Campaign: Said("活动倍数", "Campaign"),
    rules.Threshold: Said("满额倍数", "Threshold"),
    rules.Cap: Said("上限", "Cap"),
    rules.Basis: Said("计算基数", "Basis"),
    rules.TierGift: Said("等级礼", "Gift for a tier"),
    rules.EnrolGift: Said("入会礼", "Gift for enrolling"),
    rules.Attempts: Said("尝试次数", "Attempts"),
    rules.Binding: Said("身份绑定", "Binding of buyers"),
    rules.ProofStep: Said("凭证要求", "Proof by worth"),
    rules.ExternalBook: Said("外部账户", "Asset that lives outside"),
    rules.Action: Said("行为奖励", "Reward for an action"),
    rules.Inactivity: Said("不活跃扣减", "Loss by inactivity"),
    rules.SpendTiers: Said("累计消费等级", "Tiers by spending"),
    rules.Level: Said("等级", "Tier"),
    rules.GrowthTiers: Said("成长值等级", "Tiers by growth value"),
    rules.GrowthLevel: Said("等级", "Tier"),
    rules.SourceTags: Said("来源标签", "Source tags"),
    rules.ClawBack: Said("退款扣回", "Taking back after refunds"),
    Platform: Said("平台", "Platform"),
}

UNITS: Final[Mapping[str, str]] = {"_fen": "fen", "_days": "days", "_months": "months", "_minutes": "minutes"}

# The words of a field that has a few values, by the field's name.
CHOICES: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "ownership": {
        "proof": ("需证明订单归属", "the member shows that the order is theirs"),
        "order-no-only": ("仅凭订单号", "the number alone"),
    },
    "settle": {
        "per_line": ("每个子订单完成即结算", "each line as it finishes"),
        "all": ("整单完成再结算", "whole order"),
    },
    "rounding": {"down": ("向下取整", "down"), "up": ("向上取整", "up"), "half_up": ("四舍五入", "half up")},
    "once_per": {"order": ("每单一次", "once an order"), "member": ("每人一次", "once a member")},
    "by": {
        "paid": ("付款时间", "paid"),
        "created": ("下单时间", "placed"),
        "finished": ("完成时间", "finished"),
        "claimed": ("兑换时间", "claimed"),
    },
    "after_refund": {
        "rederive": ("按退款后金额重新判断", "judged again on what is left"),
        "prorata": ("剩余部分保留倍数", "what is left keeps it"),
    },
    "shortfall": {
        "debt": ("记为欠积分，以后的积分先抵扣", "a debt that later points repay"),
        "waive": ("不足部分免除", "written off"),
        "pending_only": ("只扣未到账部分", "only what is still pending is taken"),
    },
    "period": {"days": ("固定天数", "a number of days"), "calendar_year": ("自然年", "calendar years")},
    "downgrade": {
        "recompute": ("按累计重新定级", "to what was spent"),
        "one_level": ("只降一级", "by one tier"),
        "keep": ("不降级", "never"),
    },
    "per": {
        "order": ("每单", "order"),
        "day": ("每日", "day"),
        "month": ("每月", "month"),
        "member": ("每人累计", "member, for ever"),
    },
    "asset": {
        "": ("按权益编号", "of one reward"),
        "points": ("积分", "points"),
        "growth": ("成长值", "growth value"),
        "stored_value": ("赠送金", "bonus money"),
    },
    "on_claim": {
        "never": ("不绑定", "nobody"),
        "amount_and_day": ("金额和日期", "amount and day"),
        "phone_tail": ("手机号后四位", "last four digits of the phone"),
        "phone": ("手机号", "phone"),
        "token": ("一次性口令", "one-time token"),
        "by_host": ("业务系统担保", "the host's word"),
    },
    "conflict": {
        "refuse": ("拒绝", "is refused"),
        "move": ("凭证不弱于原绑定则换绑", "moves, by evidence as strong"),
        "review": ("人工审核", "goes to review"),
    },
    "proof": {
        "phone_tail": ("手机号后四位", "last four digits of the phone"),
        "phone": ("手机号", "phone"),
        "token": ("一次性口令", "one-time token"),
        "by_host": ("业务系统担保", "the host's word"),
        "bound": ("已绑定的买家", "bound buyer"),
        "review": ("人工审核", "review"),
    },
    "refunds_ignored": {
        "RETURN": ("退货退款", "return"),
        "EXCHANGE": ("换货", "exchange"),
        "PRICE_PROTECTION": ("价保", "price protection"),
        "COMPENSATION": ("小额打款", "compensation"),
        "CASHBACK": ("返现", "cash-back"),
    },
    "kinds": {
        "NORMAL": ("普通订单", "ordinary"),
        "PRESALE": ("预售", "presale"),
        "GIFT": ("赠品", "gift"),
        "LOTTERY": ("抽奖", "lottery"),
        "PRICE_DIFF": ("补差价", "price difference"),
        "SAMPLE": ("试用", "sample"),
        "COD": ("货到付款", "cash on delivery"),
        "GROUP": ("拼团", "group buying"),
    },
    "statuses": {
        "PAID": ("已付款", "paid"),
        "SHIPPED": ("已发货", "shipped"),
        "SIGNED": ("已签收", "signed for"),
        "FINISHED": ("交易完成", "finished"),
    },
}

_REWARD: Final[Mapping[str, Said]] = {
    "id": Said("规则编号", "Rule id", "兑换记录会永久引用它，修改参数时请保留", "Claims remember it for ever; keep it"),
    "issue_after_days": Said(
        "到账延迟", "Issued after", "交易完成后第几天到账，0 为立即", "Days behind the finish; 0: at once"
    ),
    "expires_months": Said(
        "有效期", "Expires after", "到账后几个月过期，空为永久", "Months behind the issue; empty: never"
    ),
    "settle": Said("结算方式", "Counts", "按子订单还是整单", "Line by line, or the whole order"),
    "scope": Said("适用范围", "Limited to", "空为不限", "Empty: not limited"),
    "issue_on": Said("到账日期", "Issued on", "与到账延迟二选一", "Instead of some days behind the finish"),
    "issue_event": Said("到账事件", "Issued when", "如 reviewed，发生后到账", "Such as reviewed; pending until then"),
    "expires_on": Said("截止日期", "Expires on", "与有效期二选一，含当日", "Instead of some months; that day included"),
}
_RATE: Final[Mapping[str, Said]] = {
    "rate": Said("比例", "Rate", '精确的数，如 "1.5" 或 "1/3"', 'An exact number such as "1.5" or "1/3"'),
    "rounding": Said("取整方式", "Rounding", "每单每条规则取整一次", "Once for each order and rule"),
    "rates": Said(
        "分档比例",
        "Other rates",
        "按平台、店铺、等级、商品或类目，取第一个符合的",
        "The first that takes a line decides",
    ),
}
_ONCE: Final[Mapping[str, Said]] = {"once_per": Said("发放频次", "How often")}
_LINES: Final[Mapping[str, Said]] = {
    "platforms": Said("平台", "Platforms", "空为全部", "Empty: all"),
    "shops": Said("店铺", "Shops", "空为全部", "Empty: all"),
    "tiers": Said("等级", "Tiers", "下单前的等级，空为全部", "Held before the order; empty: all"),
    "products": Said("参与商品", "Products", "与类目满足其一", "Or one of the categories"),
    "categories": Said("参与类目", "Categories", "与商品满足其一", "Or one of the products"),
    "exclude_products": Said("不参与的商品", "Products left out"),
    "exclude_categories": Said("不参与的类目", "Categories left out"),
    "minimum_fen": Said("最低金额", "Least amount", "参与商品的实付净额", "Net of what takes part"),
}
_MULTIPLIED: Final = Said("适用规则", "Rewards", "空为所有按等级加倍的规则", "Empty: all that a tier multiplies")
FIELDS: Final[Mapping[type[Any], Mapping[str, Said]]] = {
    Program: {
        "program_id": Said(
            "计划编号", "Programme id", "所有数据的首要键，上线后不可更改", "The first part of every key"
        ),
        "timezone": Said("时区", "Time zone", "营业日按此时区计算", "Business days are local days of it"),
        "starts_at": Said("开始时间", "Begins at", "此前下的订单不参与", "Orders placed before are refused"),
        "eligibility": TITLES[rules.Finished],
        "ownership": Said("订单归属", "Ownership", "怎样证明订单是本人的", "How an order is shown to be theirs"),
        "rewards": Said("权益", "Rewards", "每个订单得到什么", "What an order earns"),
        "tiers": Said("等级", "Tiers", "不设则没有等级", "Empty: no tiers"),
        "source_tags": TITLES[rules.SourceTags],
        "on_refund": TITLES[rules.ClawBack],
        "ticket_days": Said(
            "申请有效期", "Requests wait", "未完成的订单，申请保留几天", "How long a request waits for its order"
        ),
        "backfill_orders": Said(
            "补转上限", "Past orders at once", "绑定时一次最多补转几单", "The most one binding converts"
        ),
        "platforms": Said("自定义平台", "Own platforms", "内置平台之外的平台", "Beside the built-in ones"),
        "campaigns": Said("活动倍数", "Campaigns", "一段时间内多倍积分", "Multiply points for some time"),
        "caps": Said("上限", "Caps", "每单、每日、每月或每人最多发放多少", "The most that may be given"),
        "basis": Said("计算基数", "Basis", "订单的哪些金额计入", "What of an order's money counts"),
        "tier_gifts": Said("等级礼", "Gifts for tiers", "达到等级时赠送", "For reaching a tier"),
        "enrol_gifts": Said("入会礼", "Gifts for enrolling", "入会时赠送", "For enrolling"),
        "actions": Said("行为奖励", "Actions", "评价、分享等非订单行为", "What is no order, such as a review"),
        "attempts": Said("尝试次数", "Attempts", "防止猜订单号，空为不限", "Against guessing; empty: no limit"),
        "external_books": Said("外部账户", "External books", "在外部系统保存和使用", "Kept and spent elsewhere"),
        "inactivity": Said("不活跃扣减", "Inactivity", "长期未消费扣减成长值", "Growth value lost by who buys nothing"),
        "binding": Said("身份绑定", "Binding", "买家身份怎样归到会员", "How buyer identities come to members"),
        "proof_steps": Said("凭证要求", "Proof by worth", "高价值订单需更强的凭证", "Orders of much worth need more"),
        "waiting_requests": Said(
            "等待中的申请", "Requests that wait", "无有效凭证时每位会员最多几条", "Without a proof, per member"
        ),
        "requests_per_order": Said(
            "每单申请数", "Requests an order", "每笔订单最多保留几条申请", "The most that one order keeps"
        ),
        "thresholds": Said("满额倍数", "Thresholds", "订单满额多倍积分", "Multiply points from an amount on"),
    },
    rules.Finished: {
        "within_days": Said(
            "兑换期限", "Claim window", "交易完成后几天内可兑换，空为不限", "Days behind the finish; empty: no end"
        ),
        "minimum_fen": Said(
            "最低金额", "Least amount", "扣除退款和不参与商品后的实付", "Net of refunds and exclusions"
        ),
        "statuses": Said(
            "可转换订单状态", "Claimable statuses", "按平台设置，* 为其他平台", "By platform; * stands for the others"
        ),
        "kinds": Said("参与的订单类型", "Kinds that take part"),
        "shops": Said("参与的店铺", "Shops that take part", "空为全部", "Empty: all"),
        "exclude_products": Said("不参与的商品", "Products left out"),
        "exclude_categories": Said("不参与的类目", "Categories left out"),
        "exclude_flags": Said("不参与的标记", "Flags left out", "如员工、刷单", "Such as staff or brushing"),
        "currency": Said("币种", "Currency", "其他币种转人工审核", "Others go to review"),
        "future_tolerance_minutes": Said(
            "时间误差", "Clock tolerance", "完成时间最多晚于现在多少", "How far ahead a finish may lie"
        ),
    },
    rules.PointsPerYuan: {**_RATE, **_REWARD},
    rules.GrowthPerYuan: {**_RATE, **_REWARD},
    rules.StoredValuePercent: {
        **_RATE,
        "rate": Said("百分比", "Percent", "赠送金占实付的百分之几", "Of the net amount"),
        **_REWARD,
    },
    rules.PerStep: {
        "every_fen": Said("每满", "For each full", "满多少计一次", "The step"),
        "points": Said("积分", "Points", "每次得多少", "What each step earns"),
        **_REWARD,
    },
    rules.PointsFixed: {"points": Said("积分", "Points", "每单得多少", "For each order"), **_ONCE, **_REWARD},
    rules.GrowthPerStep: {
        "every_fen": Said("每满", "For each full", "满多少计一次", "The step"),
        "growth": Said("成长值", "Growth value", "每次得多少", "What each step earns"),
        **_REWARD,
    },
    rules.GrowthFixed: {
        "growth": Said("成长值", "Growth value", "每单得多少", "For each order"),
        **_ONCE,
        **_REWARD,
    },
    rules.StoredValuePerStep: {
        "every_fen": Said("每满", "For each full", "满多少计一次", "The step"),
        "bonus_fen": Said("赠送金", "Bonus money", "每次送多少", "What each step earns"),
        **_REWARD,
    },
    rules.StoredValueFixed: {
        "bonus_fen": Said("赠送金", "Bonus money", "每单送多少", "For each order"),
        **_ONCE,
        **_REWARD,
    },
    rules.Scope: _LINES,
    rules.Rate: {"rate": _RATE["rate"], "scope": TITLES[rules.Scope]},
    rules.Days: {
        "weekdays": Said("星期", "Weekdays", "1 为星期一", "1 is Monday"),
        "month_days": Said("每月几号", "Days of the month"),
        "dates": Said("日期", "Dates"),
    },
    rules.Campaign: {
        "id": Said("活动编号", "Campaign id", "兑换记录会永久引用它", "Claims remember it for ever"),
        "multiplier": Said("倍数", "Multiplier", '精确的数，如 "2" 或 "1.5"', 'An exact number such as "2" or "1.5"'),
        "from_at": Said("开始时间", "Begins at", "空为不限", "Empty: open"),
        "until_at": Said("结束时间", "Ends at", "不含该时刻，空为不限", "Exclusive; empty: open"),
        "by": Said("按什么时间", "By which time"),
        "days": Said("会员日", "Only on", "空为每天", "Empty: every day"),
        "scope": Said("适用范围", "Limited to", "空为不限", "Empty: not limited"),
        "group": Said("互斥组", "Group", "同组取最高，不同组相乘", "The best of a group; groups multiply"),
        "rewards": _MULTIPLIED,
    },
    rules.Threshold: {
        "from_fen": Said("满", "From", "订单净额达到", "Net amount of the order"),
        "multiplier": Said("倍数", "Multiplier", '精确的数，如 "2" 或 "1.5"', 'An exact number such as "2" or "1.5"'),
        "after_refund": Said("退款后", "After a refund"),
        "rewards": _MULTIPLIED,
    },
    rules.Basis: {
        "shipping": Said("运费计入", "Shipping counts"),
        "subsidy_platforms": Said("计入补贴的平台", "Platform subsidy counts on"),
        "own_value": Said(
            "积分储值支付计入", "Own value counts", "积分、储值、礼品卡支付的部分", "Points, stored value, cards"
        ),
        "refunds_ignored": Said("不扣减的退款类型", "Refunds that change nothing"),
    },
    rules.TierGift: {
        "id": Said("礼品编号", "Gift id", "已赠记录会永久引用它", "What was given is remembered under it"),
        "tier": Said("等级", "Tier"),
        "reward": Said("礼品", "Gift", "优惠券或固定数额", "A coupon or a fixed reward"),
        "per": Said("频次", "How often"),
    },
    rules.EnrolGift: {
        "id": Said("礼品编号", "Gift id", "已赠记录会永久引用它", "What was given is remembered under it"),
        "reward": Said("礼品", "Gift", "优惠券或固定数额", "A coupon or a fixed reward"),
    },
    rules.Action: {
        "id": Said("规则编号", "Rule id", "已发记录会永久引用它", "What was given is remembered under it"),
        "action": Said("行为", "Action", "业务系统上报的名称", "The name the host records it by"),
        "reward": Said("奖励", "Reward", "优惠券或固定数额", "A coupon or a fixed reward"),
        "per_day": Said("每日最多", "Times a day", "空为不限", "Empty: any number"),
        "per_month": Said("每月最多", "Times a month", "空为不限", "Empty: any number"),
        "per_member": Said("每人最多", "Times ever", "空为不限", "Empty: any number"),
    },
    rules.Attempts: {
        "per_member": Said("每位会员", "Per member", "一个窗口内最多几次", "The most in one window"),
        "per_device": Said("每台设备", "Per device", "一个窗口内最多几次", "The most in one window"),
        "window_minutes": Said("窗口", "Window"),
        "lock_minutes": Said("首次锁定", "First lock", "之后每次加倍", "Each further one lasts twice as long"),
        "longest_lock_minutes": Said("最长锁定", "Longest lock"),
        "per_order": Said(
            "每个订单号", "Per order number", "一天内最多几次，之后锁一天", "In a day, then locked for one"
        ),
    },
    rules.Binding: {
        "on_claim": Said("兑换即绑定", "A claim binds", "至少需要的凭证", "The weakest proof that binds the buyer"),
        "by_phone": Said(
            "手机号自动转换", "By phone", "收货手机号属于会员时", "When the receiver's phone is a member's"
        ),
        "conflict": Said("身份冲突", "Conflict", "身份已属于其他会员时", "When it belongs to somebody else"),
        "cooldown_days": Said("换绑冷却", "Cool-down", "解绑后几天内不能绑定他人", "Behind an unbinding"),
    },
    rules.ProofStep: {
        "proof": Said("凭证", "Proof", "至少需要的凭证", "The weakest that will do"),
        "from_fen": Said("满", "From", "订单净额达到", "Net amount of the order"),
        "from_points": Said("积分满", "From points", "订单可得积分达到", "Points the order would earn"),
    },
    rules.ExternalBook: {
        "asset": Said("资产", "Asset"),
        "gateway": Said("网关", "Gateway", "由谁发放和扣回", "Who issues it and takes it back"),
    },
    rules.Inactivity: {
        "idle_days": Said("未消费天数", "Quiet for", "最近一笔计入订单之后", "Since the latest order that counts"),
        "growth": Said("每次扣减", "Takes", "成长值", "Growth value"),
        "every_days": Said("之后每隔", "Again after", "空为只扣一次", "Empty: once for each quiet time"),
        "floor_growth": Said("最低保留", "Leaves", "不会扣到低于此值", "Never takes below it"),
    },
    rules.Cap: {
        "id": Said("上限编号", "Cap id", "累计数按它记录，修改数额时请保留", "What was given is counted under it"),
        "amount": Said("最多", "At most", "积分、成长值、张数，或分", "Points, growth value, pieces, or fen"),
        "per": Said("每", "Per"),
        "reward": Said("权益编号", "Reward", "与资产二选一", "Or an asset"),
        "asset": Said("资产", "Asset", "该资产的所有权益合计", "All rewards that give it together"),
    },
    rules.Coupon: {
        "code": Said("券模板编号", "Template code", "发券网关里的名称", "Its name at the gateway"),
        "once_per": Said("发放频次", "How often"),
        "minimum_fen": Said("最低金额", "Least amount", "订单达到才发", "Of an order that earns it"),
        "gateway": Said("发券网关", "Gateway", "由谁发放", "Who sends it"),
        **_REWARD,
    },
    rules.SpendTiers: {
        "levels": Said("等级", "Tiers", "最低一级从 0 开始", "The lowest begins at 0"),
        "window_days": Said("累计窗口", "Window", "累计最近几天的消费，空为终身", "Rolling days; empty: lifetime"),
        "period_days": Said("等级有效期", "Lasts for", "空为与累计窗口相同", "Empty: as long as the window"),
        "period": Said("有效期类型", "Periods are"),
        "grace_days": Said("宽限期", "Grace", "到期后再等几天才评估", "The review waits so long behind the end"),
        "downgrade": Said("降级方式", "Falling", "到期未达标时", "When the line is not reached at the review"),
        "warn_days": Said("降级提醒", "Warned before", "评估前几天提醒，空为不提醒", "Before the review; empty: never"),
        "include_current": Said(
            "本单按升级后倍数", "Order counts for itself", "否则按下单前等级", "Else the tier before the order counts"
        ),
    },
    rules.Level: {
        "name": Said("名称", "Name", "客户看到的名称", "As customers read it"),
        "from_fen": Said("消费门槛", "From", "累计消费达到", "Least spending"),
        "points_multiplier": Said("积分倍数", "Multiplies points by", "达到等级之后的订单适用", "Of later orders"),
        "benefits": Said("权益", "Benefits", "名称和说明，由业务系统读取", "Names and texts for the host to read"),
    },
    rules.GrowthLevel: {
        "name": Said("名称", "Name", "客户看到的名称", "As customers read it"),
        "from_growth": Said("成长值门槛", "From", "成长值达到", "Least growth value"),
        "points_multiplier": Said("积分倍数", "Multiplies points by", "达到等级之后的订单适用", "Of later orders"),
        "benefits": Said("权益", "Benefits", "名称和说明，由业务系统读取", "Names and texts for the host to read"),
    },
    rules.GrowthTiers: {
        "levels": Said("等级", "Tiers", "最低一级从 0 开始", "The lowest begins at 0"),
        "period_days": Said("等级有效期", "Lasts for", "空为永久", "Empty: for ever"),
        "period": Said("有效期类型", "Periods are"),
        "grace_days": Said("宽限期", "Grace", "到期后再等几天才评估", "The review waits so long behind the end"),
        "downgrade": Said("降级方式", "Falling", "到期未达标时", "When the line is not reached at the review"),
        "warn_days": Said("降级提醒", "Warned before", "评估前几天提醒，空为不提醒", "Before the review; empty: never"),
        "deduct_growth": Said("到期扣减", "Deducted", "每期结束扣减的成长值", "Growth value taken at a period's end"),
    },
    rules.SourceTags: {"prefix": Said("前缀", "Prefix", "放在平台名之前", "Before the platform's name")},
    rules.ClawBack: {
        "shortfall": Said("不足时", "When less is left", "余额不够扣时怎么办", "What happens to the rest"),
        "growth": Said("成长值不足时", "When less growth value is left", "空为同上", "Empty: the same"),
        "stored_value": Said("赠送金不足时", "When less bonus money is left"),
    },
    Platform: {
        "name": Said("名称", "Name", "接口和记录里的名称", "In calls and records"),
        "family": Said("订单号体系", "Family", "同一体系共用订单号", "Platforms that share order numbers"),
        "pattern": Said("订单号格式", "Order numbers", "正则表达式", "A regular expression"),
        "distinctive": Said("独有格式", "Distinctive shape", "仅作提示", "A hint only"),
        "zh": Said("中文名", "Chinese name"),
    },
}
