"""The embedded default keeps the contract, and refuses what it cannot trust."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from crossloyalty.application.ports import Insert, Replace, Scan
from crossloyalty.domain.records import (
    RECORD_KINDS,
    Key,
    LimitRecord,
    MemberRecord,
    RequestRecord,
    SpendDayRecord,
    key_of,
)
from crossloyalty.errors import ConfigError, Conflict, InvalidInput, StorageBusy, StorageCorrupt, StorageFull
from crossloyalty.storage._shape import SHAPES
from crossloyalty.storage._sql.ddl import SCHEMA_VERSION
from crossloyalty.storage._sql.sqlite_errors import translated
from crossloyalty.storage._sql.sqlite_open import require_version
from crossloyalty.storage._sql.sqlite_transaction import STATEMENTS
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing import StorageContract, dump

MEMBER = Key(MemberRecord, ("p", "m"))
DAY = SpendDayRecord("p", "m", "2026-11-01", 1)


class TestSqliteStorage(StorageContract):
    """Every promise of the contract, on a file."""

    def make_storage(self, tmp_path: Path) -> SqliteStorage:
        return SqliteStorage(tmp_path / "loyalty.db")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "loyalty.db"


def insert(storage: SqliteStorage, *records: SpendDayRecord | RequestRecord) -> None:
    with storage.transaction() as tx:
        tx.write([Insert(record) for record in records], roots=tx.lock([MEMBER]))


def raw(path: Path, *statements: str) -> None:
    """Do to a file what this library never does."""
    handle = sqlite3.connect(path, isolation_level=None)
    for sql in statements:
        handle.execute(sql)
    handle.close()


def in_thread(call: Callable[[], None]) -> list[BaseException]:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - looked at by the caller
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised


# Opening


@pytest.mark.parametrize("text", [":memory:", ""])
def test_a_store_without_a_file_is_refused_and_memory_storage_named(text: str) -> None:
    """Each thread would get an empty store of its own, so the right class is named instead."""
    with pytest.raises(ConfigError, match="MemoryStorage"):
        SqliteStorage(text)


def test_an_old_sqlite_is_refused_by_its_version() -> None:
    """SQLite before 3.37 has no STRICT tables, and the message names the version found."""
    with pytest.raises(ConfigError, match=r"3\.36\.0"):
        require_version((3, 36, 0))
    require_version((3, 37, 0))


@pytest.mark.parametrize("keywords", [{"synchronous": "OFF"}, {"busy_timeout_ms": -1}, {"busy_timeout_ms": 1.5}])
def test_settings_that_lose_commits_or_time_are_refused(path: Path, keywords: dict[str, object]) -> None:
    """A setting outside the documented ones is a ConfigError and creates no file."""
    with pytest.raises(ConfigError):
        SqliteStorage(path, **keywords)  # type: ignore[arg-type]
    assert not path.exists()


@pytest.mark.parametrize(("synchronous", "number"), [("FULL", 2), ("NORMAL", 1)])
def test_every_connection_runs_with_the_asserted_settings(path: Path, synchronous: str, number: int) -> None:
    """WAL, the asked synchronous and foreign keys hold in each thread's connection."""
    storage = SqliteStorage(path, synchronous=synchronous)  # type: ignore[arg-type]

    def look() -> None:
        handle = storage.connection().handle
        names = ("journal_mode", "synchronous", "foreign_keys")
        assert [handle.execute(f"PRAGMA {name}").fetchone()[0] for name in names] == ["wal", number, 1]

    look()
    assert in_thread(look) == []


def test_the_default_survives_a_power_loss(path: Path) -> None:
    """Without an argument `synchronous` is FULL."""
    assert SqliteStorage(path).connection().handle.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_file_of_another_encoding_is_refused(path: Path) -> None:
    """UTF-16 would order keys differently."""
    raw(path, "PRAGMA encoding='UTF-16le'", "CREATE TABLE theirs (x)")
    with pytest.raises(ConfigError, match="encoding"):
        SqliteStorage(path)


def test_a_directory_that_is_not_there_is_a_config_error(tmp_path: Path) -> None:
    """The driver's error is kept as the cause."""
    with pytest.raises(ConfigError) as caught:
        SqliteStorage(tmp_path / "nowhere" / "loyalty.db")
    assert isinstance(caught.value.__cause__, sqlite3.Error)


def test_a_file_that_is_no_database_is_corrupt(path: Path) -> None:
    """Somebody has to look at it; it is left as it is."""
    path.write_bytes(b"not a database at all " * 100)
    with pytest.raises(StorageCorrupt):
        SqliteStorage(path)
    assert path.read_bytes().startswith(b"not a database")


# Schema


@pytest.mark.parametrize(
    "change",
    [
        f"UPDATE crossloyalty_schema_version SET version = {SCHEMA_VERSION + 1}",
        "UPDATE crossloyalty_schema_version SET version = 0",
        "UPDATE crossloyalty_schema_version SET checksum = 'other'",
        "DELETE FROM crossloyalty_schema_version",
        "DROP TABLE crossloyalty_schema_version",
        "DROP TABLE crossloyalty_claims",
        "DROP INDEX crossloyalty_lots_by_due",
        "ALTER TABLE crossloyalty_claims ADD COLUMN extra TEXT",
        "ALTER TABLE crossloyalty_schema_version RENAME COLUMN checksum TO digest",
    ],
)
def test_a_newer_half_applied_or_changed_schema_is_refused(path: Path, change: str) -> None:
    """Whatever differs from what this library creates is a ConfigError, and nothing is created on top of it."""
    SqliteStorage(path).close()
    raw(path, change)
    before = _schema_of(path)
    with pytest.raises(ConfigError):
        SqliteStorage(path)
    assert _schema_of(path) == before


def test_tables_of_others_in_the_file_are_left_alone(path: Path) -> None:
    """A host may keep its own tables in the same file."""
    raw(path, "CREATE TABLE theirs (x)", "INSERT INTO theirs VALUES (5)")
    insert(SqliteStorage(path), DAY)
    with closing(sqlite3.connect(path)) as handle:
        assert handle.execute("SELECT x FROM theirs").fetchall() == [(5,)]


def test_a_failed_creation_leaves_no_half_schema(path: Path) -> None:
    """Where a host's table has one of our names nothing of ours is created."""
    raw(path, "CREATE TABLE crossloyalty_orders (id)")
    with pytest.raises(ConfigError, match="schema_version"):
        SqliteStorage(path)
    assert list(_schema_of(path)) == ["crossloyalty_orders"]


def test_first_openers_at_once_all_get_the_schema(path: Path) -> None:
    """Processes that open a new file at the same moment wait for the one that creates the tables."""
    program = (
        "import sys; from crossloyalty.storage.sqlite import SqliteStorage;"
        "from crossloyalty.testing import dump; sys.stdin.readline(); dump(SqliteStorage(sys.argv[1]))"
    )
    openers = [
        subprocess.Popen([sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("go\n")
        opener.stdin.flush()
    for opener in openers:
        opener.communicate()
    assert [opener.returncode for opener in openers] == [0, 0, 0]


def test_every_table_is_strict(path: Path) -> None:
    """Text in an integer column is refused by the database itself, below our own checks."""
    SqliteStorage(path).close()
    with closing(sqlite3.connect(path)) as handle:
        listed = handle.execute("PRAGMA table_list").fetchall()
        with pytest.raises(sqlite3.IntegrityError) as caught:
            handle.execute("INSERT INTO crossloyalty_spend_days VALUES ('p', 'm', 'd', 'abc')")
    strict = {name for _schema, name, _type, _columns, _rowid, strict in listed if strict}
    assert strict == {f"crossloyalty_{about.table}" for about in RECORD_KINDS.values()} | {
        "crossloyalty_schema_version"
    }
    assert isinstance(translated(caught.value), InvalidInput)


# Life of a storage


def test_reopened_it_gives_back_what_was_committed(path: Path) -> None:
    """A clean close and a second object lose nothing."""
    with SqliteStorage(path) as storage:
        insert(storage, DAY)
        before = dump(storage)
    assert dump(SqliteStorage(path)) == before


def test_a_killed_process_loses_no_acknowledged_commit(path: Path) -> None:
    """What was committed before SIGKILL is there, what was open is not."""
    storage = SqliteStorage(path)
    pid = os.fork()
    if pid == 0:
        insert(storage, DAY)
        with storage.transaction() as tx:
            tx.write([Insert(DAY._replace(day="2026-11-02"))], roots=tx.lock([MEMBER]))
            os.kill(os.getpid(), 9)
    assert os.waitpid(pid, 0)[1] == 9
    assert dump(storage)["spend_days"] == [DAY]


def test_a_closed_storage_refuses_work(path: Path) -> None:
    """Closing twice is fine; a transaction after it is a ConfigError."""
    storage = SqliteStorage(path)
    storage.close()
    storage.close()
    with pytest.raises(ConfigError), storage.transaction():
        raise AssertionError("a closed storage opened a transaction")


def test_closing_lets_the_open_transaction_finish(path: Path) -> None:
    """The connection of a transaction that is open closes when that ends, and its commit holds."""
    storage = SqliteStorage(path)
    with storage.transaction() as tx:
        tx.write([Insert(DAY)], roots=tx.lock([MEMBER]))
        storage.close()
    assert not os.path.exists(f"{path}-wal"), "the last connection is closed"
    assert dump(SqliteStorage(path))["spend_days"] == [DAY]


def test_a_transaction_belongs_to_its_thread(path: Path) -> None:
    """Another thread's use of it is a ConfigError, and the owner goes on."""
    storage = SqliteStorage(path)
    with storage.transaction() as tx:
        versions = tx.lock([MEMBER])
        raised = in_thread(lambda: tx.write([Insert(DAY)], roots=versions))
        assert [type(error) for error in raised] == [ConfigError]
        tx.write([Insert(DAY)], roots=versions)
    assert dump(storage)["spend_days"] == [DAY]


def test_an_ended_thread_leaves_no_connection(path: Path) -> None:
    """Its handle is closed with it, so a pool that makes threads does not collect open files."""
    storage = SqliteStorage(path)
    for _ in range(5):
        assert in_thread(lambda: insert(storage)) == []
    assert len(storage._connections) == 1


# Faults


def test_a_child_gets_its_own_connection_and_leaves_the_parents_alone(path: Path) -> None:
    """After fork the child opens afresh and cannot touch a transaction that is open in the parent."""
    storage = SqliteStorage(path)
    insert(storage, DAY)
    with storage.transaction() as tx:
        tx.write([Insert(DAY._replace(day="2026-11-02"))], roots=tx.lock([MEMBER]))
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                try:
                    tx.read([MEMBER])
                except ConfigError:
                    code = 0 if dump(storage)["spend_days"] == [DAY] else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(dump(storage)["spend_days"]) == 2


def test_a_child_that_leaves_the_parents_block_commits_nothing(path: Path) -> None:
    """Leaving a transaction that was opened before the fork is a ConfigError in the child; the parent commits."""
    storage = SqliteStorage(path)
    child = False
    try:
        with storage.transaction() as tx:
            tx.write([Insert(DAY)], roots=tx.lock([MEMBER]))
            pid = os.fork()
            child = pid == 0
            if not child:
                assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    except ConfigError:
        os._exit(0 if child else 1)
    finally:
        if child:
            os._exit(3)
    assert dump(storage)["spend_days"] == [DAY]


def test_another_process_that_writes_makes_us_wait_and_then_busy(path: Path) -> None:
    """A writer that outlasts the busy time-out is a StorageBusy with the driver's error as its cause."""
    storage = SqliteStorage(path, busy_timeout_ms=20)
    program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
    program += "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.readline()"
    arguments = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StorageBusy) as caught:
            insert(storage, DAY)
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
        assert dump(storage)["spend_days"] == [], "readers do not wait"
        holder.stdin.write("\n")
    insert(storage, DAY)
    assert dump(storage)["spend_days"] == [DAY]


def test_a_full_disk_is_storage_full_and_the_store_goes_on(path: Path) -> None:
    """What does not fit is rolled back whole; after space is made the next write is fine."""
    storage = SqliteStorage(path)
    insert(storage, DAY)
    before = dump(storage)
    handle = storage.connection().handle
    pages = handle.execute("PRAGMA page_count").fetchone()[0]
    handle.execute(f"PRAGMA max_page_count = {pages + 2}")
    big = RequestRecord("p", "big", "", "x" * 100_000, 1)
    with pytest.raises(StorageFull) as caught:
        insert(storage, DAY._replace(day="2026-11-02"), big)
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert dump(storage) == before
    handle.execute("PRAGMA max_page_count = 1000000")
    insert(storage, big)
    assert dump(storage)["requests"] == [big]


def test_a_file_size_limit_is_storage_full_too(path: Path) -> None:
    """A quota answers with an I/O error of its own, also when it is met at COMMIT."""
    program = """
import resource, signal, sys
from crossloyalty.application.ports import Insert
from crossloyalty.domain.records import RequestRecord
from crossloyalty.errors import StorageFull
from crossloyalty.storage.sqlite import SqliteStorage
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
storage = SqliteStorage(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
acknowledged = 0
try:
    for number in range(1_000):
        with storage.transaction() as tx:
            tx.lock([])
            tx.write([Insert(RequestRecord("p", f"{number:04}", "", "x" * 9_000, 1))], roots={})
        acknowledged += 1
except StorageFull:
    print(acknowledged)
"""
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 1_000
    assert len(dump(SqliteStorage(path))["requests"]) == int(done.stdout)


def test_a_damaged_page_is_corrupt_and_not_an_answer(path: Path) -> None:
    """A read that meets nonsense raises StorageCorrupt."""
    with SqliteStorage(path) as storage:
        insert(storage, *(RequestRecord("p", f"{number:03}", "", "x" * 500, 1) for number in range(100)))
    content = bytearray(path.read_bytes())
    content[8_192:] = b"\xff" * (len(content) - 8_192)
    path.write_bytes(content)
    with pytest.raises(StorageCorrupt):
        dump(SqliteStorage(path))


def test_a_failing_commit_is_rolled_back_and_reported(path: Path) -> None:
    """When COMMIT itself fails the caller sees the error, nothing is kept, and the storage works on."""
    storage = SqliteStorage(path)
    before = dump(storage)
    handle = storage.connection().handle
    handle.execute("CREATE TEMP TABLE parents (id INTEGER PRIMARY KEY)")
    handle.execute("CREATE TEMP TABLE children (id REFERENCES parents DEFERRABLE INITIALLY DEFERRED)")

    def commit() -> None:
        with storage.transaction() as tx:
            tx.write([Insert(DAY)], roots=tx.lock([MEMBER]))
            handle.execute("INSERT INTO children VALUES (5)")  # checked at COMMIT only

    with pytest.raises(InvalidInput):
        commit()
    assert dump(storage) == before
    insert(storage, DAY)
    assert dump(storage)["spend_days"] == [DAY]


def test_a_rollback_by_sqlite_itself_is_noticed(path: Path) -> None:
    """When the transaction is gone underneath, later writes do not commit one by one and the exit says so."""
    storage = SqliteStorage(path)

    def go_on() -> None:
        with storage.transaction() as tx:
            versions = tx.lock([MEMBER])
            storage.connection().handle.execute("ROLLBACK")
            tx.write([Insert(DAY)], roots=versions)

    with pytest.raises(ConfigError):
        go_on()
    assert dump(storage)["spend_days"] == []


def test_an_interrupt_between_begin_and_the_block_is_cleaned_up(path: Path) -> None:
    """A transaction that was begun and never handed out is rolled back by the next one."""
    storage = SqliteStorage(path)
    storage.connection().handle.execute("BEGIN IMMEDIATE")
    insert(storage, DAY)
    assert dump(storage)["spend_days"] == [DAY]


def test_a_duplicate_keeps_the_drivers_error(path: Path) -> None:
    """A Conflict from a unique key can be traced to what SQLite said."""
    storage = SqliteStorage(path)
    insert(storage, DAY)
    with pytest.raises(Conflict) as caught:
        insert(storage, DAY)
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StorageBusy),
        (sqlite3.SQLITE_LOCKED, StorageBusy),
        (sqlite3.SQLITE_IOERR_WRITE, StorageFull),
        (sqlite3.SQLITE_IOERR_LOCK, StorageBusy),
        (sqlite3.SQLITE_IOERR_READ, StorageCorrupt),
        (sqlite3.SQLITE_IOERR_FSYNC, StorageCorrupt),
        (sqlite3.SQLITE_CORRUPT_INDEX, StorageCorrupt),
        (sqlite3.SQLITE_READONLY, ConfigError),
        (sqlite3.SQLITE_CONSTRAINT_NOTNULL, InvalidInput),
        (sqlite3.SQLITE_TOOBIG, InvalidInput),
        (0, ConfigError),
    ],
)
def test_codes_are_sorted_by_what_the_caller_does_next(code: int, expected: type[Exception]) -> None:
    """An outage, a full disk, damage and a wrong call are told apart by number and not by text."""
    error = sqlite3.OperationalError("something")
    error.sqlite_errorcode = code
    assert type(translated(error)) is expected


def test_scans_use_their_index(path: Path) -> None:
    """Every index serves its ordered range scan without a sort and without reading the whole table."""
    storage = SqliteStorage(path)
    handle = storage.connection().handle
    for shape in SHAPES.values():
        for by, order in shape.orders.items():
            low: int | str = "" if shape.columns[shape.position(order[1])].is_text else 0
            after = ("p", *("" if shape.columns[shape.position(name)].is_text else 0 for name in order[1:]))
            sql, parameters = STATEMENTS.scan(Scan(shape.kind, ("p",), by, low=low, limit=5, after=after))
            steps = [row[3] for row in handle.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
            assert len(steps) == 1, (sql, steps)
            assert steps[0].startswith("SEARCH"), (sql, steps)
            assert by is None or f"{shape.table}_{by}" in steps[0], (sql, steps)


def test_a_root_whose_indexed_fields_changed_is_found_by_its_index(path: Path) -> None:
    """The shorter update is used only while the fields of indexes stay."""
    storage = SqliteStorage(path)
    due = Scan(MemberRecord, ("p",), by="by_due", low=0, high=100)
    for at in (5, 5, 9, None, 7):
        with storage.transaction() as tx:
            tx.write([Replace(MemberRecord("p", "m", next_due_at=at))], roots=tx.lock([MEMBER]))
        with storage.transaction(readonly=True) as tx:
            assert [record.next_due_at for record in tx.read(scans=[due]).rows[0]] == ([] if at is None else [at])  # type: ignore[union-attr]


def test_a_new_root_needs_no_write_to_exist_and_one_insert_to_be_written(path: Path) -> None:
    """A root that lock created is stored with the first write, already bumped."""
    storage = SqliteStorage(path)
    sent: list[str] = []
    storage.connection().handle.set_trace_callback(sent.append)
    limit = Key(LimitRecord, ("p", "budget"))
    with storage.transaction() as tx:
        tx.write([Insert(DAY), Replace(LimitRecord("p", "budget", used=3))], roots=tx.lock([limit]))
    assert [text.split()[0] for text in sent] == ["BEGIN", "SELECT", "INSERT", "INSERT", "COMMIT"]
    with storage.transaction(readonly=True) as tx:
        assert tx.read([limit, key_of(DAY)]).records[limit] == LimitRecord("p", "budget", version=1, used=3)


def test_many_keys_are_looked_up_at_once(path: Path) -> None:
    """Of 700 keys with two heads, every second one stored, those that are there come, in three calls."""
    days = [SpendDayRecord("p", member, f"d{n:04}", n) for member in ("m", "n") for n in range(600)]
    storage = SqliteStorage(path)
    insert(storage, *days[::2])
    keys = [*map(key_of, days[:600]), *map(key_of, days[600:698]), key_of(DAY), Key(MemberRecord, ("p", "m"))]
    sent: list[str] = []
    storage.connection().handle.set_trace_callback(sent.append)
    with storage.transaction(readonly=True) as tx:
        found = tx.read(keys).records
    assert found.pop(Key(MemberRecord, ("p", "m"))).version == 1
    assert found == {key_of(day): day for day in [*days[:600:2], *days[600:698:2]]}
    assert len([text for text in sent if "spend_days" in text]) == 3


def _schema_of(path: Path) -> dict[str, str]:
    handle = sqlite3.connect(path)
    try:
        return dict(handle.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"))
    finally:
        handle.close()
