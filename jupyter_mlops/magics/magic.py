"""The magics, and the hooks that remember each executed cell."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.magics.arguments import parse_track
from jupyter_mlops.tracking import Options, Session

_STATES = ("on", "off", "status", "last")


@magics_class
class MlopsMagics(Magics):  # type: ignore[misc]  # IPython's types are not followed
    """One for each kernel; the session lives here."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.session = Session(_notebook_name(shell), Path.cwd())
        self.every_cell = False
        self._depth = 0
        for earlier in shell.user_ns.get("In", [])[1:-1]:
            self._remember(earlier, True)

    @cell_magic  # type: ignore[untyped-decorator]
    def track(self, line: str, cell: str) -> Any:
        """`%%track [NAME] [--model VAR] [--metric NAME[=EXPR]]…`: run the cell and keep it as a run."""
        try:
            options = parse_track(line)
        except MlopsError as error:
            return self._say(error)
        if options is None:
            return None
        self._run(f"%%track {line}".rstrip() + "\n" + cell, cell, options)
        return None

    @line_magic("track")  # type: ignore[untyped-decorator]
    def track_line(self, line: str) -> Any:
        """`%track on|off|status|last`."""
        word = line.strip() or "status"
        if word not in _STATES:
            from jupyter_mlops.errors import unknown

            return self._say(unknown("word after %track", word, _STATES))
        if word == "last":
            return self._card()
        if word != "status":
            self.every_cell = word == "on"
        print(f"tracking every cell that fits or scores is {'on' if self.every_cell else 'off'}")  # noqa: T201
        return None

    @line_magic  # type: ignore[untyped-decorator]
    def mlops(self, line: str) -> None:
        """`%mlops COMMAND …`: any command of `jupyter mlops`, shown here."""
        from jupyter_mlops.magics.commands import show

        show(line)

    def _run(self, source: str, cell: str, options: Options) -> None:
        """The cell is run by IPython itself; ours is only around it. What it raises fails our cell too, shown once."""
        from jupyter_mlops.tracking import ship_soon

        python = self.shell.transform_cell(cell)
        error: BaseException | None = None
        try:
            with self.session.track(source, python, self.shell.user_ns, options):
                error = self._quietly(cell)
                if error is not None:
                    raise error
        except MlopsError as refusal:
            if refusal is not error:
                self._say(refusal)
                return
        except BaseException as raised:
            if raised is not error:
                raise
        self._card()
        ship_soon(self.session.folder)
        if error is not None:
            raise error

    def _quietly(self, cell: str) -> BaseException | None:
        """Run the cell; its error is formatted by IPython as ever, and shown when it leaves our cell."""
        shown: list[list[str]] = []
        shell = self.shell
        shell._showtraceback = lambda _kind, _value, lines: shown.append(lines)
        try:
            result = shell.run_cell(cell)
        finally:
            del shell._showtraceback
        error: BaseException | None = result.error_before_exec or result.error_in_exec
        if error is not None:
            error._render_traceback_ = lambda: shown[-1] if shown else []  # type: ignore[attr-defined]
        return error

    def _card(self) -> None:
        from IPython.display import display

        from jupyter_mlops.magics.card import Card

        if self.session.last is None:
            print("nothing was tracked yet; write %%track over the cell that trains a model")  # noqa: T201
        else:
            display(Card(self.session.last))

    def _say(self, error: MlopsError) -> None:
        print(f"{error}", file=sys.stderr)  # noqa: T201

    def before(self, _info: Any) -> None:
        self._depth += 1

    def after(self, result: Any) -> None:
        """Remember what ran. A magic that runs its cell fires twice; the outer one, seen last, is the one a person ran."""
        self._depth = max(0, self._depth - 1)
        if self._depth == 0 and result.info is not None and result.info.store_history:
            self._remember(result.info.raw_cell, result.success)

    def _remember(self, source: str, ok: bool) -> None:
        python = self.shell.transform_cell(_without_track(source))
        self.session.history.add(source, python, ok)


def _without_track(source: str) -> str:
    first, _, rest = source.partition("\n")
    return rest if first.strip().startswith("%%track") else source


def _notebook_name(shell: Any) -> str:
    """From the server, the editor or the job that started us; else what a person would call it."""
    for path in (os.environ.get("JPY_SESSION_NAME"), shell.user_ns.get("__vsc_ipynb_file__")):
        if path:
            return Path(str(path)).stem
    return os.environ.get("MLOPS_NOTEBOOK") or "notebook"


def load(shell: Any) -> None:
    """`%load_ext jupyter_mlops`. A second time changes nothing."""
    if getattr(shell, "mlops_magics", None) is not None:
        return
    if not hasattr(shell, "register_magics"):
        raise BadInput("this is no IPython kernel", "use a Python notebook")
    magics = MlopsMagics(shell)
    shell.mlops_magics = magics
    shell.register_magics(magics)
    shell.events.register("pre_run_cell", magics.before)
    shell.events.register("post_run_cell", magics.after)


def unload(shell: Any) -> None:
    """`%unload_ext jupyter_mlops`."""
    magics = getattr(shell, "mlops_magics", None)
    if magics is not None:
        shell.events.unregister("pre_run_cell", magics.before)
        shell.events.unregister("post_run_cell", magics.after)
        shell.mlops_magics = None
