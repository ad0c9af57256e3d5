"""Files scored by a model of the registry, and people erased from what was logged about them."""

from __future__ import annotations

import time
from pathlib import Path

from jupyter_mlops import config
from jupyter_mlops.errors import BadInput
from jupyter_mlops.ledger import append
from jupyter_mlops.project import Project
from jupyter_mlops.registry import load
from jupyter_mlops.serving import InferenceLog, Keyed, Privacy, recover, score_file
from jupyter_mlops.store import database, open_store


def score_files(project: Project, reference: str, files: list[Path], out: Path | None = None) -> dict[str, int]:
    """Rows scored, by the file of predictions they went to: beside each file, or in the folder `out`."""
    store = open_store(project)
    loaded = load(store, reference)
    target = project.target(loaded.version.model)
    done: dict[str, int] = {}
    for file in files:
        folder = out or file.parent
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / f"{file.name.partition('.')[0]}.predictions.parquet"
        if str(place) in done:
            raise BadInput(f"two files would go to {place}", "score them into folders of their own with -o")
        done[str(place)] = score_file(project, loaded, target, file, place)
    return done


def erase(project: Project, model: str, value: str, *, reason: str) -> int:
    """Every logged row about this entity, in all segments, with its outcomes; how many rows. Entered without the value.

    What a server has answered and not yet logged is not logged any more. Rows in files people made themselves stay.
    """
    if not reason.strip():
        raise BadInput("a decision needs a reason", "say why with --reason TEXT", field="reason")
    spec = project.model(model)
    column = spec.data.entity
    if column is None:
        raise BadInput(
            f"models.{model}.data.entity is not declared, so nobody knows whose row is whose",
            "declare the column in mlops.yaml",
            field="data.entity",
        )
    keyed, privacy, log = Keyed(project), Privacy(project), InferenceLog(project)
    kept = {privacy.as_kept(target, column, value) for target in project.targets(model)}
    for one in kept:
        keyed.forget(model, column, one, time.time())
    recover(project)
    rows = sum(log.erase(model, segment, column, kept) for segment in (None, *spec.segments))
    with database(project).begin() as connection:
        append(
            connection,
            actor=config.actor(),
            action="rows erased",
            subject=model,
            after={"rows": rows, "entity": keyed.hash(value)},
            reason=reason,
        )
    return rows
