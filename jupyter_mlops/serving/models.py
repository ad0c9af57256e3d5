"""The models a server holds: each follows its alias, and is changed only for one that answers its own example."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_mlops.errors import MlopsError, NotFound
from jupyter_mlops.project import Project
from jupyter_mlops.records import ModelVersion
from jupyter_mlops.store import LoadedModel, database, predict

EVERY = 1.0


@dataclass(frozen=True)
class Source:
    """Where models come from: what a reference means now, and the model behind it. MlopsError when there is none."""

    load: Callable[[str], LoadedModel]
    resolve: Callable[[str], ModelVersion]


@dataclass
class Held:
    """`reference` is what was asked for, `loaded` what answers now."""

    reference: str
    loaded: LoadedModel

    @property
    def name(self) -> str:
        return self.loaded.version.model


class Models:
    """Loaded at the start, or MlopsError says which cannot be; followed by a thread until closed."""

    def __init__(self, project: Project, references: list[str], source: Source) -> None:
        self._source = source
        self._base = database(project)
        self.held = {held.name: held for held in (Held(r, self._checked(r)) for r in references)}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="mlops-models", daemon=True)
        self._thread.start()

    def get(self, name: str | None) -> Held:
        """The model of this name; without one, the only one there is."""
        if name is None and len(self.held) == 1:
            return next(iter(self.held.values()))
        if name not in self.held:
            raise NotFound(f"no model {name!r} is served here", f"served are: {', '.join(self.held)}")
        return self.held[name]

    def close(self) -> None:
        self._closing.set()
        self._thread.join(10)

    def _checked(self, reference: str) -> LoadedModel:
        loaded = self._source.load(reference)
        if loaded.input_example is not None:
            predict(loaded.model, loaded.input_example, loaded.features)
        return loaded

    def _follow(self) -> None:
        seen = self._base.changed()
        while not self._closing.wait(EVERY):
            now = self._base.changed()
            if now != seen:
                seen = now
                for held in self.held.values():
                    self._renew(held)

    def _renew(self, held: Held) -> None:
        """A version that does not load or answer is not switched to: the old one goes on, and an alert says so."""
        with contextlib.suppress(NotFound):
            if self._source.resolve(held.reference).version == held.loaded.version.version:
                return
        try:
            held.loaded = self._checked(held.reference)
        except MlopsError as error:
            model, _, segment = held.name.partition(".")
            sentence = f"the endpoint stays on version {held.loaded.version.version}: {error.message}"
            self._base.open_alert(model, segment or None, "serving", held.reference, sentence, "critical")
