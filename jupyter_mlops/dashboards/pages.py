"""The three pages: a document at once, and alive when the kernel is connected (what is asked for, refreshed, followed)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
from IPython.display import display
from markupsafe import Markup

from jupyter_mlops.dashboards import html as h
from jupyter_mlops.dashboards import view_governance, view_monitoring, view_portfolio
from jupyter_mlops.dashboards.reading import Documents, Source
from jupyter_mlops.dashboards.view import Options, View
from jupyter_mlops.errors import MlopsError, NotFound

FOLLOW_SECONDS = 3.0


@dataclass(frozen=True)
class Page:
    """`top` is None while its document was never written; `rest` is what the person's choices change."""

    name: str
    top: Callable[[Documents], Markup | None]
    rest: Callable[[Documents, View], Markup]
    shows: Callable[[Documents], Options]
    orders: Options = ()
    show_label: str = "Show"


PORTFOLIO = Page(
    "portfolio", view_portfolio.top, view_portfolio.rest, view_portfolio.shows, orders=view_portfolio.ORDERS
)
MONITORING = Page("monitoring", view_monitoring.top, view_monitoring.rest, view_monitoring.shows, show_label="Measure")
GOVERNANCE = Page("governance", view_governance.top, view_governance.rest, view_governance.shows)


def portfolio() -> None:
    """Which models run the business, what they earn, what is at risk, who owns them."""
    Live(PORTFOLIO).show()


def monitoring() -> None:
    """How the models do now against what they promised, what needs a person, what was retrained."""
    Live(MONITORING).show()


def governance() -> None:
    """Who decided what, on which evidence, and whether the record of it holds."""
    Live(GOVERNANCE).show()


def content(page: Page, source: Source) -> tuple[Documents, Markup, bool]:
    """What was read, the page's upper part, and whether there is more; in place of a fault, its reason and fix."""
    try:
        documents = source.read()
    except MlopsError as error:
        title = "There are no figures yet" if isinstance(error, NotFound) else "This project cannot be read"
        return Documents(), h.message(title, error.message, error.fix), False
    top = page.top(documents)
    if top is None:
        return documents, h.message("There are no figures yet", _NOTHING, _FIRST), False
    return documents, top, True


_NOTHING = "Nothing was promoted or watched in this project yet. They appear here by themselves when something is."
_FIRST = "`jupyter mlops promote MODEL VERSION --reason TEXT` puts a model in service, `jupyter mlops monitor MODEL` watches it."


class Live:
    """One opened page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._source = Source()
        self._documents, self._more = Documents(), False
        self._top, self._rest = widgets.HTML(), widgets.HTML()
        self._show = widgets.Dropdown(description=page.show_label)
        self._order = widgets.Dropdown(description="Order by", options=page.orders)
        self._find = widgets.Text(description="Find", placeholder="model, owner, reason …")
        self._refresh = widgets.Button(description="Refresh", tooltip="Read the figures again")
        controls = [self._show, *([self._order] if page.orders else []), self._find, self._refresh]
        self._controls = widgets.HBox(controls).add_class("mx-controls")
        self._whole = widgets.VBox([self._top, self._controls, self._rest]).add_class("mx").add_class("mx-live")
        self.read()
        for chosen in (self._show, self._order, self._find):
            chosen.observe(self._ask, "value")
        self._refresh.on_click(lambda _: self.read())

    def show(self) -> None:
        """Display it as a widget, with the same page as HTML for whoever shows it before the kernel is connected."""
        bundle: dict[str, Any] = self._whole._repr_mimebundle_()
        display({**bundle, "text/html": self.document()}, raw=True)
        self._following = asyncio.get_running_loop().create_task(self._follow())

    def document(self) -> str:
        """The page as HTML."""
        parts = [self._top.value, "<div class='mx-controls-place'></div>" if self._more else "", self._rest.value]
        return f"<div class='mx'>{''.join(parts)}</div>"

    def read(self) -> None:
        """Read the figures again and show them, keeping what the person asked for where it still exists."""
        self._documents, top, self._more = content(self.page, self._source)
        asked, options = self._show.value, tuple(self.page.shows(self._documents))
        if options != self._show.options:
            values = [value for _, value in options]
            self._show.options = options
            self._show.index = values.index(asked) if asked in values else 0 if options else None
        self._top.value = h.style() + top
        self._controls.layout.display = None if self._more else "none"
        self._ask()

    def _ask(self, _change: object = None) -> None:
        view = View(self._show.value or "", self._order.value or "", self._find.value)
        self._rest.value = self.page.rest(self._documents, view) if self._more else ""

    async def _follow(self) -> None:
        """Read again when somebody wrote; while there is nothing to look at, try again."""
        seen = self._source.stamp()
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            now = self._source.stamp()
            if now is None or now != seen:
                self.read()
                seen = self._source.stamp()
