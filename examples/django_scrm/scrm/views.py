"""The host's HTTP face; authentication is left out."""

from __future__ import annotations

import json
from datetime import date

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from crossloyalty import Proof
from scrm.services import claim_order


@require_POST
def claim(request: HttpRequest, member_id: str) -> JsonResponse:
    """Claim an order for a member: {"order_no": "…", "paid_fen": 9900, "paid_on": "2026-11-01"}."""
    asked = json.loads(request.body)
    proof = Proof.none()
    if "paid_fen" in asked:
        proof = Proof.amount_and_day(paid_fen=asked["paid_fen"], paid_on=date.fromisoformat(asked["paid_on"]))
    result = claim_order(member_id, asked["order_no"], proof)
    return JsonResponse({"created": result.created, "points": result.points, "text": result.explain("zh")})
