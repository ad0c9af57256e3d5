"""`jupyter mlops ...`: each command reads what a person typed, calls one flow or stage, and shows the record."""

from jupyter_mlops.cli.main import main

__all__ = ["main"]
