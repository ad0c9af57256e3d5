"""Every command there is, in the order of `--help`. What is not built is not here."""

from jupyter_mlops.cli.command import Command
from jupyter_mlops.cli.commands import (
    approvals,
    dashboards,
    decisions,
    drift,
    ledger,
    monitor,
    plan,
    policy,
    proof,
    quickstart,
    registry,
    runs,
    serve,
    server,
    setup,
    training,
    validation,
)

COMMANDS: list[Command] = [
    *quickstart.COMMANDS,
    *setup.COMMANDS,
    *training.COMMANDS,
    *runs.COMMANDS,
    *registry.COMMANDS,
    *validation.COMMANDS,
    *decisions.COMMANDS,
    *approvals.COMMANDS,
    *policy.COMMANDS,
    *serve.COMMANDS,
    *drift.COMMANDS,
    *monitor.COMMANDS,
    *plan.COMMANDS,
    *ledger.COMMANDS,
    *proof.COMMANDS,
    *dashboards.COMMANDS,
    *server.COMMANDS,
]
