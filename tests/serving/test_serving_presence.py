"""Which servers of a project run, as others see it."""

import json
import os
import socket

from declared import MLOPS_YAML

from jupyter_mlops.project import load
from jupyter_mlops.serving import running
from jupyter_mlops.serving.presence import FOLDER, Presence


def _project(root):
    (root / "mlops.yaml").write_text(MLOPS_YAML)
    return load(root)


def test_a_server_is_seen_while_it_lives(tmp_path):
    project = _project(tmp_path)
    assert running(project) == []
    presence = Presence(project, "http://127.0.0.1:1")
    presence.say({"rul.plant-01": 12})
    presence.say({"rul.plant-01": 3})
    (one,) = running(project)
    assert (one.url, one.models) == ("http://127.0.0.1:1", {"rul.plant-01": 3})
    presence.close()
    assert running(project) == []


def test_one_that_was_killed_is_forgotten_and_one_elsewhere_is_believed_for_a_while(tmp_path):
    project = _project(tmp_path)
    folder = project.home / FOLDER
    folder.mkdir(parents=True)
    left = {"url": "http://a:1", "host": "elsewhere", "pid": 1, "models": {}}
    (folder / "elsewhere.json").write_text(json.dumps(left))
    (folder / "torn.json").write_text("{")
    assert [one.host for one in running(project)] == ["elsewhere"]

    os.utime(folder / "elsewhere.json", (0, 0))
    assert running(project) == []
    (folder / "dead.json").write_text(json.dumps({**left, "host": socket.gethostname()}))
    assert running(project) == []
    assert not (folder / "dead.json").exists()
