"""Endpoints."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from jupyter_mlops.cli.command import Command, Result, project_of


def _serve(args: Namespace) -> Result:
    from jupyter_mlops.flows import serve

    def ready(url: str) -> None:
        answer = {"ok": True, "data": {"url": url, "models": args.models}}
        print(
            json.dumps(answer) if args.json else f"serving {', '.join(args.models)} at {url} (Ctrl-C stops)", flush=True
        )

    serve(project_of(args), args.models, host=args.host, port=args.port, ready=ready)
    return Result(None)


def _words(parser: ArgumentParser) -> None:
    parser.add_argument("models", metavar="MODEL[@ALIAS]", nargs="+")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS")
    parser.add_argument("--port", type=int, default=8090, metavar="N", help="0 takes any free one")


COMMANDS = [
    Command("serve", "an alias as an endpoint", "jupyter mlops serve rul.plant-01@champion --port 8090", _serve, _words)
]
