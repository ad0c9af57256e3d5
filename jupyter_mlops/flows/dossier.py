"""Everything known of one version, from every room that knows something; and what is made of it: card, rules, pack."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_mlops import config
from jupyter_mlops.errors import MlopsError, NotFound
from jupyter_mlops.flows.approving import approvals
from jupyter_mlops.flows.promotion import evidence_of
from jupyter_mlops.governance import Dossier, as_notebook, card_of, contents, write_pack
from jupyter_mlops.ledger import append, checkpoint, entries, entry_body, lineage, proof_of, signing_key
from jupyter_mlops.records import ModelVersion, Run
from jupyter_mlops.registry import version
from jupyter_mlops.store import Store, database, library_of

CARD_MADE = "card made"


def dossier_of(store: Store, name: str, number: int) -> Dossier:
    """What is known now. A part that cannot be read is empty, and so stands as missing wherever it is shown."""
    found = version(store, name, number)
    model, _, segment = name.partition(".")
    declared = model in store.project.file.models
    base = database(store.project)
    with base.read() as connection:
        past = lineage(connection, name)
    run = store.run(found.run_id) if found.run_id else None
    runs, paths = _runs(store, run), _paths(store, found)
    texts = {part: _text(store, runs, part) for part in ("slice.py", "requirements.txt", "environment.json")}
    return Dossier(
        project=store.project.name,
        business_unit=store.project.file.business_unit,
        version=found,
        target=store.project.target(name) if declared else None,
        run=_with_data(run, runs),
        evidence=evidence_of(store, found),
        history=[e for e in past if e.subject == name or e.subject.startswith(f"{name}/")],
        standing=approvals(store, name, number),
        points=[p for p in base.points(model, segment or None) if p.version in (None, number)],
        alerts=[a for a in base.alerts() if (a.model, a.segment) == (model, segment or None)],
        files={name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()},
        library=_library(paths),
        environment=json.loads(texts["environment.json"] or "{}"),
        requirements=[line for line in texts["requirements.txt"].splitlines() if line.strip()],
        code=texts["slice.py"],
        notebook=_notebook(store, runs),
        modules=_modules(store, runs),
    )


def _text(store: Store, runs: list[Run], part: str) -> str:
    """A file of the run that trained it; of the run's last tracked cell when a job ran it."""
    return next((text for run in runs if (text := store.text(run.run_id, part))), "")


def _runs(store: Store, run: Run | None) -> list[Run]:
    return [run, *store.runs(parent=run.run_id)] if run else []


def _with_data(run: Run | None, runs: list[Run]) -> Run | None:
    """A job's data are what its tracked cells learned from and scored on."""
    if run is None or run.datasets:
        return run
    found = {(data.context, data.digest): data for each in runs for data in each.datasets}
    return run.model_copy(update={"datasets": list(found.values())})


def _notebook(store: Store, runs: list[Run]) -> str:
    """The notebook as the job executed it; where a cell was tracked by hand, the cells its result depends on."""
    for run in runs:
        output = Path(run.tags.get("mlops.output", "")).name
        text = store.text(run.run_id, output) if output else ""
        if text:
            return text
    sliced = _text(store, runs, "slice.json")
    return as_notebook(json.loads(sliced)["cells"]) if sliced else ""


def _modules(store: Store, runs: list[Run]) -> dict[str, str]:
    """The modules of the project that the code imported, as they were."""
    listed = json.loads(_text(store, runs, "modules.json") or "[]")
    names = [f"{module['name'].replace('.', '/')}.py" for module in listed]
    found = {name: _text(store, runs, f"modules/{name}") for name in names}
    return {name: text for name, text in found.items() if text}


def _library(paths: dict[str, Path]) -> str:
    """What its MLmodel says; empty where there is none, or none that can be read."""
    with suppress(MlopsError):
        return library_of(paths["MLmodel"].parent) if "MLmodel" in paths else ""
    return ""


def _paths(store: Store, found: ModelVersion) -> dict[str, Path]:
    """The model's files by name; none where they are gone."""
    try:
        folder = store.model_files(found.tags.get("mlops.model_uri", ""))
    except MlopsError:
        return {}
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
    return {p.relative_to(folder).as_posix(): p for p in paths}


def make_card(store: Store, name: str, number: int) -> dict[str, Any]:
    """The card as it is now. One that differs from the last is kept with the run, and entered in the ledger."""
    known = dossier_of(store, name, number)
    made = card_of(known)
    text = json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    subject = f"{name}/{number}"
    last = [e for e in known.history if e.subject == subject and e.action == CARD_MADE]
    if not last or last[-1].after["digest"] != digest:
        if known.version.run_id:
            store.log_text(known.version.run_id, text, f"cards/{digest}.json")
        with database(store.project).begin() as connection:
            append(connection, actor=config.actor(), action=CARD_MADE, subject=subject, after={"digest": digest})
    return made


def evidence_pack(store: Store, name: str, number: int, *, with_model: bool = False) -> bytes:
    """The signed zip, `with_model` with the model's own files. Asked again while nothing has changed, it is the same to
    the byte.
    """
    known = dossier_of(store, name, number)
    key = signing_key(config.ledger_key())
    base = database(store.project)
    with base.begin() as connection:
        made = checkpoint(connection)
    if made is None:
        raise NotFound(f"the ledger says nothing about {name}", "register and validate a version first")
    wanted = [e.seq for e in known.history]
    with base.read() as connection:
        wanted += [e.seq for e in entries(connection, ":policies", limit=1000)]
        proved = [
            (seq, entry_body(connection, seq) or b"", proof_of(connection, seq, made.size))
            for seq in sorted(set(wanted))
        ]
    model = {file: path.read_bytes() for file, path in _paths(store, known.version).items()} if with_model else {}
    return write_pack(known, contents(known, proved, made, key, model), key)
