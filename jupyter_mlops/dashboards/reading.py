"""Where a page's figures come from: the project's documents, or the reason why there are none and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from jupyter_mlops.errors import MlopsError, NotFound, Unavailable
from jupyter_mlops.project import FILE, Project, find
from jupyter_mlops.records import GovernanceFigures, MonitoringFigures, PortfolioFigures, Record
from jupyter_mlops.store import Database, database

Document = TypeVar("Document", bound=Record)


@dataclass(frozen=True)
class Documents:
    """What was last put; a document that was never written is None."""

    portfolio: PortfolioFigures | None = None
    monitoring: MonitoringFigures | None = None
    governance: GovernanceFigures | None = None


class Source:
    """The project around the page. Reading never creates anything: a project without a database has no figures."""

    def __init__(self) -> None:
        self._base: Database | None = None

    def read(self) -> Documents:
        """Raises MlopsError with a fix, whatever is wrong. What could not be read is opened anew the next time."""
        base, self._base = self._base, None
        try:
            base = base or _open()
            documents = Documents(
                portfolio=_document(base, "portfolio", PortfolioFigures),
                monitoring=_document(base, "monitoring", MonitoringFigures),
                governance=_document(base, "governance", GovernanceFigures),
            )
        except MlopsError:
            raise
        except ValidationError as error:
            raise Unavailable(
                f"the figures in the database do not fit this version of jupyter_mlops ({error.error_count()} faults)",
                "write them anew: `jupyter mlops monitor MODEL`",
            ) from error
        except Exception as error:
            raise Unavailable(
                f"the project's database cannot be read: {error}",
                "`jupyter mlops doctor` looks closer; a damaged file is put back from its last copy",
            ) from error
        self._base = base
        return documents

    def stamp(self) -> object:
        """Differs when somebody wrote to the database; None while there is nothing to look at."""
        try:
            return self._base.changed() if self._base is not None else None
        except Exception:  # noqa: BLE001  (reading again will say what is wrong)
            return None


def _open() -> Database:
    project = find()
    if not project.database.is_file():
        raise _nothing(project)
    return database(project)


def _nothing(project: Project) -> NotFound:
    if (project.root / FILE).is_file() or project.home.is_dir():
        return NotFound(
            f"nothing was trained, promoted or watched in {project.name} yet, so there are no figures",
            "`jupyter mlops run NOTEBOOK` trains a model; `jupyter mlops quickstart DIR` shows the whole loop on real data",
        )
    return NotFound(
        f"{project.root} is not a project: there is no {FILE} in it, nor above it",
        "`jupyter mlops init` makes it one; `jupyter mlops quickstart DIR` makes a new one with real data",
    )


def _document(base: Database, name: str, kind: type[Document]) -> Document | None:
    found = base.figures(name)
    return None if found is None else kind.model_validate(found)
