"""A Django project of a test's own: a program in a fresh interpreter, because Django is set up only once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["in_django"]

_PRELUDE = """
import json, sys, warnings
databases, routers, program = json.load(sys.stdin)
try:
    import MySQLdb
except ImportError:
    try:
        import pymysql
    except ImportError:
        pass
    else:
        pymysql.install_as_MySQLdb()
import django
from django.conf import settings
from django.core.management import call_command
settings.configure(
    DATABASES=databases,
    DATABASE_ROUTERS=routers,
    INSTALLED_APPS=["crossloyalty.integrations.django"],
    USE_TZ=True,
)
django.setup()
exec(compile(program, "program", "exec"))
"""


def in_django(program: str, databases: Mapping[str, Mapping[str, Any]], *, routers: str = "") -> str:
    """
    Run a program in a project that has our app.

    Args:
        program: Python; `call_command` is there.
        databases: Django's `DATABASES`.
        routers: Dotted path of one database router, if any.

    Returns:
        What it printed.

    Raises:
        AssertionError: It failed; the text is its traceback.
    """
    support = str(Path(__file__).parent)
    run = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", f"import sys; sys.path.insert(0, {support!r})\n{_PRELUDE}"],
        input=json.dumps([databases, [routers] if routers else [], program]),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout
