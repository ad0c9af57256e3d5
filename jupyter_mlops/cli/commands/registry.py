"""Browse and register models."""

from __future__ import annotations

import unicodedata
from argparse import ArgumentParser, Namespace

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of
from jupyter_mlops.store import open_store


def _models(args: Namespace) -> Result:
    from jupyter_mlops.registry import models

    found = models(open_store(project_of(args)))
    rows = [(_marked(m.name), m.aliases.get("champion"), m.latest, m.risk, m.owner, m.updated) for m in found]
    headers = ("MODEL", "CHAMPION", "LATEST", "RISK", "OWNER", "UPDATED")
    return Result(found, text.table(rows, headers, "no models yet; register one: jupyter mlops register RUN MODEL"))


def _marked(name: str) -> str:
    """A name that others registered may look like another one's: letters beyond our own are told by their names."""
    odd = dict.fromkeys(c for c in name if not (c.isascii() and c.isprintable()))
    told = ", ".join(unicodedata.name(c, f"U+{ord(c):04X}") for c in list(odd)[:3])
    return f"{name} (holds {told})" if odd else name


def _versions(args: Namespace) -> Result:
    from jupyter_mlops.registry import versions

    found = versions(open_store(project_of(args)), args.model)
    rows = [(v.version, ", ".join(v.aliases), text.metrics(v.metrics), v.run_id[:8], v.created) for v in found]
    return Result(found, text.table(rows, ("VERSION", "ALIASES", "METRICS", "RUN", "CREATED"), "no versions yet"))


def _register(args: Namespace) -> Result:
    from jupyter_mlops.registry import register

    made = register(open_store(project_of(args)), args.run_id, args.model)
    return Result(made, f"{made.model} version {made.version} is registered from run {made.run_id[:8]}")


def _name(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a registered model's name")


def _run_and_name(parser: ArgumentParser) -> None:
    parser.add_argument("run_id", metavar="RUN", help="a run's id, or the beginning of one")
    _name(parser)


COMMANDS = [
    Command("models", "the registered models", "jupyter mlops models", _models),
    Command("versions", "the versions of one model", "jupyter mlops versions rul.plant-01", _versions, _name),
    Command("register", "a version from a run", "jupyter mlops register 3f2a91bc rul", _register, _run_and_name),
]
