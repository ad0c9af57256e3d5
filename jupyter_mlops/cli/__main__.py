"""`python -m jupyter_mlops.cli`, for those who start us without the `jupyter` command on the path."""

import sys

from jupyter_mlops.cli.main import main

sys.exit(main())
