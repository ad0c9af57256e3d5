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

    serve(project_of(args), args.models, host=args.host, port=args.port, no_auth=args.no_auth, ready=ready)
    return Result(None)


def _words(parser: ArgumentParser) -> None:
    parser.add_argument("models", metavar="MODEL[@ALIAS]", nargs="+")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS")
    parser.add_argument("--port", type=int, default=8090, metavar="N", help="0 takes any free one")
    parser.add_argument("--no-auth", action="store_true", help="answer other machines without an API key")


def _key(args: Namespace) -> Result:
    from jupyter_mlops.serving import new_key

    key, digest = new_key()
    entry = {"name": args.name, "sha256": digest} | ({"models": args.model} if args.model else {})
    line = f"auth: {{keys: [{json.dumps(entry)}]}}"
    return Result({"key": key, "entry": entry}, f"{key}\n\nIt is shown once and kept nowhere. In mlops.yaml:\n\n{line}")


def _key_words(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="whose key it is")
    parser.add_argument("--model", metavar="MODEL", action="append", help="only this model (may be repeated)")


COMMANDS = [
    Command(
        "serve", "an alias as an endpoint", "jupyter mlops serve rul.plant-01@champion --port 8090", _serve, _words
    ),
    Command("key", "an API key for an endpoint", "jupyter mlops key erp --model rul", _key, _key_words),
]
