"""What is seen of a deployment from outside: metrics, when something counts as late, logs."""

from typing import Literal

from pydantic import Field

from ats_assets.settings.section import NonNegative, Positive, Section


class MonitoringSettings(Section):
    """Metrics, and when a component counts as late; `automation.late_after_minutes` says so of bars."""

    port: int = Field(
        default=9108, ge=0, le=65_535, description="of `ats exporter`, on 127.0.0.1 unless --host says otherwise. 0: any free one"
    )
    signals_before_open_minutes: NonNegative = Field(
        default=60, description="before the next open, at which the targets of the session before must be there"
    )
    low_disk_gigabytes: float = Field(default=5.0, ge=0, description="free where something is stored, below which it is a warning")
    full_disk_gigabytes: float = Field(default=0.5, ge=0, description="below which it is a failure")
    positions_shown: NonNegative = Field(
        default=20, le=100, description="positions that metrics name by their symbol, the largest ones; the rest is one figure"
    )


class LoggingSettings(Section):
    """What is logged, and how."""

    form: Literal["text", "json"] = Field(
        default="text", description="of log records on standard error: json is an object a line, with run, asset, session and experiment"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="the least that is kept")
    keep_days: Positive = Field(default=90, description="for which the log of a run is kept beside it, in storage.data/logs")
    keep_runs: bool = Field(default=True, description="whether each run keeps its log as a file of its own, a JSON object a line")
