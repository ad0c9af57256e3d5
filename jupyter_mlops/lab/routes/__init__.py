"""Every route in one table: the handlers, the OpenAPI document and the tests are made from it."""

from jupyter_mlops.lab.route import Route
from jupyter_mlops.lab.routes import alerts, jobs, ledger, models, runs, versions

ROUTES: list[Route] = [
    *models.ROUTES,
    *versions.ROUTES,
    *runs.ROUTES,
    *jobs.ROUTES,
    *alerts.ROUTES,
    *ledger.ROUTES,
]
