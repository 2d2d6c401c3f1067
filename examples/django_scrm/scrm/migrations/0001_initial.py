"""The host's own tables."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    operations = (
        migrations.CreateModel(
            name="MemberProfile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("member_id", models.CharField(max_length=64, unique=True)),
                ("nickname", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="ClaimLog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("order_no", models.CharField(max_length=64)),
                ("answer", models.CharField(max_length=200)),
                ("member", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="scrm.memberprofile")),
            ],
        ),
    )
