"""Phones that members give: bound by their blind index, and kept under the host's own cipher where it brings one."""

from __future__ import annotations

from typing import Final

from crossloyalty.application.binding import BindResult, bind
from crossloyalty.application.ports import AsyncPhoneCipher
from crossloyalty.application.world import World
from crossloyalty.domain.identities import PHONE
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.phones import PhoneIndex, normal_phone
from crossloyalty.errors import ConfigError, WrongType

__all__ = ["bind_phone", "hidden", "open_phone", "require_index"]

_LONGEST: Final = 1_000


async def bind_phone(
    world: World, program_id: str, member_id: str, phone: str, *, evidence: str = "", via: str = "host"
) -> BindResult:
    """
    Bind a phone to a member, by its index and under the cipher of the door; it is stored nowhere as it is.

    Args:
        world: The ports, with a `PhoneIndex`; where there is a cipher it is called before any transaction is open.
        program_id: The program.
        member_id: Whose phone it is.
        phone: In any spelling.
        evidence, via: As for `bind`.

    Returns:
        The outcome, as of `bind`. Bound once more, a phone that is kept without a ciphertext gets one.

    Raises:
        InvalidInput: It is no phone, or a masked one; the message does not show it.
        ConfigError: The door was built without a `PhoneIndex`, or the cipher hides nothing.
    """
    clean_id(member_id, "member_id")
    index = require_index(world)
    normal = normal_phone(phone)
    ciphertext = "" if world.phone_cipher is None else await hidden(world.phone_cipher, program_id, normal)
    text = index.of(program_id, "phone", normal, index.current)
    return await bind(
        world, program_id, member_id, platform=PHONE, buyer_id=text, evidence=evidence, via=via, ciphertext=ciphertext
    )


def require_index(world: World) -> PhoneIndex:
    """
    Give what makes blind indexes.

    Raises:
        ConfigError: The door was built without it.
    """
    if world.phone_index is None:
        raise ConfigError("phones are kept by a PhoneIndex; build the door with checks=ProofChecks(phone_index=…)")
    return world.phone_index


async def hidden(cipher: AsyncPhoneCipher, program_id: str, phone: str) -> str:
    """
    Let a cipher hide a phone.

    Args:
        cipher: The host's.
        program_id: The program.
        phone: In its normal form.

    Raises:
        WrongType: It gave no text.
        ConfigError: It gave a text that cannot be stored, or in which the phone stands.
    """
    text = await cipher.encrypt(phone, program_id=program_id)
    # None of these show what was given: it is, or may be, the phone.
    if not isinstance(text, str):
        raise WrongType(f"a PhoneCipher encrypts into text, not {type(text).__name__}")
    if not (1 <= len(text) <= _LONGEST and text.isascii() and text.isprintable()):
        raise ConfigError(f"a PhoneCipher encrypts into 1 to {_LONGEST} printable ASCII characters")
    if phone in text:
        raise ConfigError("a PhoneCipher gave the phone back as it was")
    return text


async def open_phone(cipher: AsyncPhoneCipher, program_id: str, text: str) -> str:
    """
    Let a cipher show a phone again.

    Raises:
        WrongType: It gave no text.
    """
    phone = await cipher.decrypt(text, program_id=program_id)
    if not isinstance(phone, str):
        raise WrongType(f"a PhoneCipher decrypts into text, not {type(phone).__name__}")
    return phone
