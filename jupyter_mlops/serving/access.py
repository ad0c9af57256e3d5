"""Who may ask: loopback and its own pages without a key, everybody else with one that `mlops.yaml` knows by its hash."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping

from jupyter_mlops.errors import BadInput, Refused
from jupyter_mlops.project import ApiKey, ProjectFile

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
_MOST_CALLERS = 10_000


class Foreign(Refused):
    code = "foreign-origin"


class NoKey(Refused):
    code = "no-key"
    http_status = 401


class TooMany(BadInput):
    code = "too-many-requests"
    http_status = 429


def new_key() -> tuple[str, str]:
    """A key, and the hash to declare in `mlops.yaml`. The key itself is kept nowhere."""
    key = f"mlops_{secrets.token_urlsafe(32)}"
    return key, hashlib.sha256(key.encode()).hexdigest()


class Access:
    """`hosts` are the names by which a browser may reach this server when nobody needs a key."""

    def __init__(self, file: ProjectFile, hosts: frozenset[str] = frozenset()) -> None:
        self._hosts = LOOPBACK | hosts
        self._keys: dict[str, ApiKey] = {key.sha256: key for key in file.auth.keys}
        rate = file.serving.limits.rate
        count, _, unit = rate.partition(" per ") if rate else ("0", "", "second")
        self._burst = float(count)
        self._per_second = self._burst / _SECONDS[unit]
        self._left: dict[str, tuple[float, float]] = {}

    @property
    def open(self) -> bool:
        """Whether anybody who reaches the server may ask it."""
        return not self._keys

    def same_origin(self, headers: Mapping[str, str]) -> None:
        """A page of somebody else's must not reach a loopback endpoint through the browser, by name or by origin."""
        asked = headers.get("host", "")
        host = asked.rpartition(":")[0] if not asked.endswith("]") and ":" in asked else asked
        origin = headers.get("origin")
        if (self.open and host not in self._hosts) or (origin is not None and origin.partition("://")[2] != asked):
            raise Foreign("this host or origin is not allowed here", "name the address with --host")

    def caller(self, headers: Mapping[str, str], address: str) -> ApiKey | None:
        """Whose key this is; None where none is needed. NoKey, or TooMany for one who asks too often."""
        key = self._known(headers) if self._keys else None
        self._counted(key.name if key else address)
        return key

    def _known(self, headers: Mapping[str, str]) -> ApiKey:
        kind, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip() if kind.lower() == "bearer" else headers.get("x-api-key", "")
        known = self._keys.get(hashlib.sha256(given.encode()).hexdigest()) if given else None
        if known is None:
            raise NoKey(
                "this needs an API key" if not given else "this API key is not known here",
                "send it as `Authorization: Bearer KEY`",
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


def permitted(key: ApiKey | None, act: str, model: str | None) -> None:
    """Refused unless this key may do this with this model. A key for `rul` reaches its segments too."""
    if key is None:
        return
    if act not in key.may:
        raise Refused(
            f"the key {key.name!r} may not do this", f"add {act!r} to its `may` in mlops.yaml", code="forbidden"
        )
    if model is None or "*" in key.models:
        return
    if model not in key.models and model.partition(".")[0] not in key.models:
        raise Refused(
            f"the key {key.name!r} may not use {model!r}",
            "add the model to its `models` in mlops.yaml",
            code="forbidden",
        )
