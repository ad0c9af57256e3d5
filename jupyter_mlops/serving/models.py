"""The models a server holds: each follows its alias, and is changed only for one that answers its own example.

At most `most` are in memory; the one asked longest ago gives way and comes back when it is asked again.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import pandas as pd

from jupyter_mlops.errors import BadInput, MlopsError, NotFound, Refused, Unavailable, unknown
from jupyter_mlops.project import Deploy, Project, Target
from jupyter_mlops.records import ModelVersion
from jupyter_mlops.serving.compiled import Ready, hasten, prepare, wake
from jupyter_mlops.serving.guard import Guard
from jupyter_mlops.store import LoadedModel, database

EVERY = 0.5
TRY_AGAIN_AFTER = 60.0
CHAMPION, CHALLENGER = "champion", "challenger"
SEGMENT = "segment"
_log = logging.getLogger("jupyter_mlops.serving")


@dataclass(frozen=True)
class Source:
    """Where models come from. Each raises MlopsError: NotFound when there is none, Unavailable when nobody can say.

    `aliases` maps each model's name to its aliases and their versions; `held_out` gives rows to prove a faster form on, if
    there are any; `rollback` takes this version of a champion back for a reason, unless it is champion no more; `wanted` gives
    the references to be served by now.
    """

    resolve: Callable[[str], ModelVersion]
    load: Callable[[ModelVersion], LoadedModel]
    aliases: Callable[[], Mapping[str, Mapping[str, int]]]
    held_out: Callable[[str], pd.DataFrame | None] = lambda _name: None
    rollback: Callable[[str, int, str], bool] = lambda _name, _version, _reason: False
    wanted: Callable[[], list[str]] = list


class Withdrawn(NotFound):
    """The model that an endpoint followed is no longer in service."""

    code = "withdrawn"
    http_status = 410


@dataclass
class Held:
    """`alias` is what is followed (None: a fixed version); `version` what answers now, `ready` its model while in memory."""

    name: str
    alias: str | None
    version: ModelVersion
    target: Target | None
    ready: Ready | None = None
    asleep: Ready | None = None
    before: Ready | None = None
    gone: bool = False
    used: float = 0.0
    failed: dict[int, float] = field(default_factory=dict)
    guard: Guard | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def model(self) -> str:
        return self.name.partition(".")[0]

    @cached_property
    def segment(self) -> str:
        return self.name.partition(".")[2]

    @cached_property
    def worth_keeping(self) -> list[str]:
        """Columns beside the model's own that `mlops.yaml` names: who it was about, when, and what is watched by."""
        if self.target is None:
            return []
        spec = self.target.spec
        by = [c for gate in spec.gates for c in (*gate.slices, *(gate.fairness.columns if gate.fairness else []))]
        named = [spec.data.entity, spec.data.timestamp, *spec.data.sensitive, *by]
        segment = [SEGMENT] if not self.segment and spec.segments else []
        return list(dict.fromkeys([*(name for name in named if name), *segment]))

    @cached_property
    def deploy(self) -> Deploy | None:
        return self.target.spec.deploy if self.target else None


class Models:
    """Loaded at the start, or MlopsError says which cannot be; followed by a thread until closed."""

    def __init__(self, project: Project, references: list[str], source: Source) -> None:
        self._project, self._source = project, source
        self._keep = project.home / "compiled"
        self.most = project.file.serving.models_in_memory
        self._base = database(project)
        self._room = threading.Lock()
        self.held: dict[str, Held] = {}
        self.challengers: dict[str, Held] = {}
        self._absent: dict[str, float] = {}
        for reference in references:
            held = self._first(reference)
            self.held[held.name] = held
            self._make_room(held)
        self._closing = threading.Event()
        self._seen = self._base.changed()
        self._guarded(self._challenge, self._source.aliases)
        self._threads = [
            threading.Thread(target=self._follow, name="mlops-models", daemon=True),
            threading.Thread(target=self._hastening, name="mlops-hastening", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def get(self, name: str | None) -> Held:
        """The model of this name; without one, the only one there is."""
        if name is None and len(self.held) == 1:
            name = next(iter(self.held))
        if name is None:
            raise NotFound("several models are served here", f"name one: /models/NAME/invocations, of {self._names()}")
        found = self.held.get(name)
        if found is None:
            error = unknown("model", name, self.held, error=NotFound)
            raise NotFound(f"no model {name!r} is served here", f"{error.fix} (served are: {self._names()})")
        if found.gone:
            raise Withdrawn(
                f"{name} has no {found.alias} any more: it was archived or taken out of service",
                f"promote a version: `jupyter mlops promote {name} VERSION --reason TEXT`",
            )
        return found

    def standing_for(self, name: str) -> Held:
        """The model of this name, or the first of its segments where those alone are served."""
        own = name in self.held
        return self.get(name if own else next((one for one in self.held if one.startswith(f"{name}.")), name))

    def ready(self, held: Held) -> Ready:
        """The model in memory, read again if it had to give way."""
        held.used = time.monotonic()
        found = held.ready
        if found is None:
            with held.lock:
                found = held.ready or (wake(held.asleep, self._keep) if held.asleep else self._prepared(held.version))
                held.ready, held.asleep = found, None
            self._make_room(held)
        return found

    def challenger(self, held: Held) -> Held | None:
        return self.challengers.get(held.name)

    def in_memory(self) -> int:
        return sum(held.ready is not None for held in [*self.held.values(), *self.challengers.values()])

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(10)

    def alert(self, held: Held, what: str, sentence: str, *, over: bool = False) -> None:
        """Open an alert on this model, or close it again."""
        alert = self._base.open_alert(held.model, held.segment or None, "serving", what, sentence, "critical")
        if over:
            self._base.set_alert(alert.alert_id, "resolved", "")

    def _names(self) -> str:
        return ", ".join(list(self.held)[:20])

    def _join(self, reference: str) -> None:
        """A segment that came into service after the start. One that does not load is tried again and stands in an alert."""
        name = reference.partition("@")[0].partition("/")[0]
        if name in self.held or time.monotonic() - self._absent.get(name, -TRY_AGAIN_AFTER) < TRY_AGAIN_AFTER:
            return
        try:
            held = self._first(reference)
        except (MlopsError, ValueError, TypeError) as error:
            self._absent[name] = time.monotonic()
            model, _, segment = name.partition(".")
            self._base.open_alert(
                model, segment or None, "serving", CHAMPION, f"{name} is not served: {error}", "critical"
            )
            return
        self.held = {**self.held, held.name: held}  # others go through it meanwhile
        self._make_room(held)

    def _first(self, reference: str) -> Held:
        version = self._source.resolve(reference)
        return self._made(version, None if "/" in reference else reference.partition("@")[2] or CHAMPION)

    def _made(self, version: ModelVersion, alias: str | None) -> Held:
        target = None
        with contextlib.suppress(MlopsError):
            target = self._project.target(version.model)
        return Held(version.model, alias, version, target, self._prepared(version), used=time.monotonic())

    def _prepared(self, version: ModelVersion) -> Ready:
        loaded = self._source.load(version)
        return prepare(
            loaded, self._held_out(version), self._keep, reload=lambda: self._source.load(version), later=True
        )

    def _held_out(self, version: ModelVersion) -> Callable[[], pd.DataFrame | None]:
        return lambda: self._source.held_out(version.model)

    def _hasten(self) -> None:
        """Look for faster forms, one after the other: it takes seconds, and whoever asks in between is answered as it is.

        Of models that had to give way too: their faster form is what brings them back at once when they are asked.
        """
        for held in [*self.held.values(), *self.challengers.values()]:
            ready = held.ready or held.asleep
            if ready is None or not ready.pending or self._closing.is_set():
                continue
            try:
                faster = hasten(ready, self._held_out(held.version), self._keep)
            except MlopsError as error:
                faster = replace(ready, proof=replace(ready.proof, why=error.message))
            with held.lock:
                if held.ready is ready:
                    held.ready = faster
                elif held.asleep is ready:
                    held.asleep = faster.asleep()

    def _hastening(self) -> None:
        while not self._closing.wait(EVERY):
            self._guarded(self._hasten)

    def _make_room(self, newest: Held) -> None:
        with self._room:
            loaded = [h for h in [*self.held.values(), *self.challengers.values()] if h.ready and h is not newest]
            for old in sorted(loaded, key=lambda h: h.used)[: max(0, len(loaded) + 1 - self.most)]:
                with old.lock:
                    old.asleep = old.ready.asleep() if old.ready else None
                    old.ready = old.before = None

    def _follow(self) -> None:
        while not self._closing.wait(EVERY):
            self._guarded(self._look)

    def _guarded(self, step: Callable[..., None], *reads: Callable[[], object]) -> None:
        """An error that ended the thread would leave every model where it is, in silence."""
        try:
            step(*(read() for read in reads))
        except Unavailable as error:
            _log.warning("the registry cannot be read, so every model stays as it is: %s", error.message)
        except Exception:  # noqa: BLE001
            _log.exception("following the registry failed and is tried again")

    def _look(self) -> None:
        for held in list(self.held.values()):
            self._guarded(partial(self._judge, held))
        now = self._base.changed()
        if now == self._seen and self._project.tracking.startswith("sqlite:") and not self._to_be_tried_again():
            return
        aliases = self._source.aliases()
        for held in list(self.held.values()):
            self._renew(held, aliases.get(held.name, {}))
        for reference in self._source.wanted():
            self._guarded(partial(self._join, reference))
        self._challenge(aliases)
        self._seen = now

    def _to_be_tried_again(self) -> bool:
        now = time.monotonic()
        every = [*self.held.values(), *self.challengers.values()]
        return any(now - at > TRY_AGAIN_AFTER for held in every for at in held.failed.values())

    def _renew(self, held: Held, aliases: Mapping[str, int]) -> None:
        """A version that does not load or answer is not switched to: the old one goes on, and an alert says so."""
        if held.alias is None:
            return
        number = aliases.get(held.alias)
        if number is None:
            if not held.gone:
                self.alert(held, held.alias, f"{held.name} has no {held.alias} any more; its endpoint answers 410")
            held.gone = True
            return
        if number == held.version.version:
            held.gone = False
            held.failed.clear()
            return
        if time.monotonic() - held.failed.get(number, -TRY_AGAIN_AFTER) < TRY_AGAIN_AFTER:
            return
        try:
            version = self._source.resolve(f"{held.name}/{number}")
            ready = self._prepared(version)
        except Exception as error:  # noqa: BLE001  (whatever a model raises, the one in service goes on)
            held.failed = {number: time.monotonic()}
            told = error.message if isinstance(error, MlopsError) else f"{type(error).__name__}: {error}"
            self.alert(held, held.alias, f"the endpoint stays on version {held.version.version}: {told}")
            return
        self._switch(held, version, ready)

    def _switch(self, held: Held, version: ModelVersion, ready: Ready) -> None:
        """Requests under way keep the model they began with; the next one has the new."""
        went_back = held.before is not None and held.before.loaded.version.version == version.version
        rule = held.deploy.rollback if held.deploy else None
        held.before = None if went_back or rule is None else held.ready
        held.guard = None if went_back or rule is None or held.alias != CHAMPION else Guard(rule, version.version)
        with held.lock:
            held.version, held.ready, held.asleep, held.gone = version, ready, None, False
        held.failed.clear()
        self._make_room(held)

    def _challenge(self, aliases: Mapping[str, Mapping[str, int]]) -> None:
        """Hold the challenger of each champion that gives it a share of its traffic or its shadow."""
        for held in list(self.held.values()):
            deploy = held.deploy
            wanted = deploy is not None and held.alias == CHAMPION and (deploy.challenger_share > 0 or deploy.shadow)
            number = aliases.get(held.name, {}).get(CHALLENGER) if wanted else None
            rival = self.challengers.get(held.name)
            if number is None or number == held.version.version:
                self.challengers.pop(held.name, None)
            elif rival is None:
                self._take_challenger(held, number)
            else:
                self._renew(rival, aliases[held.name])

    def _take_challenger(self, held: Held, number: int) -> None:
        if time.monotonic() - held.failed.get(-number, -TRY_AGAIN_AFTER) < TRY_AGAIN_AFTER:
            return
        try:
            rival = self._made(self._source.resolve(f"{held.name}/{number}"), CHALLENGER)
        except (MlopsError, ValueError, TypeError) as error:
            held.failed[-number] = time.monotonic()
            self.alert(held, CHALLENGER, f"the challenger, version {number}, gets no traffic: {error}")
            return
        self.challengers[held.name] = rival
        self._make_room(rival)

    def _judge(self, held: Held) -> None:
        """Take a champion back when what it did since it was switched to is beyond the rule."""
        guard = held.guard
        if guard is None:
            return
        broken = guard.broken() or self._decayed(held, guard)
        if guard.over() and not broken:
            held.guard = held.before = None
        if not broken:
            return
        sentence = f"version {guard.version} was taken back by itself: {broken}"
        try:
            done = self._source.rollback(held.name, guard.version, sentence)
        except (Refused, BadInput, NotFound) as error:
            done = True
            sentence = f"version {guard.version} should be taken back ({broken}), which was refused: {error.message}"
        held.guard = None
        if done:
            self.alert(held, "automatic rollback", sentence)

    def _decayed(self, held: Held, guard: Guard) -> str:
        """An alert on performance that was opened since the switch."""
        alerts = self._base.alerts("open") if guard.rule.on_alert and guard.due() else []
        mine = [a for a in alerts if (a.model, a.segment or "", a.kind) == (held.model, held.segment, "performance")]
        return next((alert.sentence for alert in mine if alert.opened >= guard.began), "")
