"""The pages for executives: they show figures that were computed when something changed, and compute nothing."""

from jupyter_mlops.dashboards.pages import governance, monitoring, portfolio
from jupyter_mlops.dashboards.starting import voila_command

__all__ = ["governance", "monitoring", "portfolio", "voila_command"]
