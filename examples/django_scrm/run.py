# extras: django
"""
A Django project that claims orders inside its own transactions, run from migrations to a closing check.

    python examples/django_scrm/run.py

Without more it uses an SQLite file in a temporary folder. To see the same on a server, name an empty database:

    DATABASE_URL=postgresql://user:password@localhost/shop python examples/django_scrm/run.py
    DATABASE_URL=mysql://user:password@localhost/shop python examples/django_scrm/run.py
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"


def main() -> None:
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("exercise")
    connections.close_all()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder}/shop.db")
        main()
