"""The Django version as a side to measure: a database with its tables and orders, claims, what members have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import django
from _balances import Balances, balances
from _handwritten import Request
from _orm_rules import order_fields
from _workload import Clock
from django.conf import settings
from django.db import connections
from servers import Server

from crossloyalty import Order


class DjangoSide:
    """
    Claims by Django; every thread has a connection of its own, which it keeps.

    Args:
        alias: The name of the database in Django's settings.
    """

    def __init__(self, alias: str) -> None:
        from _django_orm.claims import claim_order

        self.clock = Clock()
        self._alias = alias
        self._claim = partial(claim_order, using=alias)

    def claim(self, request: Request) -> None:
        self._claim(request, self.clock.moment)

    def disconnect(self) -> None:
        """Close the calling thread's connection."""
        connections[self._alias].close()

    def balances(self) -> dict[str, Balances]:
        from _django_orm.models import Account, Claim, Member, SpendDay, Tag

        using, who = self._alias, "member__member_id"
        spend = SpendDay.objects.using(using).values_list(who, "day", "spend_fen")
        return balances(
            members=Member.objects.using(using).values_list("member_id", "tier"),
            accounts=Account.objects.using(using).values_list(who, "asset", "account", "balance", "seq"),
            spend=[(member_id, day.isoformat(), fen) for member_id, day, fen in spend],
            tags=Tag.objects.using(using).values_list(who, "tag", "claims", "net_fen"),
            claims=Claim.objects.using(using).values_list(who, "net_fen"),
        )


@contextmanager
def django_side(store: Server | Path, orders: Sequence[Order]) -> Iterator[DjangoSide]:
    """Create Django's tables in an empty database, load the orders, and give the side."""
    alias = _configure(store)
    from _django_orm import models

    connection = connections[alias]
    with connection.schema_editor() as editor:
        for model in (
            models.Member,
            models.Order,
            models.Claim,
            models.Account,
            models.Entry,
            models.Lot,
            models.SpendDay,
            models.Tag,
            models.MemberGift,
            models.Delivery,
            models.Event,
        ):
            editor.create_model(model)
    models.Order.objects.using(alias).bulk_create([models.Order(**order_fields(order)) for order in orders], 500)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    try:
        yield DjangoSide(alias)
    finally:
        connection.close()
        del connections[alias]
        del connections.settings[alias]


def _configure(store: Server | Path) -> str:
    """Name the database in Django's settings; the settings themselves are made once a process."""
    if not settings.configured:
        settings.configure(DATABASES={}, INSTALLED_APPS=["_django_orm"], TIME_ZONE="Asia/Shanghai", USE_TZ=True)
        django.setup()
    if isinstance(store, Server):
        alias = store.database
        about: dict[str, Any] = {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": store.host,
            "PORT": str(store.port),
            "USER": store.user,
            "PASSWORD": store.password,
            "NAME": store.database,
        }
    else:
        alias = store.stem
        # As durable as the package's connection, and with the settings Django's own pages advise for production.
        options = {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"}
        about = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(store), "OPTIONS": options}
    connections.settings[alias] = connections.configure_settings(
        {"default": {"ENGINE": "django.db.backends.dummy"}, alias: {**about, "CONN_MAX_AGE": None}}
    )[alias]
    return alias
