"""The magics, and the hooks that remember each executed cell."""

from __future__ import annotations

import os
import re
import sys
from contextlib import ExitStack, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

from IPython.core.async_helpers import _should_be_async
from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from jupyter_mlops import config
from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.magics.arguments import parse_track
from jupyter_mlops.magics.warming import Warming
from jupyter_mlops.tracking import Cell, Options, Session, Source, serve

_STATES = ("on", "off", "status", "last")


@magics_class
class MlopsMagics(Magics):  # type: ignore[misc]  # IPython's types are not followed
    """One for each kernel; the session lives here."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        path = _notebook_path(shell)
        self.session = Session(Path(path).stem or "notebook", Path.cwd(), path)
        serve(self.session)
        self.every_cell = False
        self._depth = 0
        self._place: str | None = None
        self._tracked: Cell | None = None
        self._watched = ExitStack()
        self._said: set[str] = set()
        self.transformers: list[Any] = []
        # A shell that is no kernel's runs a script, or ends when its person is done.
        self._warming = Warming() if hasattr(shell, "kernel") else None
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
        if word == "--help":
            parse_track(word)
            return None
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
        from jupyter_mlops.magics.showing import watching_outputs
        from jupyter_mlops.tracking import ship_soon

        text = Source(source, self._python(cell), self._place)
        error: BaseException | None = None
        try:
            with (
                self.session.track(text, self.shell.user_ns, options) as tracked,
                watching_outputs(self.shell, tracked),
            ):
                ship_soon(self.session.folder)  # so that a long cell is seen while it runs, and its end if it is killed
                error = self._quietly(cell, tracked)
                if error is not None:
                    raise error
        except BaseException as raised:
            if raised is not error:
                raise
        self._card()
        ship_soon(self.session.folder)
        if error is not None:
            raise error

    def _python(self, cell: str) -> str:
        try:
            return str(self.shell.transform_cell(cell))
        except SyntaxError:
            return cell

    def _quietly(self, cell: str, tracked: Cell) -> BaseException | None:
        """Run the cell; its error is formatted by IPython as ever, and shown when it leaves our cell."""
        shown: list[list[str]] = []
        shell = self.shell
        outer = vars(shell).get("_showtraceback")  # of a tracked cell around this one
        shell._showtraceback = lambda _kind, _value, lines: shown.append(lines)
        try:
            result = shell.run_cell(cell)
        finally:
            del shell._showtraceback
            if outer is not None:
                shell._showtraceback = outer
        tracked.returned = result.result
        error: BaseException | None = result.error_before_exec or result.error_in_exec
        if error is not None:
            error._render_traceback_ = lambda: shown[-1] if shown else []  # type: ignore[attr-defined]
            if isinstance(error, SyntaxError):
                self._show_as_ever(error, shown)
        return error

    def _show_as_ever(self, error: SyntaxError, shown: list[list[str]]) -> None:
        """IPython shows a syntax error in its own way, whatever the error says of itself, and would show our frames."""

        def show(*_: Any, **__: Any) -> None:
            del self.shell.showsyntaxerror
            self.shell._showtraceback(type(error), error, shown[-1] if shown else [])

        self.shell.showsyntaxerror = show

    def _card(self) -> None:
        from IPython.display import display

        from jupyter_mlops.magics.card import Card

        if self.session.last is None:
            print("nothing was tracked yet; write %%track over the cell that trains a model")  # noqa: T201
        else:
            display(Card(self.session.last))

    def _say(self, error: MlopsError) -> None:
        print(f"{error}", file=sys.stderr)  # noqa: T201

    def before(self, info: Any) -> None:
        self._depth += 1
        if self._warming is not None and self._depth == 1:
            self._warming.begins()
        if self._depth > 1 or info is None or not info.store_history:
            return
        self._place = getattr(info, "cell_id", None)
        cell = info.raw_cell or ""
        self.session.cell_begins(self._running(cell))
        if _is_awaiting(self.shell, cell):
            self._watch(cell, parse_track(_line_of(cell)), if_seen=False)
        elif self.every_cell and not _has_own_magic(cell):
            self._watch(cell, Options(), if_seen=True)

    def after(self, result: Any) -> None:
        """Remember what ran. A magic that runs its cell fires twice; the outer one, seen last, is the one a person ran."""
        self._depth = max(0, self._depth - 1)
        if self._depth:
            return
        self._settle(result)
        if self._warming is not None:
            self._warming.ended()
        if result.info is not None and result.info.store_history:
            self._remember(result.info.raw_cell, result.success, self._place, result.error_in_exec)

    def _running(self, cell: str) -> Source:
        return Source(cell, self._python(_without_track(cell)), self._place)

    def _watch(self, source: str, options: Options | None, *, if_seen: bool) -> None:
        """A cell that IPython runs as any other: with `%track on`, if it turns out to fit or to score; or one that awaits."""
        from jupyter_mlops.magics.showing import watching_outputs

        if options is None:
            return
        text = self._running(source)
        try:
            tracked = self._watched.enter_context(
                self.session.track(text, self.shell.user_ns, options, if_seen=if_seen)
            )
            self._watched.enter_context(watching_outputs(self.shell, tracked))
        except Exception as error:
            if config.strict():
                raise
            self._say_once(f"this cell is not tracked: {type(error).__name__}: {error}")
        else:
            self._tracked = tracked

    def _settle(self, result: Any) -> None:
        tracked, self._tracked = self._tracked, None
        if tracked is None:
            return
        tracked.returned = result.result
        error = result.error_before_exec or result.error_in_exec
        watched, self._watched = self._watched, ExitStack()
        with suppress(type(error)) if error is not None else nullcontext():
            watched.__exit__(type(error) if error else None, error, None)
        if tracked.status != "RUNNING":
            from jupyter_mlops.tracking import ship_soon

            self._card()
            ship_soon(self.session.folder)

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            print(line, file=sys.stderr)  # noqa: T201

    def _remember(self, source: str, ok: bool, place: str | None = None, error: BaseException | None = None) -> None:
        python = self._python(_without_track(source))
        if isinstance(error, UsageError) and python.startswith("get_ipython().run_cell_magic("):
            python = ""  # of a cell that there is no magic for nothing was run
        try:
            self.session.remember(Source(source, python, place), ok, self.shell.user_ns)
        except Exception as error:
            if config.strict():
                raise
            self._say_once(f"a cell was not remembered, so no slice will hold it: {type(error).__name__}: {error}")


def _help_alone(lines: list[str]) -> list[str]:
    """IPython refuses a cell magic without a cell; who asks it for help has none."""
    asked = "".join(lines).split()
    return ["%track --help\n"] if asked == ["%%track", "--help"] else lines


def _awaited(shell: Any, lines: list[str]) -> list[str]:
    """A cell that awaits is run by the kernel's own loop, which a magic is inside of: its `%%track` is taken off, and seen to
    around it."""
    return _without_track("".join(lines)).splitlines(keepends=True) if _is_awaiting(shell, "".join(lines)) else lines


def _is_awaiting(shell: Any, source: str) -> bool:
    """Whether it is a tracked cell with `await`, `async for` or `async with` outside of any function."""
    if not source.startswith("%%track") or not re.search(r"\b(?:await|async)\b", source):
        return False
    try:
        asked = parse_track(_line_of(source)) if "--help" not in _line_of(source) else None
        body = shell.transform_cell(_without_track(source))
    except Exception:  # noqa: BLE001  # whatever is wrong with it, the magic says it
        return False
    return asked is not None and bool(_should_be_async(body))


def _line_of(source: str) -> str:
    return source.partition("\n")[0].removeprefix("%%track")


def _has_own_magic(source: str) -> bool:
    return source.lstrip().startswith(("%%track", "%track"))


def _without_track(source: str) -> str:
    first, _, rest = source.partition("\n")
    return rest if first.strip().startswith("%%track") else source


def _notebook_path(shell: Any) -> str:
    """From the server, the editor or the job that started us; else empty."""
    for path in (os.environ.get("JPY_SESSION_NAME"), shell.user_ns.get("__vsc_ipynb_file__")):
        if path:
            return str(path)
    return os.environ.get("MLOPS_NOTEBOOK") or ""


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
    magics.transformers = [_help_alone, partial(_awaited, shell)]
    shell.input_transformers_cleanup.extend(magics.transformers)


def unload(shell: Any) -> None:
    """`%unload_ext jupyter_mlops`."""
    magics = getattr(shell, "mlops_magics", None)
    if magics is not None:
        shell.events.unregister("pre_run_cell", magics.before)
        shell.events.unregister("post_run_cell", magics.after)
        for transformer in magics.transformers:
            shell.input_transformers_cleanup.remove(transformer)
        shell.mlops_magics = None
