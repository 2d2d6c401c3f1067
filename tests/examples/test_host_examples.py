"""The examples for hosts run to their end on every kind of database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sql_databases import SqlDatabase, needs, sql_database

for package in ("aiomysql", "aiosqlite", "django", "fastapi", "psycopg", "pymysql", "sqlalchemy"):
    needs(package)

__all__ = ["sql_database"]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run_example(name: str, folder: Path, **environment: str) -> str:
    """Run an example in a process of its own and give what it printed."""
    run = subprocess.run(
        [sys.executable, "-X", "utf8", str(EXAMPLES / name / "run.py")],
        env={key: value for key, value in os.environ.items() if key != "DATABASE_URL"} | environment,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def url_of(database: SqlDatabase) -> str:
    """Say how the examples are told of a database."""
    return f"sqlite:///{database.where}" if isinstance(database.where, Path) else database.where.url()


LAST_LINES = {"django_scrm": "once for ever: checked on", "fastapi_scrm": "eight at once: one claim"}


@pytest.mark.parametrize("name", LAST_LINES)
def test_the_example_runs(name: str, sql_database: SqlDatabase, tmp_path: Path):
    """The example goes its whole road on this database and says so with four lines."""
    printed = run_example(name, tmp_path, DATABASE_URL=url_of(sql_database)).splitlines()
    assert len(printed) == 4
    assert LAST_LINES[name] in printed[-1]


@pytest.mark.parametrize("name", LAST_LINES)
def test_the_example_needs_no_settings(name: str, tmp_path: Path):
    """Without any setting the example runs on an SQLite file and leaves nothing where it was started."""
    assert LAST_LINES[name] in run_example(name, tmp_path)
    assert list(tmp_path.iterdir()) == []
