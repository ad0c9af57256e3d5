"""A run asked for the moment its card appears, while its record is on the way to MLflow."""

import fcntl
import threading

import pytest

from jupyter_mlops.cli import main
from jupyter_mlops.errors import NotFound
from jupyter_mlops.project import Project
from jupyter_mlops.store import Store, open_store
from jupyter_mlops.tracking import Options, Session, Source, arrived, journal
from jupyter_mlops.tracking.shipping import _ship_one


def _tracked(project: Project) -> str:
    session = Session("nb", project.root)
    with session.track(Source("x = 1", "x = 1"), {}, Options(metrics={"mae": "0.5"})):
        pass
    return session.last.key


def _whole(store: Store, run) -> None:
    assert run.status == "FINISHED"
    assert run.metrics == {"mae": 0.5}
    assert store.text(run.run_id, "slice.json")


def test_half_a_run_is_made_whole_before_it_is_shown(project: Project):
    key, store = _tracked(project), open_store(project)
    half = store.create_run("nb", "nb", key=key)
    _whole(store, arrived(store, half))
    _whole(store, arrived(store, key))


def test_another_ones_shipping_is_waited_for(project: Project):
    """Somebody else holds the lock and ships the record: who waited for the lock finds nothing to ship, and the run."""
    key, store = _tracked(project), open_store(project)
    found = []
    asking = threading.Thread(target=lambda: found.append(arrived(open_store(project), key)))
    with (project.home / "journal.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        asking.start()
        asking.join(0.5)
        assert found == []
        [folder] = journal.waiting(project.home)
        assert _ship_one(store, project.home, folder)
    asking.join()
    _whole(store, found[0])


def test_the_number_on_the_card_names_the_run(project: Project, capsys):
    key = _tracked(project)
    assert main(["show", key[:8], "--project", str(project.root)]) == 0
    assert "FINISHED" in capsys.readouterr().out
    for wrong in ("abc", "no'such", "feedfeed"):
        with pytest.raises(NotFound, match="no run begins"):
            open_store(project).run(wrong)
