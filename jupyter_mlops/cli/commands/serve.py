"""Endpoints."""

from __future__ import annotations

import json
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace

from jupyter_mlops.cli.command import Command, Result, project_of, typed_path


def _serve(args: Namespace) -> Result:
    from jupyter_mlops.flows import serve

    def ready(url: str) -> None:
        answer = {"ok": True, "data": {"url": url, "models": args.models}}
        print(
            json.dumps(answer) if args.json else f"serving {', '.join(args.models)} at {url} (Ctrl-C stops)", flush=True
        )

    project = project_of(args)
    crew = [sys.executable, "-m", "jupyter_mlops.cli", "--project", str(project.root), "serve", *args.models]
    crew += ["--host", args.host, *(["--no-auth"] if args.no_auth else []), "--shared"]
    serve(
        project,
        args.models,
        host=args.host,
        port=args.port,
        no_auth=args.no_auth,
        crew=crew,
        workers=args.workers,
        shared=args.shared,
        ready=ready,
    )
    return Result(None)


def _words(parser: ArgumentParser) -> None:
    parser.add_argument("models", metavar="MODEL[@ALIAS]", nargs="+")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS")
    parser.add_argument("--port", type=int, default=8090, metavar="N", help="0 takes any free one")
    parser.add_argument(
        "--workers", type=_count, default=1, metavar="N", help="processes that share the port (default: 1)"
    )
    parser.add_argument("--shared", type=int, default=None, help=SUPPRESS)
    parser.add_argument("--no-auth", action="store_true", help="answer other machines without an API key")


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to 64")
    return int(text)


def _key(args: Namespace) -> Result:
    from jupyter_mlops.serving import new_key

    key, digest = new_key()
    entry = {"name": args.name, "sha256": digest} | ({"models": args.model} if args.model else {})
    line = f"auth: {{keys: [{json.dumps(entry)}]}}"
    return Result({"key": key, "entry": entry}, f"{key}\n\nIt is shown once and kept nowhere. In mlops.yaml:\n\n{line}")


def _key_words(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="whose key it is")
    parser.add_argument("--model", metavar="MODEL", action="append", help="only this model (may be repeated)")


def _deploy(args: Namespace) -> Result:
    from jupyter_mlops.serving import differences, render, write

    files, folder = render(project_of(args), args.image), typed_path(args.output)
    found = differences(files, folder)
    if args.diff:
        return Result({"folder": str(folder), "diff": found}, found or "nothing would change", 1 if found else 0)
    write(files, folder)
    names = ", ".join(files)
    return Result({"folder": str(folder), "files": list(files), "changed": bool(found)}, f"{names} in {folder}")


def _deploy_words(parser: ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="DIR", default="deploy", help="default: deploy")
    parser.add_argument("--image", metavar="NAME", default="mlops-models:latest")
    parser.add_argument("--diff", action="store_true", help="show what would change, and write nothing")


def _score(args: Namespace) -> Result:
    from jupyter_mlops.flows import score_files

    files = [typed_path(file) for file in args.files]
    done = score_files(project_of(args), args.model, files, typed_path(args.output) if args.output else None)
    text = "\n".join(f"{rows} rows scored into {place}" for place, rows in done.items())
    return Result({"files": [{"path": place, "rows": rows} for place, rows in done.items()]}, text)


def _score_words(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL[@ALIAS]")
    parser.add_argument("files", metavar="FILE", nargs="+", help="Parquet or CSV")
    parser.add_argument("-o", "--output", metavar="DIR", help="where the predictions go (default: beside each file)")


def _erase(args: Namespace) -> Result:
    from jupyter_mlops.flows import erase

    rows = erase(project_of(args), args.model, args.entity, reason=args.reason)
    return Result({"model": args.model, "rows": rows}, f"{rows} rows about it are erased, with their outcomes")


def _erase_words(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--entity", metavar="VALUE", required=True, help="a value of the column data.entity")
    parser.add_argument("--reason", metavar="TEXT", required=True)


COMMANDS = [
    Command(
        "serve", "an alias as an endpoint", "jupyter mlops serve rul.plant-01@champion --port 8090", _serve, _words
    ),
    Command(
        "deploy",
        "files to run the endpoints elsewhere: Dockerfile, Kubernetes, KServe",
        "jupyter mlops deploy --image registry.example.com/rul:1.4 -o deploy",
        _deploy,
        _deploy_words,
    ),
    Command(
        "score",
        "files, by a model and into its log",
        "jupyter mlops score rul.plant-01 may.parquet",
        _score,
        _score_words,
    ),
    Command(
        "erase",
        "what was logged about one entity",
        'jupyter mlops erase rul --entity 4711 --reason "asked to be forgotten"',
        _erase,
        _erase_words,
    ),
    Command("key", "an API key for an endpoint", "jupyter mlops key erp --model rul", _key, _key_words),
]
