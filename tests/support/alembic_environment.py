"""An Alembic environment of a test's own, with a model of the host's and revisions taken from the documentation."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

from alembic.config import Config

__all__ = ["documented", "environment"]

_PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "install-the-schema.md"

_ENV = """
from alembic import context
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, pool

target_metadata = MetaData()
Table("of_the_host", target_metadata, Column("id", Integer, primary_key=True))

url = context.config.attributes["url"]
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        CONFIGURE
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()
"""
_BARE = "context.configure(connection=connection, target_metadata=target_metadata)"


def documented(name: str) -> str:
    """Give the Python block of the documentation that begins with the name of its file."""
    [block] = re.findall(rf"^```python\n# {re.escape(name)}\n(.*?)^```$", _PAGE.read_text("utf-8"), re.M | re.S)
    return block


def environment(folder: Path, url: str, *revisions: str, filtered: bool = True) -> Config:
    """
    Write an environment and give what `alembic.command` takes.

    Args:
        folder: An empty one.
        url: Of the database, for SQLAlchemy.
        revisions: Python texts.
        filtered: Whether `env.py` has the documented filter.

    Returns:
        Its `output_buffer` takes scripts of the offline mode.
    """
    configure = documented("env.py") if filtered else _BARE
    (folder / "env.py").write_text(_ENV.replace("CONFIGURE", configure.strip().replace("\n", "\n        ")), "utf-8")
    (folder / "script.py.mako").touch()
    (folder / "versions").mkdir()
    for number, text in enumerate(revisions):
        (folder / "versions" / f"r{number}.py").write_text(text, "utf-8")
    config = Config(output_buffer=StringIO(), stdout=StringIO())
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config
