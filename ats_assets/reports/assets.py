"""Assets of the stage reports: what people read."""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import date

import dagster as dg

from ats_assets.backtests import BacktestResult, backtest_metrics
from ats_assets.deployment import MODEL, Deployment
from ats_assets.graph import Node
from ats_assets.reports.backtest_report import backtest_report as render
from ats_assets.signals import SKILL_SCHEMA, skill_summary

GROUP = "reports"
REPORT = "report.html"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    settings = deployment.settings
    horizon = settings.lightgbm.horizon_sessions
    node = Node(
        name="backtest_report",
        group=GROUP,
        kinds=frozenset({"html", "plotly"}),
        code=("ats_assets.reports", "ats_assets.signals.skill_summary", "ats_assets.backtests.metrics"),
        settings=(settings.backtest,),
    )

    @node.asset(deployment, deps=["backtest", "skill", "signals"], partitioned=False)
    def backtest_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """The backtest as one HTML file that needs nothing else: equity, drawdown, skill, exposures, costs, trades, and what it came from."""
        result = stored_backtest(deployment)
        metrics = backtest_metrics(result, settings.backtest)
        sessions = result.equity["session"]
        first, last = (sessions[0], sessions[-1]) if len(sessions) else (date.min, date.max)
        judged = [day for day in deployment.warehouse.sessions("skill") if first <= day <= last]
        skill = deployment.warehouse.read("skill", judged) if judged else SKILL_SCHEMA.to_frame()
        newest = deployment.warehouse.sessions("signals")[-1]
        page = render(
            result,
            metrics,
            title=f"Backtest of {settings.source.kind} data",
            benchmark=settings.backtest.benchmark,
            skill=skill,
            horizon_sessions=horizon,
            signals=deployment.warehouse.read("signals", [newest]),
            next_session=deployment.calendar.offset(newest, 1),
            lineage=_lineage(deployment),
        )
        path = deployment.warehouse.write_text(
            "backtest_report",
            REPORT,
            page,
            code_version=node.code_version,
            settings_version=node.settings_version,
            upstream=_upstream(deployment, judged, newest),
        )
        verdict = skill_summary(skill, horizon)
        context.log.info(f"report: {path}")
        return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(str(path)), "skill": verdict.text})

    return [backtest_report]


def stored_backtest(deployment: Deployment) -> BacktestResult:
    """The tables of the newest backtest.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    """
    return BacktestResult(**{field.name: deployment.warehouse.read_part("backtest", field.name) for field in fields(BacktestResult)})


def _upstream(deployment: Deployment, judged: Sequence[date], newest: date) -> dict[str, dict[str, str]]:
    """What the report is made from; of the backtest its tables, by their names."""
    warehouse = deployment.warehouse
    tables = {field.name: warehouse.footer_of(warehouse.part("backtest", field.name)).data_version for field in fields(BacktestResult)}
    return {"backtest": tables, "skill": warehouse.data_versions("skill", judged), "signals": warehouse.data_versions("signals", [newest])}


def _lineage(deployment: Deployment) -> dict[str, dict[str, object]]:
    """Versions behind the report: of its backtest, of the newest signals, of their model."""
    footer = deployment.warehouse.footer_of(deployment.warehouse.part("backtest", "equity"))
    newest = deployment.warehouse.sessions("signals")[-1]
    signals = deployment.warehouse.footer("signals", newest)
    tables: dict[str, dict[str, object]] = {
        "Backtest": {"data version": footer.data_version, "code version": footer.code_version, "settings version": footer.settings_version},
        f"Signals of {newest}": {
            "data version": signals.data_version,
            "code version": signals.code_version,
            "settings version": signals.settings_version,
        },
    }
    store = deployment.model_store(MODEL)
    fitted = [day for day in deployment.known(store.sessions()) if store.read(day).status == "fitted"]
    if fitted:
        record = store.read(fitted[-1])
        tables[f"Model of {fitted[-1]}"] = {"SHA-256": record.model_sha256, "trees": record.best_iteration, **record.versions}
    settings = deployment.settings
    sections = ("source", "calendar", "universe", "labels", "lightgbm", "portfolio", "backtest")
    tables["Settings"] = {
        name: json.dumps(getattr(settings, name).model_dump(mode="json", exclude={"path", "files"}), sort_keys=True) for name in sections
    }
    return tables
