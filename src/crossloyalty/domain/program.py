"""A program: one merchant's rules (会员忠诚度计划) as one frozen value and one JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import attrs

from crossloyalty.domain.calendar import Calendar
from crossloyalty.domain.checks import instance_of, walked
from crossloyalty.domain.keys import Platform, Platforms, clean_id
from crossloyalty.domain.rules import (
    Action,
    Attempts,
    Basis,
    Binding,
    Campaign,
    Cap,
    ClawBack,
    EnrolGift,
    ExternalBook,
    Finished,
    Gift,
    GrowthTiers,
    Inactivity,
    ProofStep,
    Reward,
    SourceTags,
    Threshold,
    TierGift,
    Tiers,
)
from crossloyalty.domain.rules._checks import NEW_IN_2, optional_time
from crossloyalty.errors import ConfigError, InvalidInput, WrongType, shown

if TYPE_CHECKING:
    from crossloyalty.domain.lint import Finding

__all__ = ["CALC", "Ownership", "Program"]

# The version of the arithmetic. A claim remembers it; an old one stays callable.
# 1: what is left of a line paid in part with own value is rounded down line by line.
# 2: it is rounded down once for the whole order, and shared out over the lines by largest remainder.
CALC = 2

Ownership: TypeAlias = Literal["proof", "order-no-only"]


def _optional_tiers(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not (value is None or isinstance(value, Tiers)):
        raise WrongType(f"{attribute.name} is a SpendTiers or a GrowthTiers, not {shown(value)}")


def _id(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    clean_id(value, attribute.name)


def _all_of(kind: Any, items: Iterable[Any], what: str) -> tuple[Any, ...]:
    values = tuple(walked(items, what))
    for value in values:
        if not isinstance(value, kind):
            raise WrongType(f"{what} holds {type(value).__name__}")
    return values


def _rewards(items: Iterable[Reward]) -> tuple[Reward, ...]:
    return _all_of(Reward, items, "rewards")


def _campaigns(items: Iterable[Campaign]) -> tuple[Campaign, ...]:
    return _all_of(Campaign, items, "campaigns")


def _thresholds(items: Iterable[Threshold]) -> tuple[Threshold, ...]:
    return _all_of(Threshold, items, "thresholds")


def _caps(items: Iterable[Cap]) -> tuple[Cap, ...]:
    return _all_of(Cap, items, "caps")


def _tier_gifts(items: Iterable[TierGift]) -> tuple[TierGift, ...]:
    return _all_of(TierGift, items, "tier_gifts")


def _enrol_gifts(items: Iterable[EnrolGift]) -> tuple[EnrolGift, ...]:
    return _all_of(EnrolGift, items, "enrol_gifts")


def _actions(items: Iterable[Action]) -> tuple[Action, ...]:
    return _all_of(Action, items, "actions")


def _books(items: Iterable[ExternalBook]) -> tuple[ExternalBook, ...]:
    return _all_of(ExternalBook, items, "external_books")


def _proof_steps(items: Iterable[ProofStep]) -> tuple[ProofStep, ...]:
    return _all_of(ProofStep, items, "proof_steps")


def _platforms(items: Iterable[Platform]) -> tuple[Platform, ...]:
    return _all_of(Platform, items, "platforms")


@attrs.frozen(kw_only=True, slots=False)
class Program:
    """
    One merchant's rules.

    Args:
        program_id: The first part of every key.
        timezone: IANA name; business days are local days of it.
        eligibility: Which orders may be converted.
        ownership: "proof" asks the member to show that the order is theirs; "order-no-only" gives it to the first who
            types the number: choose it only where a wrong holder costs nothing.
        rewards: What an order earns; ids are unique.
        tiers: By spend or by growth value; None: no tiers.
        source_tags: Source tags, None: none are shown.
        on_refund: What happens when a refund takes back more than is left.
        starts_at: Orders placed before are refused (BEFORE_PROGRAM); None: no start.
        ticket_days: How long a request waits for its order, in days.
        backfill_orders: The most past orders one `bind` converts at once (D41).
        platforms: Platforms beside the built-in ones.
        campaigns: Multipliers for some time; ids are unique.
        thresholds: Multipliers from an order amount on.
        caps: The most that may be given of a reward or an asset; ids are unique.
        basis: What of an order's money counts.
        tier_gifts: What members get for reaching a tier; ids are unique among gifts.
        enrol_gifts: What members get when they enrol.
        actions: What members get for doing something that is no order; ids are unique.
        external_books: Assets that live outside, such as points of a Youzan shop; one book an asset.
        attempts: How often somebody may guess order numbers; None: as often as they like, for hosts that limit it.
        inactivity: Growth value that members lose who buy nothing for long; None: they lose none.
        binding: How buyer identities come to belong to members.
        proof_steps: What proof an order needs that is worth much; empty: any accepted one will do.
        waiting_requests: The most requests without an accepted proof that one member may have waiting.
        requests_per_order: The most requests of all members that one order keeps; those with the better proof stay, and
            of equal ones the earlier.

    Raises:
        InvalidInput: Some value is out of range; the message names it.
        ConfigError: Values contradict each other.
    """

    program_id: str = attrs.field(validator=_id)
    timezone: str = attrs.field(default="Asia/Shanghai", validator=instance_of(str))
    eligibility: Finished = attrs.field(factory=Finished, validator=instance_of(Finished))
    ownership: Ownership = attrs.field(default="proof")
    rewards: tuple[Reward, ...] = attrs.field(default=(), converter=_rewards)
    tiers: Tiers | None = attrs.field(default=None, validator=_optional_tiers)
    source_tags: SourceTags | None = attrs.field(default=None, validator=instance_of(SourceTags, optional=True))
    on_refund: ClawBack = attrs.field(factory=ClawBack, validator=instance_of(ClawBack))
    starts_at: Any = attrs.field(default=None, validator=optional_time)
    ticket_days: int = 30
    backfill_orders: int = 200
    platforms: tuple[Platform, ...] = attrs.field(default=(), converter=_platforms)
    campaigns: tuple[Campaign, ...] = attrs.field(default=(), converter=_campaigns, metadata=NEW_IN_2)
    thresholds: tuple[Threshold, ...] = attrs.field(default=(), converter=_thresholds, metadata=NEW_IN_2)
    caps: tuple[Cap, ...] = attrs.field(default=(), converter=_caps, metadata=NEW_IN_2)
    basis: Basis = attrs.field(factory=Basis, validator=instance_of(Basis), metadata=NEW_IN_2)
    tier_gifts: tuple[TierGift, ...] = attrs.field(default=(), converter=_tier_gifts, metadata=NEW_IN_2)
    enrol_gifts: tuple[EnrolGift, ...] = attrs.field(default=(), converter=_enrol_gifts, metadata=NEW_IN_2)
    actions: tuple[Action, ...] = attrs.field(default=(), converter=_actions, metadata=NEW_IN_2)
    attempts: Attempts | None = attrs.field(
        factory=Attempts, validator=instance_of(Attempts, optional=True), metadata=NEW_IN_2
    )
    external_books: tuple[ExternalBook, ...] = attrs.field(default=(), converter=_books, metadata=NEW_IN_2)
    inactivity: Inactivity | None = attrs.field(
        default=None, validator=instance_of(Inactivity, optional=True), metadata=NEW_IN_2
    )
    binding: Binding = attrs.field(factory=Binding, validator=instance_of(Binding), metadata=NEW_IN_2)
    proof_steps: tuple[ProofStep, ...] = attrs.field(default=(), converter=_proof_steps, metadata=NEW_IN_2)
    waiting_requests: int = attrs.field(default=50, metadata=NEW_IN_2)
    requests_per_order: int = attrs.field(default=20, metadata=NEW_IN_2)

    def __attrs_post_init__(self) -> None:
        if self.ownership not in ("proof", "order-no-only"):
            raise InvalidInput('ownership is "proof" or "order-no-only"')
        ids = [reward.id for reward in self.rewards]
        if len(set(ids)) < len(ids):
            raise ConfigError("two rewards share an id; give each its own `id=`")
        for name in ("ticket_days", "backfill_orders", "waiting_requests", "requests_per_order"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= 100_000:
                raise InvalidInput(f"{name} is a whole number from 1 to 100000")
        _assert_multiplies(self)
        _assert_caps(self)
        _assert_gifts(self)
        _assert_actions(self)
        _assert_books(self)
        _ = self.calendar  # an unknown zone is refused here, not at the first claim

    @cached_property
    def calendar(self) -> Calendar:
        """Local days of this program."""
        return Calendar(self.timezone)

    @cached_property
    def known_platforms(self) -> Platforms:
        """The built-in platforms and the program's own."""
        return Platforms(self.platforms)

    @cached_property
    def rewards_by_id(self) -> dict[str, Reward]:
        """The rewards, by their id."""
        return {reward.id: reward for reward in self.rewards}

    @cached_property
    def is_limited(self) -> bool:
        """Whether the first settlement has to look at scopes, rates, campaigns or ends."""
        return bool(self.campaigns) or any(
            reward.scope is not None or reward.rates or reward.expires_on is not None for reward in self.rewards
        )

    @cached_property
    def campaigns_of(self) -> dict[str, tuple[Campaign, ...]]:
        """The campaigns that multiply a reward, by the reward's id; without entry: none."""
        return _by_reward(self.rewards, self.campaigns)

    @cached_property
    def thresholds_of(self) -> dict[str, tuple[Threshold, ...]]:
        """The thresholds that multiply a reward, the highest first, by the reward's id; without entry: none."""
        highest_first = sorted(self.thresholds, key=lambda threshold: -threshold.from_fen)
        return _by_reward(self.rewards, highest_first)

    @cached_property
    def gateways(self) -> dict[str, str]:
        """Who is told of assets that live outside, by asset."""
        return {book.asset: book.gateway for book in self.external_books}

    @cached_property
    def gifts(self) -> tuple[Gift, ...]:
        """All gifts."""
        return (*self.tier_gifts, *self.enrol_gifts)

    @cached_property
    def order_caps_of(self) -> dict[str, tuple[Cap, ...]]:
        """The caps per order that limit a reward, by the reward's id; without entry: none."""
        return _limiting(self.rewards, [cap for cap in self.caps if cap.per == "order"])

    @cached_property
    def period_caps_of(self) -> dict[str, tuple[Cap, ...]]:
        """The caps per day, month or member that limit a reward, by the reward's id; without entry: none."""
        return _limiting(self.rewards, [cap for cap in self.caps if cap.per != "order"])

    def lint(self, *, typical_order_fen: int = 10_000, refund_window_days: int = 7) -> tuple[Finding, ...]:
        """
        Look for rules that are allowed and most probably not meant, before customers find them.

        Args:
            typical_order_fen: What an ordinary order nets, in fen; a rule that gives nothing for it is suspicious.
            refund_window_days: For how many days after the finish customers send goods back.

        Returns:
            Findings in the order of the document, each with a code, the place and a sentence in both languages.

        Raises:
            InvalidInput: An amount or a number of days cannot be one.
        """
        from crossloyalty.domain.lint import lint_program

        return lint_program(self, typical_order_fen=typical_order_fen, refund_window_days=refund_window_days)

    @classmethod
    def json_schema(cls, language: str = "zh") -> dict[str, Any]:
        """
        Describe the document of `to_json` as a JSON Schema, good enough to render an admin form.

        Args:
            language: Of titles, help and labels: "zh" or "en".

        Returns:
            Draft 2020-12, with `x-order`, `x-unit` and `x-labels` for the form.

        Raises:
            InvalidInput: There are no texts in this language.
        """
        from crossloyalty.domain.schema import program_schema

        return program_schema(language)

    def to_json(self) -> str:
        """Give the program as a canonical JSON document."""
        from crossloyalty.domain.documents import program_to_json

        return program_to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Program:
        """
        Read a JSON document.

        Raises:
            InvalidInput: It is no JSON, has unknown or missing fields, floats, or values out of range.
        """
        from crossloyalty.domain.documents import program_from_json

        return program_from_json(text)


_M = TypeVar("_M", Campaign, Threshold)


def _by_reward(rewards: Iterable[Reward], multipliers: Iterable[_M]) -> dict[str, tuple[_M, ...]]:
    of = {
        reward.id: tuple(
            each
            for each in multipliers
            if (reward.id in each.rewards if each.rewards else reward.takes_tier_multiplier)
        )
        for reward in rewards
        if reward.takes_multipliers and not reward.once_per_member
    }
    return {rule_id: each for rule_id, each in of.items() if each}


def _limiting(rewards: Iterable[Reward], caps: Iterable[Cap]) -> dict[str, tuple[Cap, ...]]:
    of = {
        reward.id: tuple(cap for cap in caps if cap.limits(reward.id, reward.asset))
        for reward in rewards
        if not reward.once_per_member
    }
    return {rule_id: each for rule_id, each in of.items() if each}


def _assert_caps(program: Program) -> None:
    """Refuse caps that name nothing."""
    ids = [cap.id for cap in program.caps]
    if len(set(ids)) < len(ids):
        raise ConfigError("two caps share an id; give each its own")
    for cap in program.caps:
        limited = [reward for reward in program.rewards if cap.limits(reward.id, reward.asset)]
        if not limited:
            raise ConfigError(f"cap {shown(cap.id)} limits {shown(cap.reward or cap.asset)}, and no reward gives it")
        if cap.reward and limited[0].once_per_member:
            raise ConfigError(f"{shown(cap.reward)} is given once per member, so cap {shown(cap.id)} limits nothing")


def _assert_gifts(program: Program) -> None:
    """Refuse gifts that share an id, or are for a tier nobody can reach, and growth value that cannot carry tiers."""
    if isinstance(program.tiers, GrowthTiers):
        beside = (*program.gifts, *program.actions)
        given = (*program.rewards, *(each.reward for each in beside))
        for reward in given:
            if reward.asset == "growth" and (reward.expires_months is not None or reward.expires_on is not None):
                raise ConfigError(f"{shown(reward.id)} expires; tiers that go by growth value need a period instead")
    ids = [gift.id for gift in program.gifts]
    if len(set(ids)) < len(ids):
        raise ConfigError("two gifts share an id; give each its own")
    upper = () if program.tiers is None else program.tiers.levels[1:]
    for gift in program.tier_gifts:
        if all(gift.tier != level.name for level in upper):
            raise ConfigError(
                f"gift {shown(gift.id)} is for {shown(gift.tier)}, and no tier above the lowest is named so"
            )


def _assert_actions(program: Program) -> None:
    """Refuse actions that share an id."""
    ids = [action.id for action in program.actions]
    if len(set(ids)) < len(ids):
        raise ConfigError("two actions share an id; give each its own")
    tiers = program.tiers
    if program.inactivity is not None and isinstance(tiers, GrowthTiers) and tiers.downgrade == "keep":
        raise ConfigError("inactivity takes growth value and with it tiers, and these tiers are kept for ever")


def _assert_books(program: Program) -> None:
    """Refuse growth value that lives outside and yet decides here."""
    if len(program.gateways) < len(program.external_books):
        raise ConfigError("two external books hold one asset")
    if "growth" in program.gateways and (isinstance(program.tiers, GrowthTiers) or program.inactivity is not None):
        raise ConfigError("growth value that lives outside can carry no tiers here and is not lost here by inactivity")


def _assert_multiplies(program: Program) -> None:
    """Refuse multipliers that contradict each other or the rewards they name."""
    ids = [campaign.id for campaign in program.campaigns]
    if len(set(ids)) < len(ids):
        raise ConfigError("two campaigns share an id; give each its own")
    begins = [(threshold.from_fen, threshold.rewards) for threshold in program.thresholds]
    if len(set(begins)) < len(begins):
        raise ConfigError("two thresholds begin at the same amount")
    multipliers: tuple[Campaign | Threshold, ...] = (*program.campaigns, *program.thresholds)
    for each in multipliers:
        for rule_id in each.rewards:
            reward = program.rewards_by_id.get(rule_id)
            if reward is None:
                raise ConfigError(f"a multiplier names {shown(rule_id)}, and no reward has this id")
            if not reward.takes_multipliers or reward.once_per_member:
                raise ConfigError(f"{shown(rule_id)} cannot be multiplied: it is given all or nothing")
            if isinstance(each, Campaign) and each.scope and each.scope.names_lines and not hasattr(reward, "rate"):
                raise ConfigError(
                    f"campaign {shown(each.id)} is limited to products or categories, and {shown(rule_id)} looks at "
                    "whole orders"
                )
