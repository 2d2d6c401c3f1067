"""The host's own tables."""

from __future__ import annotations

from django.db import models


class MemberProfile(models.Model):
    member_id = models.CharField(max_length=64, unique=True)
    nickname = models.CharField(max_length=64)


class ClaimLog(models.Model):
    """Who asked for what in which words; kept whatever the answer was."""

    member = models.ForeignKey(MemberProfile, on_delete=models.CASCADE)
    order_no = models.CharField(max_length=64)
    answer = models.CharField(max_length=200)
