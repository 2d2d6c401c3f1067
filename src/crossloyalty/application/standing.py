"""Who stands for a member: looked at in the same read as what is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from crossloyalty.application.ports import AsyncTransaction, Found
from crossloyalty.application.world import MemberMoved, World
from crossloyalty.domain.links import LINKS_ROW, NO_LINKS, Links
from crossloyalty.domain.records import Key, MemberGrantRecord

__all__ = ["ids_of", "links_key", "read_links", "standing_for"]


def links_key(program_id: str, member_id: str) -> Key:
    """Name the row that says whom a member was merged with."""
    return Key(MemberGrantRecord, (program_id, member_id, LINKS_ROW))


def _links_in(found: Found, key: Key) -> Links:
    row = cast("MemberGrantRecord | None", found.records.get(key))
    return NO_LINKS if row is None else Links.from_text(row.grant)


def standing_for(world: World, found: Found, program_id: str, home: str, asked: str) -> Links:
    """
    Check that a member stands for the one that was asked for.

    Args:
        world: Remembers who was merged into whom.
        found: A read with the `links_key` of *home* in it.
        program_id: The program.
        home: Who is thought to stand for *asked*.
        asked: The id a host named.

    Returns:
        The links of *home*.

    Raises:
        MemberMoved: Somebody else does; the read has to be made again.
    """
    links = _links_in(found, links_key(program_id, home))
    if links.into:
        world.moved(program_id, home, links.into)
        raise MemberMoved
    if home != asked and asked not in links.absorbed:
        world.moved(program_id, asked, "")
        raise MemberMoved
    return links


async def ids_of(world: World, tx: AsyncTransaction, program_id: str, asked: str) -> tuple[str, ...]:
    """
    Give who stands for a member, and behind it everybody it stands for.

    Raises:
        MemberMoved: It was thought to be somebody else; the read has to be made again.
    """
    home = world.home(program_id, asked)
    found = await tx.read([links_key(program_id, home)])
    return standing_for(world, found, program_id, home, asked).ids(home)


async def read_links(tx: AsyncTransaction, program_id: str, members: Sequence[str]) -> dict[str, Links]:
    """Read whom members were merged with, and whoever stands above them; one round trip a step upwards."""
    links: dict[str, Links] = {}
    wanted = list(dict.fromkeys(members))
    while wanted:
        keys = {each: links_key(program_id, each) for each in wanted}
        found = await tx.read(list(keys.values()))
        links |= {each: _links_in(found, key) for each, key in keys.items()}
        wanted = [each.into for each in links.values() if each.into and each.into not in links]
    return links
