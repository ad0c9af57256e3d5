"""Who may ask: loopback and its own pages without a key, everybody else with a key or token that `mlops.yaml` lets in."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping

from jupyter_mlops.errors import BadInput, Refused
from jupyter_mlops.project import Project
from jupyter_mlops.serving.callers import Caller, NoKey
from jupyter_mlops.serving.tokens import Tokens

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
_MOST_CALLERS = 10_000


class Foreign(Refused):
    code = "foreign-origin"


class TooMany(BadInput):
    code = "too-many-requests"
    http_status = 429


def new_key() -> tuple[str, str]:
    """A key, and the hash to declare in `mlops.yaml`. The key itself is kept nowhere."""
    key = f"mlops_{secrets.token_urlsafe(32)}"
    return key, hashlib.sha256(key.encode()).hexdigest()


class Access:
    """`hosts` are the names by which a browser may reach this server when nobody needs a key."""

    def __init__(self, project: Project, hosts: frozenset[str] = frozenset()) -> None:
        self._hosts = LOOPBACK | hosts
        auth = project.file.auth
        self._keys = {key.sha256: Caller(key.name, tuple(key.models), tuple(key.may)) for key in auth.keys}
        self._tokens = Tokens(project, auth.jwt) if auth.jwt else None
        rate = project.file.serving.limits.rate
        count, _, unit = rate.partition(" per ") if rate else ("0", "", "second")
        self._burst = float(count)
        self._per_second = self._burst / _SECONDS[unit]
        self._left: dict[str, tuple[float, float]] = {}

    @property
    def open(self) -> bool:
        """Whether anybody who reaches the server may ask it."""
        return not self._keys and self._tokens is None

    def same_origin(self, headers: Mapping[str, str]) -> None:
        """A page of somebody else's must not reach a loopback endpoint through the browser, by name or by origin."""
        asked = headers.get("host", "")
        host = asked.rpartition(":")[0] if not asked.endswith("]") and ":" in asked else asked
        origin = headers.get("origin")
        if (self.open and host not in self._hosts) or (origin is not None and origin.partition("://")[2] != asked):
            raise Foreign("this host or origin is not allowed here", "name the address with --host")

    def caller(self, headers: Mapping[str, str], address: str) -> Caller | None:
        """Who asks; None where that does not matter. NoKey, or TooMany for one who asks too often."""
        found = None if self.open else self._known(headers)
        self._counted(f"{found.what} {found.name}" if found else address)
        return found

    def _known(self, headers: Mapping[str, str]) -> Caller:
        kind, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip() if kind.lower() == "bearer" else headers.get("x-api-key", "")
        if self._tokens is not None and given.count(".") == 2:  # a key has no points, a token has two
            return self._tokens.caller(given)
        known = self._keys.get(hashlib.sha256(given.encode()).hexdigest()) if given else None
        if known is None:
            what = "API key" if self._keys else "token"
            raise NoKey(
                f"this {what} is not known here" if given else f"this needs a{'n' * (what == 'API key')} {what}",
                "send it as `Authorization: Bearer …`",
            )
        return known

    def _counted(self, caller: str) -> None:
        """A bucket for each caller, refilled at the rate: a burst of one period's number, then as it refills."""
        if not self._burst:
            return
        now = time.monotonic()
        if len(self._left) > _MOST_CALLERS:
            self._left.clear()
        left, since = self._left.get(caller, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        if left < 1:
            wait = (1 - left) / self._per_second
            self._left[caller] = (left, now)
            raise TooMany("more requests than the limit allows", f"ask again in {wait:.1f} s", retry_after=wait)
        self._left[caller] = (left - 1, now)
