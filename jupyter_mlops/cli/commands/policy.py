"""Policies as code: what is in force, a check of a file, and what it would have said of the past."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of, typed_path
from jupyter_mlops.errors import BadInput, NotFound
from jupyter_mlops.governance import Policy, acting, parse_policy
from jupyter_mlops.project import Project
from jupyter_mlops.store import Database, database, foreign_database


def _policy(args: Namespace) -> Result:
    return _ACTS[args.what](args)


def _base(args: Namespace) -> Database:
    return foreign_database(args.database) if args.database else database(project_of(args))


def _file(args: Namespace) -> Policy:
    if not args.name:
        raise BadInput(
            f"`policy {args.what}` needs a file", f"jupyter mlops policy {args.what} policies/high-risk.yaml"
        )
    path = typed_path(args.name)
    if not path.is_file():
        raise NotFound(f"there is no policy file {path}", "write one; see `jupyter mlops policy --help`")
    return parse_policy(path.read_text(encoding="utf-8", errors="replace"), args.name)


def _list(args: Namespace) -> Result:
    from jupyter_mlops.governance import in_force

    with _base(args).read() as connection:
        found = in_force(connection)
    rows = [(p.policy, p.digest[:12], ", ".join(p.models), ", ".join(p.risk) or "all", _asks(p)) for p in found]
    data = [{"digest": p.digest, **p.model_dump(mode="json", by_alias=True)} for p in found]
    empty = "no policy is in force; the gates of mlops.yaml and a reason decide"
    return Result(data, text.table(rows, ("POLICY", "DIGEST", "MODELS", "RISK", "ASKS"), empty))


def _asks(policy: Policy) -> str:
    asked = [f"{count} {role}" for role, count in policy.approvals.roles.items()] if policy.approvals else []
    return (
        ", ".join(asked + [f"a gate on {gate}" for gate in [*policy.looked_up, *(g.kind for _, g in policy.demands)]])
        or "evidence and a reason"
    )


def _check(args: Namespace) -> Result:
    policy = _file(args)
    return Result(
        {"policy": policy.policy, "digest": policy.digest}, f"{policy.policy} is a policy: digest {policy.digest}"
    )


def _apply(args: Namespace) -> Result:
    from jupyter_mlops.flows import apply_policies, declared_policies

    project: Project | None = None if args.database else project_of(args)
    policies = [_file(args)] if args.name else declared_policies(project) if project else []
    if not policies:
        raise BadInput("there is no policy to apply", "name a file, or list files under `policies` in mlops.yaml")
    base = _base(args)
    with acting(reason=args.reason or "") as act:
        made = apply_policies(base, policies, act)
    data = {"entries": made, "policies": [{"policy": p.policy, "digest": p.digest} for p in policies]}
    said = f"ledger entries {', '.join(map(str, made))}" if made else "nothing changed: they were in force already"
    return Result(data, f"in force: {', '.join(p.policy for p in policies)} ({said})")


def _withdraw(args: Namespace) -> Result:
    from jupyter_mlops.governance import withdraw_policy

    if not args.name:
        raise BadInput("`policy withdraw` needs a policy's name", "list them with `jupyter mlops policy list`")
    with acting(reason=args.reason or "") as act, _base(args).begin() as connection:
        entry = withdraw_policy(connection, args.name, act)
    return Result({"entry": entry.seq}, f"{args.name} is not in force any more (ledger entry {entry.seq})")


def _test(args: Namespace) -> Result:
    from jupyter_mlops.governance import rehearse

    policy = _file(args)
    with _base(args).read() as connection:
        found = rehearse(connection, policy)
    differs = [f for f in found if f["differs"]]
    rows = [(f["entry"], f["model"], f["version"], f["by"], f["was"], f["would"], f["why"][:100]) for f in differs]
    headers = ("ENTRY", "MODEL", "VERSION", "WHO", "WAS", "WOULD", "WHY")
    said = f"{len(found)} past decisions, {len(differs)} would have gone the other way\n"
    data = {"policy": policy.policy, "digest": policy.digest, "decisions": found, "differs": len(differs)}
    return Result(data, said + text.table(rows, headers, ""))


_ACTS = {"list": _list, "check": _check, "apply": _apply, "withdraw": _withdraw, "test": _test}


def _words(parser: ArgumentParser) -> None:
    parser.add_argument("what", choices=list(_ACTS), nargs="?", default="list")
    parser.add_argument("name", metavar="FILE", nargs="?", help="a policy file; for withdraw, a policy's name")
    parser.add_argument("--reason", metavar="TEXT", help="why the policy changes; needed by apply and withdraw")
    parser.add_argument("--database", metavar="URL", help="a server's database, in place of the project's")


COMMANDS = [
    Command(
        "policy",
        "what is in force; check, test, apply or withdraw a policy file",
        'jupyter mlops policy apply policies/high-risk.yaml --reason "agreed in the risk board"',
        _policy,
        _words,
    )
]
