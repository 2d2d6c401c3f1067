"""Version 1 of the schema, the first."""

from __future__ import annotations

from django.db import migrations

from crossloyalty.integrations.django.operations import SchemaVersion


class Migration(migrations.Migration):  # type: ignore[misc]  # Django brings no types
    """Installs the newest schema where none is."""

    initial = True
    operations = (SchemaVersion(1),)
