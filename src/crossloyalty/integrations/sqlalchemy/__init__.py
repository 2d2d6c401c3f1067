"""For hosts on SQLAlchemy: the schema inside Alembic revisions."""
