"""Passwords, URLs and whose row it is show nowhere: no error, cause, repr, log or pickle, at connecting or later."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
import pytest
from grants import runtime_user
from places import SERVER_KINDS, Place
from servers import Server, fresh_database
from stores import installed, session

from crossloyalty.application.driving import drive
from crossloyalty.application.ports import Insert
from crossloyalty.domain.records import AliasRecord
from crossloyalty.errors import ConfigError, Conflict, CrossloyaltyError
from crossloyalty.storage._sql.link import Call
from crossloyalty.storage.mysql import AsyncMysqlStorage, MysqlStorage
from crossloyalty.storage.postgresql import AsyncPostgresqlStorage, PostgresqlStorage

PASSWORD: Final = "canary-p4ssw0rd"
BUYER: Final = "canary-buyer-13800138000"
PIECES: Final = ("canary", "p4ssw0rd")


def leaks(text: str) -> list[str]:
    """Name the pieces of a secret that stand in a text."""
    return [piece for piece in PIECES if piece in text]


def all_about(error: BaseException) -> str:
    """Give what a log, a crash reporter or a task queue may keep of an error and of whatever led to it."""
    seen: BaseException | None = error
    texts = []
    while seen is not None:
        texts += [str(seen), repr(seen), repr(seen.args), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__  # also one that a traceback would leave out
    lines = "".join(traceback.format_exception(error)).splitlines()
    # A traceback quotes the lines of the test itself.
    texts += [line for line in lines if not line.startswith("    ")]
    return "\n".join([*texts, pickle.dumps(error).decode("latin-1")])


@pytest.fixture(scope="module", params=SERVER_KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Give a store of this module's own on each server."""
    with fresh_database(request.getfixturevalue(f"{request.param}_server")) as database:
        yield installed(database)


@pytest.fixture
def user(store: Server) -> Iterator[Server]:
    """Give the same as somebody without rights, whose password is the canary."""
    with runtime_user(store) as made:
        with session(store) as run:
            if store.kind == "postgresql":
                run(f"ALTER ROLE {made.user} PASSWORD '{PASSWORD}'")
            else:
                for host in ("%", "localhost"):
                    run(f"ALTER USER '{made.user}'@'{host}' IDENTIFIED BY '{PASSWORD}'")
        yield attrs.evolve(made, password=PASSWORD)


POSTGRESQL_TEXTS: Final = [
    f"postgres//user:{PASSWORD}@host/database",
    f"postgresql://user:{PASSWORD}/x@host/database",
    f"postgresql://user:{PASSWORD}%@127.0.0.1:1/database",
    f"postgresql://user:%zz{PASSWORD}@127.0.0.1:1/database",
    f"host=127.0.0.1 port=1 password=x {PASSWORD}",
    f"host=127.0.0.1 port=1 password='x {PASSWORD}",
    f"host=127.0.0.1 port=1 {PASSWORD}=x",
    f"host=127.0.0.1 port={PASSWORD}",
]
MYSQL_TEXTS: Final = [
    f"mysql//user:{PASSWORD}@host/database",
    f"{PASSWORD}://user@host/database",
    f"mysql://user:{PASSWORD}/x@host/database",
    f"mysql://user:{PASSWORD}#x@host/database",
    f"mysql://user:{PASSWORD}?x@host/database",
    f"mysql://user:x@host:{PASSWORD}/database",
    f"mysql://[user:{PASSWORD}@host/database",
    f"mysql://user@host/database?{PASSWORD}=x",
]


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (PostgresqlStorage, POSTGRESQL_TEXTS),
        (AsyncPostgresqlStorage, POSTGRESQL_TEXTS),
        (MysqlStorage, MYSQL_TEXTS),
        (AsyncMysqlStorage, MYSQL_TEXTS),
    ],
)
def test_an_unreadable_address_is_not_repeated(kind: Any, texts: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """A URL or connection string that is none, most often for its password's sake, is refused without a piece of it."""
    caplog.set_level(logging.DEBUG)
    for text in texts:
        with pytest.raises(ConfigError) as caught:
            kind(text)
        assert leaks(all_about(caught.value)) == [], text
    assert leaks(caplog.text) == []


def both(place: Place, **settings: Any) -> Iterator[Any]:
    """Give the plain and the asynchronous storage, closed in the end."""
    for storage in (place.open(**settings), place.open_async(**settings)):
        yield storage
        storage.close()


def sent(storage: Any, *statements: str) -> CrossloyaltyError:
    """Give what statements raise in a transaction of either."""
    calls = [Call(sql) for sql in statements]

    async def run() -> None:
        async with storage, storage.transaction() as tx:
            await tx._ground.send(calls)

    def run_plainly() -> None:
        with storage.transaction() as tx:
            drive(tx._tx._ground.send(calls))

    with pytest.raises(CrossloyaltyError) as caught:
        asyncio.run(run(), debug=True) if hasattr(storage, "__aenter__") else run_plainly()
    return caught.value


def elsewhere(user: Server) -> Server:
    return attrs.evolve(user, host="127.0.0.1", port=1)


def nowhere(user: Server) -> Server:
    return attrs.evolve(user, host="nowhere.invalid", port=1)


def nobody(user: Server) -> Server:
    return attrs.evolve(user, user="nobody-here")


def no_database(user: Server) -> Server:
    return attrs.evolve(user, database="no_such_database")


def itself(user: Server) -> Server:
    return user


LATER: Final[dict[str, list[str]]] = {
    "postgresql": ["SELECT * FROM nowhere", "SELECT 1 / 0", "SELECT pg_terminate_backend(pg_backend_pid())"],
    "mysql": [
        "SELECT * FROM nowhere",
        "SELECT 9223372036854775807 + count(*) FROM crossloyalty_schema_version",
        "KILL CONNECTION_ID()",
    ],
}


@pytest.mark.parametrize("at", [elsewhere, nowhere, nobody, no_database, itself])
def test_a_password_is_shown_by_no_failure(
    user: Server, at: Callable[[Server], Server], caplog: pytest.LogCaptureFixture
) -> None:
    """Who cannot connect, and who could and then fails, hears and logs everything but the password."""
    caplog.set_level(logging.DEBUG)
    for statement in LATER[user.kind] if at is itself else ["SELECT 1"]:
        for storage in both(Place(at(user)), connect_timeout_s=1):
            error = sent(storage, statement)
            assert leaks(all_about(error)) == []
    assert leaks(caplog.text) == []


def test_a_password_is_shown_by_no_object(user: Server) -> None:
    """Storages and their parts print without it, and do not pickle."""
    for storage in both(Place(user)):
        parts = [storage, storage._pool, storage._server, storage._server._settings, storage.transaction()]
        for part in parts:
            assert leaks(repr(part) + str(part) + repr(getattr(part, "__dict__", ""))) == []
        with pytest.raises((TypeError, AttributeError)):  # as Python says what cannot be pickled
            pickle.dumps(storage)


def test_a_missing_table_or_setting_shows_no_password(user: Server, store: Server) -> None:
    """A store without its version table is refused by name, without the address."""
    with session(store) as run:
        run("ALTER TABLE crossloyalty_schema_version RENAME TO host_hidden")
        try:
            for storage in both(Place(user)):
                error = sent(storage, "SELECT 1")
                assert type(error) is ConfigError
                assert leaks(all_about(error)) == []
        finally:
            run("ALTER TABLE host_hidden RENAME TO crossloyalty_schema_version")


def test_a_doubled_key_is_told_without_the_row(store: Server) -> None:
    """A key that exists already names the index and not whose row it is; the driver's own words stay behind it."""
    row = AliasRecord("p", "taobao", BUYER, "m1")
    with Place(store).open() as storage:

        def insert() -> None:
            with storage.transaction() as tx:
                tx.lock([])
                tx.write([Insert(row)], roots={})

        insert()
        with pytest.raises(Conflict) as caught:
            insert()
    assert leaks(str(caught.value) + repr(caught.value) + repr(pickle.loads(pickle.dumps(caught.value)))) == []
    assert type(caught.value.__cause__).__module__.partition(".")[0] in ("psycopg", "pymysql")
