"""A platform as small as can be, for the tests of what all platforms share."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from crossloyalty.adapters.wire.dialect import Dialect, Refreshing, SendingOptions
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.tokens import Tokens
from crossloyalty.adapters.wire.values import Action, Answer, Call, Fault
from crossloyalty.testing.doubles import Double, Reply, Request

LOOPBACK = SendingOptions(allow_loopback=True, try_s=2.0, deadline_s=10.0)


class SmallDouble(Double):
    """Answers what it was asked, with its own words for errors."""

    platform = "small"

    def answer(self, request: Request) -> Reply:
        if request.path == "/token":
            pair = self.renewed(request.query.get("refresh"))
            if pair is None:
                return Reply.of({"error": "reauthorise"})
            return Reply.of({"access": pair[0], "refresh": pair[1]})
        if request.path == "/say":
            return Reply.of({"error": request.query["error"], "message": "secret words"}, status=200)
        if request.path != "/open" and not self.token_is_good(request.query.get("access_token")):
            return self.expired()
        return Reply.of({"said": request.query.get("say", "")})

    def throttled(self, advised_s: float) -> Reply:
        return Reply.of({"error": "slow", "wait": str(advised_s)})

    def expired(self) -> Reply:
        return Reply.of({"error": "expired"})


ACTIONS = {
    "slow": Action.WAIT,
    "hiccup": Action.RETRY,
    "expired": Action.REFRESH,
    "reauthorise": Action.REAUTHORISE,
    "no": Action.REFUSE,
    "missing": Action.MISSING,
}


def fault_of(answer: Answer, call: Call) -> Fault | None:
    """Read an error of the small platform."""
    value: Any = load_json(answer.body, "small")
    code = value.get("error")
    if code is None:
        return None
    wait = value.get("wait")
    return Fault(
        action=ACTIONS[code],
        code=code,
        message=value.get("message", ""),
        request_id="r-1",
        retry_after_s=None if wait is None else float(wait),
    )


def dialect(url: str, *, lifetime_s: float | None = None, hosts: frozenset[str] = frozenset({"small.test"})) -> Dialect:
    """Give what the sender knows of the small platform at an address."""

    def build(now: datetime, refresh: Secret | None) -> Call:
        query = "" if refresh is None else f"?refresh={refresh.reveal()}"
        return Call(name="token", method="GET", url=f"{url}/token{query}")

    def read(answer: Answer, now: datetime) -> Tokens:
        value = json.loads(answer.body)
        ends = None if lifetime_s is None else now + timedelta(seconds=lifetime_s)
        return Tokens(access=Secret(value["access"]), refresh=Secret(value["refresh"]), expires_at=ends)

    return Dialect(
        platform="small", shop_id="s1", hosts=hosts, fault_of=fault_of, refreshing=Refreshing(build=build, read=read)
    )


def saying(url: str, what: str = "hi", *, path: str = "/x", safe: bool = True, method: str = "GET"):
    """Build calls that carry the token in the query."""

    def build(now: datetime, token: Secret | None = None) -> Call:
        access = "" if token is None else f"&access_token={token.reveal()}"
        made: Any = method
        return Call(name="say", method=made, url=f"{url}{path}?say={what}{access}", safe=safe)

    return build
