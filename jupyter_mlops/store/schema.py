"""Our tables beside MLflow's, and the indexes MLflow lacks. All named `mlops_*`, so its migrations never meet them."""

from __future__ import annotations

import sqlalchemy as sa

VERSION = 1

metadata = sa.MetaData()

meta = sa.Table(
    "mlops_meta",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

figures = sa.Table(
    "mlops_figures",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
)

points = sa.Table(
    "mlops_points",
    metadata,
    sa.Column("model", sa.String(256), primary_key=True),
    sa.Column("segment", sa.String(256), primary_key=True, default=""),
    sa.Column("metric", sa.String(256), primary_key=True),
    sa.Column("slice", sa.String(256), primary_key=True, default=""),
    sa.Column("start", sa.String(32), primary_key=True),
    sa.Column("end", sa.String(32), primary_key=True),
    sa.Column("version", sa.Integer),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("low", sa.Float),
    sa.Column("high", sa.Float),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("coverage", sa.Float),
)

alerts = sa.Table(
    "mlops_alerts",
    metadata,
    sa.Column("alert_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("model", sa.String(256), nullable=False),
    sa.Column("segment", sa.String(256), nullable=False, default=""),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("what", sa.String(256), nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("opened", sa.String(32), nullable=False),
    sa.Column("acknowledged_by", sa.String(256), nullable=False, default=""),
)

# What became of an alert; a table of its own, so that a database from before it needs nothing but to be given it.
incidents = sa.Table(
    "mlops_incidents",
    metadata,
    sa.Column("alert_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", sa.String(256), nullable=False, default=""),
    sa.Column("segments", sa.Text, nullable=False, default="[]"),
    sa.Column("last_seen", sa.String(32)),
    sa.Column("closed", sa.String(32)),
    sa.Column("closed_by", sa.String(256), nullable=False, default=""),
    sa.Column("why", sa.Text, nullable=False, default=""),
    sa.Column("notified", sa.String(32)),
)

windows = sa.Table(
    "mlops_windows",
    metadata,
    sa.Column("model", sa.String(256), primary_key=True),
    sa.Column("segment", sa.String(256), primary_key=True, default=""),
    sa.Column("start", sa.String(32), primary_key=True),
    sa.Column("end", sa.String(32), primary_key=True),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("found", sa.Text, nullable=False),
)

silences = sa.Table(
    "mlops_silences",
    metadata,
    sa.Column("silence_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("until", sa.String(32), nullable=False),
    sa.Column("by", sa.String(256), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
LATER = (incidents, windows, silences)

# MLflow sorts 100,000 runs by a metric in more than 100 s without the first, in a millisecond with it.
MLFLOW_INDEXES = (
    "CREATE INDEX IF NOT EXISTS mlops_latest_metrics_key_value ON latest_metrics (key, value, run_uuid)",
    "CREATE INDEX IF NOT EXISTS mlops_runs_by_start ON runs (experiment_id, lifecycle_stage, start_time)",
    "CREATE INDEX IF NOT EXISTS mlops_tags_key_value ON tags (key, value)",
)
