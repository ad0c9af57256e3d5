"""The three pages. Each asks for its document, shows it, or says in plain words why there is nothing to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from IPython.display import HTML, display

from jupyter_mlops.dashboards import html
from jupyter_mlops.dashboards.governance import governance_html
from jupyter_mlops.dashboards.monitoring import monitoring_html
from jupyter_mlops.dashboards.portfolio import portfolio_html
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import find
from jupyter_mlops.records import GovernanceFigures, MonitoringFigures, PortfolioFigures, Record
from jupyter_mlops.store import database

Figures = TypeVar("Figures", bound=Record)


def portfolio() -> None:
    """Which models run the business, what they earn, what is at risk."""
    _show("portfolio", PortfolioFigures, portfolio_html)


def monitoring() -> None:
    """How they do now, against what they promised."""
    _show("monitoring", MonitoringFigures, monitoring_html)


def governance() -> None:
    """Who decided what, on which evidence, and whether the record holds."""
    _show("governance", GovernanceFigures, governance_html)


def _show(name: str, kind: type[Figures], render: Callable[[Figures], str]) -> None:
    display(HTML(page(name, kind, render)))


def page(name: str, kind: type[Figures], render: Callable[[Any], str]) -> str:
    """The page's HTML; a project that cannot be read gives its reason and fix, never a traceback."""
    try:
        document = database(find()).figures(name)
    except MlopsError as error:
        return html.frame(html.message("This project cannot be read", error.message, error.fix))
    if document is None:
        fix = "Run `jupyter mlops quickstart`, or promote or monitor a model; the figures appear by themselves."
        return html.frame(
            html.message("There are no figures yet", "Nothing was promoted or watched in this project.", fix)
        )
    return html.frame(render(kind.model_validate(document)))
