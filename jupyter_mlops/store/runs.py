"""Runs in MLflow: created once however often a create is sent, written in batches, read back as records."""

from __future__ import annotations

import socket
import tempfile
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Dataset as MlflowDataset
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.tracking._model_registry.utils import _get_store_registry as registries

from jupyter_mlops import config
from jupyter_mlops.errors import BadInput, Conflict, MlopsError, NotFound, Refused, Unavailable
from jupyter_mlops.project import Project
from jupyter_mlops.records import Dataset, Run
from jupyter_mlops.store import formats, leases, models
from jupyter_mlops.store.boosters import answering
from jupyter_mlops.store.digests import digest_of, files_below
from jupyter_mlops.store.places import on_this_machine, ordinary
from jupyter_mlops.store.recorded import PARENT, REASON, millis, now, record
from jupyter_mlops.store.tables import database

registries()  # MLflow fills its table of registries on first use, where a second thread would meet it half full, without ours

KEY = "mlops.key"
_BATCH = 100
_MOST_METRICS = 1000  # MLflow takes as many in one call
_LONGEST_PARAMETER = 6000
_ERRORS: dict[str, type[MlopsError]] = {
    "RESOURCE_DOES_NOT_EXIST": NotFound,
    "RESOURCE_ALREADY_EXISTS": Conflict,
    "PERMISSION_DENIED": Refused,
    "INVALID_PARAMETER_VALUE": BadInput,
    "BAD_REQUEST": BadInput,
}


def open_runs(project: Project) -> Store:
    """The store of this project. A server that does not answer is Unavailable, named with its address."""
    uri = project.tracking
    if uri.startswith("sqlite:///"):
        database(project).close()
        return Store(project, MlflowClient(uri, f"mlops+{uri}"))
    _reachable(uri)
    return Store(project, MlflowClient(uri, uri))


def _reachable(uri: str) -> None:
    parts = urllib.parse.urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=5).close()
    except OSError as error:
        raise Unavailable(
            f"the tracking server {parts.scheme}://{parts.hostname}:{port} does not answer: {error}",
            "start it, or correct `tracking:` in mlops.yaml; what is tracked meanwhile waits in .mlops/journal",
            field="tracking",
        ) from error


class Store:
    """MLflow for one project. `client` is MLflow's own, bound to this project's URIs; no global state is set."""

    def __init__(self, project: Project, client: MlflowClient) -> None:
        self.project = project
        self.client = client
        self._experiments: dict[str, str] = {}

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn MLflow's errors into ours, with the status that fits."""
        try:
            yield
        except MlflowException as error:
            kind = _ERRORS.get(error.error_code, Unavailable)
            raise kind(str(error.message), "run `jupyter mlops doctor`" if kind is Unavailable else "") from error

    def experiment(self, name: str) -> str:
        """The id of the experiment of this name, created if it is new."""
        if name not in self._experiments:
            with self.explained():
                known = self.client.get_experiment_by_name(name)
                self._experiments[name] = known.experiment_id if known else self._create_experiment(name)
        return self._experiments[name]

    def _create_experiment(self, name: str) -> str:
        place = None
        if self.project.tracking.startswith("sqlite:///"):
            place = (self.project.home / "artifacts" / urllib.parse.quote(name, safe="")).as_uri()
        try:
            return str(self.client.create_experiment(name, artifact_location=place))
        except MlflowException as error:
            # Somebody else was first, or the answer to our own create was lost: either way it is there now.
            known = self.client.get_experiment_by_name(name)
            if known is None:
                raise error
            return str(known.experiment_id)

    def create_run(
        self,
        experiment: str,
        name: str,
        *,
        key: str,
        tags: Mapping[str, str] | None = None,
        parent: str | None = None,
        started: datetime | None = None,
        lasts: float | None = None,
        lease: str = "",
    ) -> str:
        """The id of the run with this idempotency key: a create whose answer was lost makes no second run.

        `lasts`: seconds after which it counts as lost on other machines too, unless it is renewed. `lease` is its keeper's,
        where that is not this process.
        """
        experiment_id = self.experiment(experiment)
        with self.explained():
            known = self.client.search_runs([experiment_id], f"tags.`{KEY}` = '{key}'", max_results=1)
            if known:
                return str(known[0].info.run_id)
            all_tags = {
                **(tags or {}),
                KEY: key,
                leases.TAG: lease or leases.lease(lasts),
                "mlflow.user": config.actor(),
            }
            all_tags |= {PARENT: parent} if parent else {}
            run = self.client.create_run(experiment_id, start_time=millis(started), tags=all_tags, run_name=name)
            return str(run.info.run_id)

    def log(
        self,
        run_id: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> None:
        """Add to a run. A value sent twice is stored once: MLflow keys each by run, name, time and value."""
        when = millis(at) or now()
        params = [Param(k, str(v)[:_LONGEST_PARAMETER]) for k, v in (parameters or {}).items()]
        values = [Metric(k, float(v), when, 0) for k, v in (metrics or {}).items()]
        labels = [RunTag(k, str(v)[:_LONGEST_PARAMETER]) for k, v in (tags or {}).items()]
        with self.explained():
            for first in range(0, max(len(params), len(values), len(labels)), _BATCH):
                part = slice(first, first + _BATCH)
                self.client.log_batch(run_id, metrics=values[part], params=params[part], tags=labels[part])

    def log_curves(self, run_id: str, points: Iterable[tuple[str, float, int, int]]) -> None:
        """Points (name, value, step, milliseconds since 1970) of metrics over steps; a point sent twice is stored once."""
        values = [Metric(name, value, when, step) for name, value, step, when in points]
        with self.explained():
            for first in range(0, len(values), _MOST_METRICS):
                self.client.log_batch(run_id, metrics=values[first : first + _MOST_METRICS])

    def log_datasets(self, run_id: str, datasets: Iterable[Dataset]) -> None:
        inputs = []
        for data in datasets:
            profile = f'{{"num_rows": {data.rows}, "num_columns": {data.columns}}}'
            entity = MlflowDataset(data.name, data.digest[:36], "local", data.source, profile=profile)
            inputs.append(DatasetInput(entity, [InputTag("mlflow.data.context", data.context)]))
        if inputs:
            with self.explained():
                self.client.log_inputs(run_id, inputs)

    def log_file(self, run_id: str, path: Path, folder: str = "") -> None:
        with self.explained():
            self.client.log_artifact(run_id, str(path), folder or None)

    def log_texts(self, run_id: str, texts: Mapping[str, str]) -> None:
        """Text files by their names: MLflow asks for the run's place once for all of them, not once for each."""
        with tempfile.TemporaryDirectory(prefix="mlops-texts-") as folder, self.explained():
            for name, text in texts.items():
                file = Path(folder, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            self.client.log_artifacts(run_id, folder)

    def log_text(self, run_id: str, text: str, name: str) -> None:
        self.log_texts(run_id, {name: text})

    def log_model(self, run_id: str, model: Any, *, input_example: Any = None, requirements: Sequence[str] = ()) -> str:
        """Save the fitted model with its run; the URI of the one already there when asked again."""
        with self.explained():
            return models.log_model(self.client, run_id, model, input_example, requirements)

    def log_saved_model(
        self, run_id: str, file: Path, *, input_example: Any = None, requirements: Sequence[str] = ()
    ) -> str:
        """The same for a model that a kernel saved as a skops file."""
        return self.log_model(run_id, models.read_saved(file), input_example=input_example, requirements=requirements)

    def log_model_folder(self, run_id: str, folder: Path, requirements: Sequence[str] = ()) -> str:
        """The same for one that a kernel saved by MLflow's flavour of its library. Its files are sent, and not read."""
        with self.explained():
            return models.log_folder(self.client, run_id, folder, requirements)

    def name_run(self, run_id: str, name: str) -> None:
        with self.explained():
            self.client.update_run(run_id, name=name)

    def end_run(self, run_id: str, status: str, reason: str = "", ended: datetime | None = None) -> None:
        """Close a run truthfully: FINISHED, FAILED or KILLED, with why."""
        with self.explained():
            if reason:
                self.client.set_tag(run_id, REASON, reason[:_LONGEST_PARAMETER])
            elif status == "FINISHED":
                self._forget_reason(run_id)
            self.client.set_terminated(run_id, status, end_time=millis(ended))

    def _forget_reason(self, run_id: str) -> None:
        """A run that was thought lost, and whose end came in late, was not lost."""
        with suppress(MlflowException):
            self.client.delete_tag(run_id, REASON)

    def renew(self, run_id: str, lasts: float) -> None:
        """A sign of life from this process, the run's keeper: who does not see this machine believes it for a while."""
        with self.explained():
            self.client.set_tag(run_id, leases.TAG, leases.lease(lasts))

    def reopen(self, run_id: str, lasts: float) -> None:
        """Go on with a run whose keeper was lost."""
        with self.explained():
            self.client.update_run(run_id, "RUNNING")
            self.client.set_tag(run_id, leases.TAG, leases.lease(lasts))

    def close_orphans(self) -> list[str]:
        """Close every running run whose keeper is gone, as KILLED with the reason; their ids."""
        closed = []
        with self.explained():
            places = [e.experiment_id for e in self.client.search_experiments()]
            for run in self.client.search_runs(places, "attributes.status = 'RUNNING'", max_results=1000):
                why = leases.expired(run.data.tags.get(leases.TAG, ""))
                if why:
                    self.end_run(run.info.run_id, "KILLED", why)
                    closed.append(run.info.run_id)
        return closed

    def run(self, run_id: str) -> Run:
        """One run; NotFound when there is none of that id. A unique beginning of four characters or more will do.

        A tracked cell's record key, which the run card knows before the run is in MLflow, names its run too.
        """
        with self.explained():
            if len(run_id) < 32:
                return self._beginning(run_id)
            try:
                return self._record(self.client.get_run(run_id))
            except MlflowException:
                known = self.runs(limit=1, tags={KEY: run_id}) if run_id.isalnum() else []
                if not known:
                    raise
                return known[0]

    def _beginning(self, text: str) -> Run:
        """The one run whose id, or whose record's key, begins so."""
        found: dict[str, Any] = {}
        if text.isalnum() and len(text) >= 4:
            places = [e.experiment_id for e in self.client.search_experiments()]
            for name in ("attributes.run_id", f"tags.`{KEY}`"):
                matching = self.client.search_runs(places, f"{name} LIKE '{text}%'", max_results=2)
                found |= {run.info.run_id: run for run in matching}
        if len(found) != 1:
            how_many = "no run" if not found else "more than one run"
            raise NotFound(f"{how_many} begins with {text!r}", "list them with `jupyter mlops runs`")
        return self._record(next(iter(found.values())))

    def runs(
        self,
        experiment: str | None = None,
        *,
        limit: int = 100,
        parent: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> list[Run]:
        """Runs, newest first, of one experiment or of all; `parent` and `tags` narrow it."""
        with self.explained():
            if experiment is not None:
                known = self.client.get_experiment_by_name(experiment)
                if known is None:
                    raise NotFound(f"there is no experiment {experiment!r}", "list all runs with `jupyter mlops runs`")
                places = [known.experiment_id]
            else:
                places = [e.experiment_id for e in self.client.search_experiments()]
            wanted = {**(tags or {}), **({PARENT: parent} if parent else {})}
            query = " and ".join(f"tags.`{key}` = '{value}'" for key, value in wanted.items())
            found = self.client.search_runs(places, query, max_results=limit, order_by=["attributes.start_time DESC"])
            return [self._record(run) for run in found]

    def champions(self, run_ids: Iterable[str]) -> list[tuple[str, int, str]]:
        """(model, version, run) of every version that came from one of these runs and has the alias `champion`."""
        listed = ", ".join(f"'{run_id}'" for run_id in sorted(run_ids))
        if not listed:
            return []
        with self.explained():
            names = {v.name for v in self.client.search_model_versions(f"run_id IN ({listed})", max_results=1000)}
            held = [self.client.get_registered_model(name) for name in sorted(names)]
            numbers = [(model.name, model.aliases["champion"]) for model in held if "champion" in model.aliases]
            return [(n, int(v), str(self.client.get_model_version(n, v).run_id)) for n, v in numbers]

    def artifact(self, run_id: str, path: str) -> Path:
        """A local copy of one file or folder of a run. A link or pipe that somebody put there is refused, not followed."""
        with self.explained():
            root = on_this_machine(self.client.get_run(run_id).info.artifact_uri)
            if root:
                ordinary(root, path)
            return Path(self.client.download_artifacts(run_id, path))

    def text(self, run_id: str, path: str) -> str:
        """The text of an artifact; empty where the run has none of that name."""
        try:
            return self.artifact(run_id, path).read_text(encoding="utf-8")
        except (MlopsError, OSError):
            return ""

    def model_uri(self, run_id: str) -> str | None:
        """The model a run logged, or None."""
        with self.explained():
            outputs = self.client.get_run(run_id).outputs
            made = outputs.model_outputs if outputs else []
            return f"models:/{made[-1].model_id}" if made else None

    def model_files(self, model_uri: str) -> Path:
        """A local folder of the files behind `models:/m-...`."""
        with self.explained():
            place = self.client.get_logged_model(model_uri.removeprefix("models:/")).artifact_location
            return on_this_machine(place) or Path(mlflow.artifacts.download_artifacts(model_uri))

    def digest(self, model_uri: str) -> str:
        """What the model's files are now, as one SHA-256."""
        return digest_of(files_below(self.model_files(model_uri)))

    def running(self, model_uri: str) -> list[str]:
        """The kinds of code that reading the model's files would run; none for a skops model."""
        return formats.running(self.model_files(model_uri))

    def scan(self, model_uri: str) -> list[str]:
        """What the model's pickles import; BadInput when that is not known to be harmless."""
        return formats.scan(self.model_files(model_uri))

    def array_example(self, model_uri: str) -> Any:
        """The rows that a model fitted on an array was shown as an example, or None."""
        return models.read_array_example(self.model_files(model_uri))

    def read_model(self, model_uri: str, *, runs_code: bool = False) -> tuple[Any, Any]:
        """The fitted object and its input example, read by our own loader; by MLflow's where code may run that policy allows."""
        folder = self.model_files(model_uri)
        return models.read_trusted(folder) if runs_code else models.read_model(folder)

    def read_saved(self, file: Path) -> Any:
        """The fitted object in a skops file that a kernel wrote, if every type in it was reviewed; BadInput if not."""
        return answering(models.read_saved(file))

    def _record(self, run: Any) -> Run:
        return record(run, self._experiment_name(run.info.experiment_id))

    def _experiment_name(self, experiment_id: str) -> str:
        for name, known in self._experiments.items():
            if known == experiment_id:
                return name
        name = str(self.client.get_experiment(experiment_id).name)
        self._experiments[name] = experiment_id
        return name
