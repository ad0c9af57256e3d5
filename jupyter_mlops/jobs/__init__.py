"""A notebook and its parameters become a run, one or many; what happened is the supervisor's word.

`parameters` reads what a notebook declares (`kinds`, `hints`, `literals`), `given` what people write, `values` makes sure
that it is data, `injecting` writes it into the notebook. `preparing` holds a task against its notebook; `fleet` runs many
through `supervise`, which runs one: `engine` executes it over what `connecting` reached, `watching` keeps its kernel, `ends`
says how it ended. `identity`, `finished` know a job again; `parcels` sends one to another process, `clusters` to Dask;
`results` is the fleet's own run, `asked` what it was asked for; `repeating` runs a job once more from what its run keeps;
`following` tells how far one is, `burying` ends one that runs and closes what lost its supervisor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.jobs.given import Matrix, read_duration, read_file, read_words
from jupyter_mlops.jobs.parameters import Parameter, check, schema
from jupyter_mlops.kernels import postpone_grammars

if TYPE_CHECKING:
    from jupyter_mlops.jobs.asked import asked_of
    from jupyter_mlops.jobs.burying import cancel, close_dead
    from jupyter_mlops.jobs.clusters import cluster
    from jupyter_mlops.jobs.engine import WarmEngine
    from jupyter_mlops.jobs.fleet import run_fleet
    from jupyter_mlops.jobs.following import executed, progress, under_way
    from jupyter_mlops.jobs.parcels import Delivered, Parcel, opened, work_on
    from jupyter_mlops.jobs.preparing import prepared
    from jupyter_mlops.jobs.repeating import Kept, kept, repeat
    from jupyter_mlops.jobs.supervise import run_notebook
    from jupyter_mlops.jobs.tasks import Task, called

__all__ = [
    "Delivered",
    "Kept",
    "Matrix",
    "Parameter",
    "Parcel",
    "Task",
    "WarmEngine",
    "asked_of",
    "called",
    "cancel",
    "check",
    "close_dead",
    "cluster",
    "executed",
    "kept",
    "opened",
    "prepared",
    "progress",
    "read_duration",
    "read_file",
    "read_words",
    "repeat",
    "run_fleet",
    "run_notebook",
    "schema",
    "under_way",
    "work_on",
]

postpone_grammars()  # this room reads notebooks

# papermill costs seconds to import, so it waits until a job is run.
_LATER = {
    "Delivered": "parcels",
    "Kept": "repeating",
    "Parcel": "parcels",
    "Task": "tasks",
    "WarmEngine": "engine",
    "asked_of": "asked",
    "called": "tasks",
    "cancel": "burying",
    "close_dead": "burying",
    "cluster": "clusters",
    "executed": "following",
    "kept": "repeating",
    "opened": "parcels",
    "prepared": "preparing",
    "progress": "following",
    "repeat": "repeating",
    "run_fleet": "fleet",
    "run_notebook": "supervise",
    "under_way": "following",
    "work_on": "parcels",
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f"jupyter_mlops.jobs.{_LATER[name]}"), name)
    raise AttributeError(name)
