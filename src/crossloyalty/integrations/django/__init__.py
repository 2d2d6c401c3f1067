"""For `INSTALLED_APPS`: the schema as migrations."""
