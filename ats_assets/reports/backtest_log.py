"""What is told to MLflow of a backtest and its report, by the second process: nobody waits for it but the end of the command."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import numpy as np

from ats_assets.deployment import Deployment
from ats_assets.evaluation.model_segments import model_segments
from ats_assets.models.importance_plot import importance_svg
from ats_assets.reports.backtest_tracking import LoggedBacktest, log_backtest, log_files
from ats_assets.reports.charts import Chart
from ats_assets.reports.charts.paper_chart import paper_chart
from ats_assets.reports.event_report import EventReportInputs
from ats_assets.reports.regime_files import confusion_text, regime_files
from ats_assets.reports.report_content import ReportContent
from ats_assets.reports.report_forms import FORMS
from ats_assets.reports.report_section import ReportInputs
from ats_assets.secrecy import redacted
from ats_assets.storage.second_process import SecondProcessError, beside

TABLES = ("equity", "trades", "positions", "unfilled", "cost_sensitivity", "wanted")
CHART_WIDTH = 840.0


class BacktestLog:
    """One backtest that is told of; its figures at once."""

    def __init__(self, deployment: Deployment, inputs: ReportInputs) -> None:
        settings = deployment.settings
        self._deployment = deployment
        self._inputs = inputs
        self._where = (settings.mlflow, settings.storage.data, str(settings.storage.warehouse))
        self._told: list[Future[Any]] = []
        self._enabled = settings.mlflow.enabled and inputs.metrics.first_session is not None
        if self._enabled:
            self._told.append(beside(log_backtest, *self._where, _logged(inputs)))

    def add_files(self, content: ReportContent) -> None:
        """Have the report, in the forms that are stored, the tables of the backtest, the equity curve, the regimes and the importance of the newest fit added."""
        if not self._enabled:
            return
        warehouse = self._deployment.warehouse
        files = {str(path): "report" for name in FORMS.values() if (path := warehouse.root / "backtest_report" / name).is_file()}
        files |= {str(warehouse.part("backtest", name)): "backtest" for name in TABLES}
        texts = {f"{chart.id}.svg": paper_chart(chart, CHART_WIDTH) for chart in _charts(content) if chart.id in {"equity", "drawdown"}}
        for asset, fits in self._inputs.fits.items():
            fitted = [record for record in fits if record.status == "fitted" and record.importance]
            texts |= {f"importance-{asset}.svg": importance_svg(fitted[-1])} if fitted else {}
        texts |= regime_files(self._inputs.rows)
        texts |= {
            f"regimes/{chart.id}.svg": paper_chart(chart, CHART_WIDTH) for chart in _charts(content) if chart.id.startswith("regimes-")
        }
        self._told.append(beside(log_files, *self._where, files, texts))

    def fault(self) -> str | None:
        """What went wrong as far as it is known already; the report is stored whatever MLflow says."""
        for told in self._told:
            if told.done() and isinstance(error := told.exception(), SecondProcessError):
                return redacted(f"MLflow has not all of the backtest, which is stored: {error}")
        return None


class EventLog:
    """Backtests of events that are told of, in the run of the command that made them."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._told: Future[Any] | None = None

    def add(self, inputs: EventReportInputs) -> None:
        """Have the report, in the forms that are stored, the tables of the model that is traded, and of each model the confusion matrix out of sample added."""
        settings, warehouse = self._deployment.settings, self._deployment.warehouse
        if not settings.mlflow.enabled:
            return
        files = {str(path): "event_report" for name in FORMS.values() if (path := warehouse.root / "event_report" / name).is_file()}
        tables = (warehouse.part("event_backtest", name) for name in inputs.backtests.own.tables())
        files |= {str(path): "event_backtest" for path in tables if path.is_file()}
        found = inputs.backtests.found.items()
        texts = {f"event_backtest/confusion_matrix-{name}.json": confusion_text(one.figures.skill.to_dict()) for name, one in found}
        where = (settings.mlflow, settings.storage.data, str(settings.storage.warehouse))
        self._told = beside(log_files, *where, files, texts)

    def fault(self) -> str | None:
        """What went wrong as far as it is known already."""
        if self._told is not None and self._told.done() and isinstance(error := self._told.exception(), SecondProcessError):
            return redacted(f"MLflow has not all of the backtest of events, which is stored: {error}")
        return None


def _charts(content: ReportContent) -> list[Chart]:
    return [block for part in content.parts for block in part.blocks if isinstance(block, Chart)]


def _logged(inputs: ReportInputs) -> LoggedBacktest:
    equity = inputs.result.equity
    values = equity["equity"].to_numpy()
    peaks = np.maximum.accumulate(np.maximum(values, 0.0))
    figures = {name: float(value) for name, value in inputs.metrics.to_dict().items() if isinstance(value, int | float)}
    horizon = inputs.horizon_sessions
    skill = inputs.rows.get("skill")
    return LoggedBacktest(
        name=f"backtest {inputs.metrics.first_session} to {inputs.metrics.last_session}",
        settings=dict(_flat(inputs.shown_settings)),
        figures={name: value for name, value in figures.items() if np.isfinite(value)},
        equity=values.tolist(),
        drawdown=np.where(peaks > 0, values / np.where(peaks > 0, peaks, 1.0) - 1.0, -1.0).tolist(),
        segments=() if skill is None or horizon is None else model_segments(skill, equity.select("session", "equity"), horizon),
    )


def _flat(values: Mapping[str, object], before: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        found += _flat(value, f"{before}{name}.") if isinstance(value, Mapping) and value else [(f"{before}{name}", str(value))]
    return found
