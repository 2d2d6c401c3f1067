"""The helper that runs the tests on a MySQL of one's choice: it starts that one and picks the tests that touch it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from on_mysql import OfMysql, loader_script
from private_server import private_server
from servers import MYSQLD_VARIABLE, MissingServerError


def unpacked(root: Path) -> Path:
    """Lay out what packages of Debian bring, with the link to a loader that leads out of the folder."""
    for name in ("usr/sbin/mysqld", "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "lib64").mkdir()
    (root / "lib64/ld-linux-x86-64.so.2").symlink_to("/bin/sh")
    return root


def test_unpacked_packages_run_by_their_own_loader(tmp_path: Path) -> None:
    """Neither the loader nor a library of this machine is used, and options given come before our own."""
    root = unpacked(tmp_path)
    *_, command = loader_script(root).splitlines()
    words = command.split()
    assert words[:2] == ["exec", str(root / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")]
    assert words[2:4] == ["--library-path", f"{root}/lib/x86_64-linux-gnu:{root}/lib64"]
    assert words[4:6] == [f"{root}/usr/sbin/mysqld", '"$@"']


@pytest.mark.parametrize(
    ("missing", "named"), [("usr/sbin/mysqld", "mysqld"), ("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "loader")]
)
def test_a_folder_without_a_server_is_refused(tmp_path: Path, missing: str, named: str) -> None:
    """What is missing is named; another machine's loader does not stand in for it."""
    (unpacked(tmp_path) / missing).unlink()
    with pytest.raises(FileNotFoundError, match=f"no {named}"):
        loader_script(tmp_path)


@pytest.mark.parametrize(
    ("nodeid", "taken", "with_django", "kept"),
    [
        ("tests/storage/test_parity.py::test_all[mysql]", (), True, True),
        ("tests/storage/test_error_mapping.py::test_numbers", ("mysql_database",), True, True),
        ("tests/storage/test_parity.py::test_all[sqlite]", ("tmp_path",), True, False),
        ("tests/storage/test_joined.py::test_all[mysql-django]", (), True, True),
        ("tests/storage/test_joined.py::test_all[mysql-django]", (), False, False),
    ],
)
def test_what_touches_the_storage_is_run(nodeid: str, taken: Any, with_django: bool, kept: bool) -> None:
    """A test is known by its name, its parameters and its fixtures; Django's go where Django does not talk to it."""
    item: Any = SimpleNamespace(nodeid=nodeid, fixturenames=taken)
    items: list[Any] = [item]
    told: dict[str, list[Any]] = {}
    config: Any = SimpleNamespace(hook=SimpleNamespace(pytest_deselected=told.update))
    OfMysql(with_django=with_django).pytest_collection_modifyitems(config, items)
    assert (items, told["items"]) == (([item], []) if kept else ([], [item]))


def test_the_named_program_is_started_and_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A private server is of the program that was asked for, also where MariaDB is installed."""
    monkeypatch.setenv(MYSQLD_VARIABLE, str(tmp_path / "mysqld"))
    with pytest.raises(MissingServerError, match=str(tmp_path)), private_server("mysql"):
        raise AssertionError("started")
