"""Names for people outside: a platform's buyer, a phone's blind index, an id of WeChat or of the host's own."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from crossloyalty.domain.checks import clean_text
from crossloyalty.domain.keys import Platforms, clean_id
from crossloyalty.domain.privacy import masked_repr
from crossloyalty.domain.records import BuyerRecord, Key
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["PHONE", "STRENGTHS", "Identity", "identifies", "identity_key", "identity_rank", "is_denied", "namespace_of"]

PHONE: Final = "phone"
# Ids that no order carries. What a platform calls its buyers is kept under the platform's family.
_OWN_NAMESPACES: Final = ("unionid", "external_userid", PHONE)
# The same id under another name, so that a person does not exist twice.
_SYNONYMS: Final = {"openid": "wechat", "yz_open_id": "youzan"}
_NO_IDENTITY: Final = {
    "oaid": "names a receiver for a week, not a buyer",
    "buyer_nick": "is masked",
}
_HOSTS_OWN = re.compile(r"x_[a-z0-9_]{1,18}", re.ASCII)
_MASKS: Final = frozenset("*＊∗✱•●")
_INDEX = re.compile(r"[1-9][0-9]{0,3}:[0-9a-f]{64}", re.ASCII)
# How much a binding is worth by the road it came, or by the proof of the claim that made it: what a person has shown <
# what the platform says < a look by staff.
STRENGTHS: Final = {
    "amount_and_day": 1,
    "phone_tail": 2,
    "phone": 3,
    "token": 4,
    "host": 5,
    "by_host": 5,
    "callback": 6,
    "operator": 7,
    "review": 7,
}


class Identity(NamedTuple):
    """
    One way the outside names a person.

    Args:
        platform: A platform such as "tmall", or "unionid", "openid", "external_userid", "phone" (a blind index),
            "yz_open_id", or a name of the host's own that begins with "x_".
        value: The id there.
        scope: Where it is unique, such as an app or shop id; empty for the whole platform.
    """

    platform: str
    value: str
    scope: str = ""

    def __repr__(self) -> str:
        return f"Identity({self.platform!r}, {masked_repr(self.value)}, scope={self.scope!r})"


def identifies(value: str) -> bool:
    """Say whether a value can name one person; a masked one (`138****8000`, `t**3`) names thousands."""
    return _MASKS.isdisjoint(value)


def is_denied(buyer: BuyerRecord | None, now: int) -> bool:
    """Say whether an identity is on the deny list at an instant, in microseconds."""
    if buyer is None or not buyer.blocked_reason:
        return False
    return buyer.blocked_until is None or buyer.blocked_until > now


def namespace_of(name: str, platforms: Platforms) -> str:
    """
    Say under which name identities of a platform or of another kind are kept.

    Raises:
        InvalidInput: There is no such kind, or its values identify nobody.
    """
    if not isinstance(name, str):
        raise WrongType(f"a platform is named by text, not {shown(name)}")
    if name in platforms:
        return platforms.get(name).family
    if name in _OWN_NAMESPACES or _HOSTS_OWN.fullmatch(name):
        return name
    if name in _SYNONYMS:
        return _SYNONYMS[name]
    if name in _NO_IDENTITY:
        raise InvalidInput(f"{name} identifies nobody: it {_NO_IDENTITY[name]}")
    return platforms.get(name).family  # tells which there are


def identity_rank(namespace: str) -> int:
    """Say how far in front a kind of identity stands when several lead to different members; 0 is the strongest."""
    ranks = {"unionid": 0, "external_userid": 2, PHONE: 3}
    return ranks.get(namespace, 4 if namespace.startswith("x_") else 1)


def identity_key(program_id: str, identity: Identity, platforms: Platforms) -> Key:
    """
    Name the row of an identity.

    Args:
        program_id: The program.
        identity: As the host gives it.
        platforms: The platforms of the program.

    Raises:
        InvalidInput: It is masked, is no blind index where one is needed, or cannot be an id.
    """
    namespace = namespace_of(identity.platform, platforms)
    clean_text(identity.scope, "scope")
    if namespace == PHONE:
        if not isinstance(identity.value, str) or not _INDEX.fullmatch(identity.value):
            # What was given may be a phone, so it is not shown.
            raise InvalidInput("a phone is bound by its blind index, as PhoneIndex.phone gives it")
    elif not identifies(clean_id(identity.value, "buyer_id")):
        raise InvalidInput(f"a masked value identifies nobody: {shown(identity.value)}")
    return Key(BuyerRecord, (program_id, namespace, identity.scope, identity.value))
