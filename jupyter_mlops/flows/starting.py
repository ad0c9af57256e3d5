"""The quickstart: a project on real data, and the whole loop run on it once. Stopped anywhere, it goes on where it was.

What is done is read from where it is kept (versions, decisions, logged rows); only what is kept nowhere else, the period
the data stands at and the reports of a period, is noted in `.mlops/quickstart.json`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from jupyter_mlops import assets
from jupyter_mlops.errors import AnswerIsNo, BadInput, MlopsError, Unavailable
from jupyter_mlops.flows import serving_trial
from jupyter_mlops.flows.figures import refresh_figures
from jupyter_mlops.flows.promotion import VERDICT, promote
from jupyter_mlops.flows.retraining import FIRED, REFUSED, retrain
from jupyter_mlops.flows.rows import read_rows
from jupyter_mlops.flows.summary import Told, tell
from jupyter_mlops.flows.training import train
from jupyter_mlops.flows.watching import score_and_watch
from jupyter_mlops.ledger import entries
from jupyter_mlops.project import HOME, Target, load
from jupyter_mlops.records import MonitorReport
from jupyter_mlops.registry import register, versions
from jupyter_mlops.store import Store, database, open_store

NOTE = "quickstart.json"
UNUSABLE = 2
"""What a template's `prepare.py` ends with where the data it was given is at fault."""


class Progress(Protocol):
    """How long work is shown: a bar for things counted, a line for a step begun."""

    def step(self, sentence: str) -> None: ...

    def counted(self, what: str, total: int) -> AbstractContextManager[Callable[[], None]]: ...


def quickstart(directory: Path, template: str, progress: Progress, data: Path | None = None) -> Told:
    """Create the project if it is not there, run what of the loop is not done yet, and tell what happened.

    `data`: files of one's own for a template that takes them, in place of its own.
    """
    root = create(directory, template, data)
    note = _Note(root / HOME / NOTE)
    _prepare(root, note, 1, progress)
    store = open_store(load(root))
    store.close_orphans()
    _first_models(store, progress)
    _some_model(store)
    _serve_one(store, note, progress)
    _next_period(store, note, progress)
    _prepare(root, note, 2, progress)
    _answer_findings(store, note, progress)
    return tell(store, refresh_figures(store), note.facts)


def create(directory: Path, template: str, data: Path | None = None) -> Path:
    """The project folder: new from the template, whole or not at all; or the one an earlier quickstart began."""
    source = assets.project_template(template)
    root = directory.expanduser().resolve()
    if data is not None:
        _check_data(template, data)
    note = root / HOME / NOTE
    if note.is_file():
        _goes_on(_Note(note), root, template, data)
        return root
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise BadInput(
            f"{root} is not empty, and nothing in it is overwritten",
            "name a new folder: `jupyter mlops quickstart DIR`",
            path=str(root),
        )
    try:
        _lay(source, root, {"template": template, "period": 0, **({"data": str(data)} if data else {})})
    except OSError as error:
        raise Unavailable(
            f"cannot create {root}: {error.strerror or error}", "name a folder you may write to, on a disk with room"
        ) from error
    return root


def _check_data(template: str, data: Path) -> None:
    if not assets.takes_data(template):
        raise BadInput(f"{template} brings its own data", "leave out --data", field="data", value=str(data))
    if not data.exists():
        raise BadInput(f"there is no {data}", "name a folder or file that is there", field="data", value=str(data))


def _goes_on(note: _Note, root: Path, template: str, data: Path | None) -> None:
    """Refuses to go on with another template or other data; data that could not be read may be replaced."""
    begun = note.facts["template"]
    if begun != template:
        raise BadInput(
            f"{root} holds a quickstart of {begun}, not of {template}",
            f"go on with `--template {begun}`, or name another folder",
            path=str(root),
        )
    if data is None or str(data) == note.facts.get("data"):
        return
    if note.facts["period"]:
        raise BadInput(
            f"{root} holds a quickstart on {note.facts.get('data', 'simulated data')}, not on {data}",
            "go on without --data, or name another folder",
            field="data",
            value=str(data),
        )
    note.put(data=str(data))


def _lay(source: Path, root: Path, note: dict[str, Any]) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        shutil.copytree(source, unfinished, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "data"))
        shutil.copytree(assets.dashboards(), unfinished / "dashboards", dirs_exist_ok=True)
        (unfinished / HOME).mkdir(mode=0o700)
        (unfinished / HOME / NOTE).write_text(json.dumps(note), encoding="utf-8")
        unfinished.chmod(0o755)
        if root.exists():
            root.rmdir()
        unfinished.rename(root)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


class _Note:
    """The few facts that stand nowhere else, replaced whole at each change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))

    def put(self, **facts: Any) -> None:
        self.facts |= facts
        unfinished = self._path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self.facts), encoding="utf-8")
        unfinished.replace(self._path)


def _prepare(root: Path, note: _Note, period: int, progress: Progress) -> None:
    """The template's own `prepare.py` writes the data; a period once reached is not gone back to."""
    if note.facts["period"] >= period:
        return
    progress.step("preparing the data" if period == 1 else "the period is over: its data becomes training data")
    words = [str(period), *(["--data", note.facts["data"]] if "data" in note.facts else [])]
    done = subprocess.run([sys.executable, "prepare.py", *words], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        if done.returncode == UNUSABLE:
            why = last.removeprefix("prepare.py: error: ")
            raise BadInput(
                f"the data cannot be used: {why}", "mend it, or name other data, and run it again", field="data"
            )
        raise MlopsError(
            f"prepare.py could not write the data: {last}",
            "mend what it names, then run the quickstart again: it goes on from here",
            code="prepare-failed",
        )
    note.put(period=period)


def _first_models(store: Store, progress: Progress) -> None:
    """A trained, registered and judged version for every segment that has none."""
    missing = [t for t in store.project.targets() if not versions(store, t.name, missing_ok=True)]
    if missing:
        progress.step(f"training {len(missing)} models with {missing[0].spec.train.notebook}")
        with progress.counted("trained", len(missing)) as one_more:
            jobs = train(store, missing, done=lambda _job: one_more(), force=False)
        for name, job in jobs.items():
            if job.status == "FINISHED":
                register(store, job.run_id, name)
            else:
                progress.step(f"{name} was not trained: {job.reason}")
    todo = [t for t in store.project.targets() if _undecided(store, t)]
    if todo:
        progress.step(f"judging {len(todo)} models on rows they never saw")
    with progress.counted("judged", len(todo)) as one_more:
        for target in todo:
            promote(store, target.name, 1, reason="first model here, and it passed its gates")
            one_more()


def _some_model(store: Store) -> None:
    """Raises AnswerIsNo where no notebook ended well: there is nothing to go on with."""
    if any(versions(store, t.name, missing_ok=True) for t in store.project.targets()):
        return
    job = next(iter(store.runs(tags={"mlops.kind": "job"}, limit=1)), None)
    raise AnswerIsNo(
        f"no model was trained: {job.reason if job else 'mlops.yaml declares none'}",
        f"mend what it names in {store.project.root}, then run the quickstart again: it goes on from here",
        code="training-failed",
    )


def _undecided(store: Store, target: Target) -> bool:
    found = versions(store, target.name, missing_ok=True)
    return len(found) == 1 and not found[0].aliases and found[0].tags.get(VERDICT) in (None, "pass")


def _serve_one(store: Store, note: _Note, progress: Progress) -> None:
    """One champion answers real requests over HTTP on this machine, and its answers are logged."""
    if "served" in note.facts:
        return
    served = next((t for t in store.project.targets() if _has_champion(store, t)), None)
    if served is None:
        return
    progress.step(f"serving {served.name} on this machine and sending it real rows")
    rows = read_rows(_folder(store, served) / "arrivals.parquet")
    note.put(served=serving_trial.run(store.project, served, rows.head(serving_trial.REQUESTS)).as_dict())


def _next_period(store: Store, note: _Note, progress: Progress) -> None:
    """The next period's rows are scored and judged, segment by segment; a report once made is kept."""
    if note.facts["period"] != 1:
        return
    reports: dict[str, Any] = note.facts.get("reports", {})
    targets = [t for t in store.project.targets() if _has_champion(store, t) and t.name not in reports]
    if targets:
        progress.step("the next period arrives: scoring it, and watching what changed")
    with progress.counted("watched", len(targets)) as one_more:
        for target in targets:
            folder = _folder(store, target)
            arrivals, labels = read_rows(folder / "arrivals.parquet"), read_rows(folder / "labels.parquet")
            reports[target.name] = score_and_watch(store, target, arrivals, labels).model_dump(mode="json")
            note.put(reports=reports)
            one_more()


def _answer_findings(store: Store, note: _Note, progress: Progress) -> None:
    """Each segment with a finding is retrained, or not, once; why is in the ledger."""
    reports = {name: MonitorReport(**report) for name, report in note.facts.get("reports", {}).items()}
    found = {name: r for name, r in reports.items() if r.violations and not _answered(store, name)}
    if found:
        progress.step(f"{len(found)} of them need an answer: retraining where policy allows it")
    with progress.counted("answered", len(found)) as one_more:
        for name, report in found.items():
            retrain(store, store.project.target(name), report)
            one_more()


def _answered(store: Store, name: str) -> bool:
    with database(store.project).read() as connection:
        return any(e.action in (FIRED, REFUSED) for e in entries(connection, name, limit=500))


def _folder(store: Store, target: Target) -> Path:
    return store.project.root / "data" / (target.segment or "all")


def _has_champion(store: Store, target: Target) -> bool:
    return any("champion" in v.aliases for v in versions(store, target.name, missing_ok=True))
