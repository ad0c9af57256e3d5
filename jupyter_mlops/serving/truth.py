"""What came true, received: checked, told apart from what is known already, and kept."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from jupyter_mlops.errors import BadInput, Conflict
from jupyter_mlops.serving.log import ID, InferenceLog
from jupyter_mlops.serving.requests import shown

_FIX = 'send {"truth": [{"inference_id": …, "truth": …, "observed_at": …}]}'


def take(log: InferenceLog, model: str, segment: str | None, content: Any, task: str | None) -> dict[str, Any]:
    """Keep outcomes and say what they were: new, corrections, repeated, or of ids that are not in the log (yet).

    Refused as a whole when one is no outcome, or when two contradict each other about one id at the same time.
    """
    rows = content.get("truth") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows:
        raise BadInput("this is no ground truth: there is no list in `truth`", _FIX)
    outcomes: dict[str, dict[str, Any]] = {}
    repeated = 0
    for number, row in enumerate(rows):
        outcome = _outcome(row, number, task)
        known = outcomes.get(outcome[ID])
        if known is not None and known == outcome:
            repeated += 1
            continue
        if known is not None and known["observed_at"] == outcome["observed_at"]:
            raise Conflict(
                f"row {number}: {outcome[ID]!r} is {shown(outcome['truth'])} here and {shown(known['truth'])} above",
                "send one outcome for each id, or say by observed_at which came later",
                row=number,
                inference_id=outcome[ID],
            )
        if known is None or (known["observed_at"] or _NEVER) < (outcome["observed_at"] or _NEVER):
            outcomes[outcome[ID]] = outcome
    return _kept(log, model, segment, outcomes, {"received": len(rows), "repeated": repeated})


_NEVER = datetime.fromtimestamp(0, UTC)
_HEX, _EPOCH, _FAR = frozenset("0123456789abcdef"), date(1970, 1, 1).toordinal(), 100_000


def _kept(
    log: InferenceLog, model: str, segment: str | None, outcomes: dict[str, dict[str, Any]], said: dict[str, Any]
) -> dict[str, Any]:
    before = log.truth(model, segment)
    known = dict(zip(before[ID].astype(str), before["truth"], strict=True)) if len(before) else {}
    new = [o for o in outcomes.values() if o[ID] not in known or known[o[ID]] != o["truth"]]
    said["repeated"] += len(outcomes) - len(new)
    if new:
        frame = pd.DataFrame(new)
        frame["observed_at"] = pd.to_datetime(frame["observed_at"], utc=True)
        log.add_truth(model, segment, frame)
    corrected = _corrected(log, model, segment, {o[ID]: o["truth"] for o in new if o[ID] in known})
    strangers = sorted(_unknown(log, model, segment, set(outcomes)))
    return {**said, "kept": len(new), "corrected": corrected, "not_in_log": len(strangers), "ids": strangers[:20]}


def _unknown(log: InferenceLog, model: str, segment: str | None, ids: set[str]) -> set[str]:
    """Those of them that are in no log; looked for where they say that they are, and only then everywhere."""
    for days in (_days(ids), None):
        found = log.known(model, segment, ids, days) if segment else log.known_anywhere(model, ids, days)
        ids = ids - found
        if not ids:
            break
    return ids


def _days(ids: set[str]) -> set[str]:
    """The days that our own ids begin with, and the next ones: an answer at midnight is logged after it."""
    starts = {int(key[:12], 16) // 86_400_000 for key in ids if len(key) == 32 and set(key) <= _HEX}
    near = [date.fromordinal(_EPOCH + day + more) for day in starts if day < _FAR for more in (0, 1)]
    return {day.isoformat() for day in near}


def _corrected(log: InferenceLog, model: str, segment: str | None, again: dict[str, Any]) -> int:
    """How many of these are what counts now; one observed before what was known already is kept and corrects nothing."""
    if not again:
        return 0
    now = log.truth(model, segment)
    return sum(again.get(str(key)) == truth for key, truth in zip(now[ID], now["truth"], strict=True))


def _outcome(row: Any, number: int, task: str | None) -> dict[str, Any]:
    if not isinstance(row, dict) or ID not in row or "truth" not in row:
        raise BadInput(f"this is no ground truth: row {number} lacks {ID} or truth", _FIX, row=number)
    key, truth, at = row[ID], row["truth"], row.get("observed_at")
    if not isinstance(key, str) or not 0 < len(key) <= 128:
        raise _wrong(number, ID, "a text", key)
    if task == "regression" and type(truth) not in (int, float):
        raise _wrong(number, "truth", "a number", truth)
    if not isinstance(truth, str | int | float) or truth != truth or truth in (float("inf"), float("-inf")):
        raise _wrong(number, "truth", "a value", truth)
    if type(truth) is int and abs(truth) >= 2**63:
        raise _wrong(number, "truth", "a number below 9.2e18", truth)
    return {ID: key, "truth": truth, "observed_at": None if at is None else _time(at, number)}


def _time(text: Any, number: int) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):  # the first and last days of the calendar, in a zone of their own
        raise _wrong(number, "observed_at", "a time in ISO form", text) from None


def _wrong(row: int, column: str, expected: str, got: Any) -> BadInput:
    return BadInput(
        f"column {column!r}, row {row}: expected {expected}, got {shown(got)}",
        _FIX,
        column=column,
        row=row,
        expected=expected,
        got=shown(got),
    )
