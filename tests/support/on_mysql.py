"""
Run the tests of the MySQL storage on a MySQL of one's own choice, beside whatever server is installed.

    python tests/support/on_mysql.py                          # the mysqld in PATH
    python tests/support/on_mysql.py --mysqld /opt/mysql/bin/mysqld tests/storage
    python tests/support/on_mysql.py --root /srv/mysql-5.7    # a folder into which packages were unpacked

What follows is for pytest: paths, `-k`, `-x`; without a path, all tests that touch this storage run, except those with
Django on MySQL 5.7, to which Django does not talk. A folder for `--root` holds a Linux distribution's packages with the
libraries they need; the program is run by its own loader, so that this machine's libraries may be older or newer:

    debootstrap --variant=minbase --include=mysql-server-core sid /srv/mysql https://deb.debian.org/debian

or `dpkg-deb -x` for each package.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from servers import MYSQLD_VARIABLE, URL_VARIABLES

__all__ = ["OfMysql", "loader_script", "main"]

_TOP: Final = Path(__file__).resolve().parents[2]
# Where distributions keep libraries, Debian's and Red Hat's way.
_LIBRARIES: Final = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "usr/lib/mysql/private", "lib64", "usr/lib64")
_LOADERS: Final = ("ld-2.*.so", "ld-linux*.so.*")
# docs.djangoproject.com/en/5.2/ref/databases, read 2026-11: MySQL 8.0.11 or later.
_BEFORE_DJANGO: Final = re.compile(r"Ver 5\.")
_PROGRAMS: Final = ("usr/sbin/mysqld", "usr/libexec/mysqld", "bin/mysqld")


class OfMysql:
    """
    The pytest plugin that leaves out what does not touch the MySQL storage.

    Args:
        with_django: Whether Django talks to this version at all.
    """

    def __init__(self, *, with_django: bool) -> None:
        self._with_django = with_django

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep tests that say MySQL in their name, their parameters or the fixtures they take."""
        kept = [item for item in items if self._is_of_mysql(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept

    def _is_of_mysql(self, item: pytest.Item) -> bool:
        taken: Sequence[str] = getattr(item, "fixturenames", ())
        if not self._with_django and "django" in item.nodeid.lower():
            return False
        return "mysql" in item.nodeid.lower() or any(name.startswith("mysql") for name in taken)


def loader_script(root: Path) -> str:
    """
    Give a shell script that runs the `mysqld` of unpacked packages with the libraries beside it.

    Args:
        root: The folder that stands for `/`.

    Raises:
        FileNotFoundError: There is no `mysqld` in it, or no loader.
    """
    libraries = [root / place for place in _LIBRARIES if (root / place).is_dir()]
    program = next(filter(Path.is_file, (root / place for place in _PROGRAMS)), None)
    # A link may lead to `/lib`, which is this machine's.
    found = (loader for name in _LOADERS for place in libraries for loader in place.glob(name))
    loader = next((each for each in found if each.resolve().is_relative_to(root)), None)
    if program is None or loader is None:
        raise FileNotFoundError(f"{root}: no {'mysqld' if program is None else 'loader'} in it")
    command = [str(loader), "--library-path", ":".join(map(str, libraries)), str(program)]
    shared = program.parents[1] / "share" / "mysql"
    places = [f"--basedir={program.parents[1]}", f"--lc-messages-dir={shared}"]
    places.append(f"--character-sets-dir={shared / 'charsets'}")
    return f'#!/bin/sh\nexec {shlex.join(command)} "$@" {shlex.join(places)}\n'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests; give pytest's exit status."""
    parser = argparse.ArgumentParser(description="Run the tests of the MySQL storage on a MySQL of your choice.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--mysqld", default="mysqld", help="its program; the one in PATH when not given")
    which.add_argument("--root", type=Path, help="a folder into which its packages were unpacked")
    options, for_pytest = parser.parse_known_args(arguments)
    with _program(options.mysqld, options.root) as program:
        version = subprocess.run([program, "--no-defaults", "--version"], capture_output=True, text=True, check=True)
        sys.stdout.write(version.stdout)
        sys.stdout.flush()
        if "MariaDB" in version.stdout:
            parser.error("this is MariaDB, on which the tests run anyway")
        os.environ |= {MYSQLD_VARIABLE: program, "CROSSLOYALTY_REQUIRE_SERVERS": "1"}
        os.environ.pop(URL_VARIABLES["mysql"], None)
        os.chdir(_TOP)
        return int(pytest.main(for_pytest, plugins=[OfMysql(with_django=not _BEFORE_DJANGO.search(version.stdout))]))


@contextmanager
def _program(name: str, root: Path | None) -> Iterator[str]:
    if root is None:
        found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
        if found is None:
            sys.exit(f"{name}: not found; say --mysqld or --root")
        yield str(Path(found).resolve())
        return
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "mysqld")
        script.write_text(loader_script(root.resolve()), encoding="utf-8")
        script.chmod(0o755)
        Path(folder).chmod(0o755)  # another account runs it when we are root
        yield str(script)


if __name__ == "__main__":
    sys.exit(main())
