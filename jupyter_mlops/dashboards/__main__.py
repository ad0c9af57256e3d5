"""`python -m jupyter_mlops.dashboards ROOT PORT`: the pages on their own, until interrupted."""

import os
import sys
from pathlib import Path

from jupyter_mlops.dashboards.starting import voila_command

os.chdir(sys.argv[1])
command = voila_command(Path(sys.argv[1]), int(sys.argv[2]))
os.execv(command[0], command)  # noqa: S606  (our own interpreter and words, no shell wanted)
