"""Assets of the stage reports: pages for people."""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import date

import dagster as dg
from pydantic import BaseModel

from ats_assets.backtests import BacktestResult, backtest_metrics
from ats_assets.deployment import Deployment
from ats_assets.evaluation.schema import SKILL_SCHEMA
from ats_assets.evaluation.skill_summary import skill_summary
from ats_assets.orchestration.graph import Node
from ats_assets.reports.backtest_report import backtest_report as render
from ats_assets.reports.comparison import SESSIONS, comparison_note, comparison_rows, restatements_version, stored_comparison
from ats_assets.storage.vintages import RESTATEMENTS

GROUP = "reports"
REPORT = "report.html"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    settings = deployment.settings
    horizon = settings.training.horizon_sessions
    node = Node(
        name="backtest_report",
        group=GROUP,
        kinds=frozenset({"html", "plotly"}),
        code=(assets, "ats_assets.reports.templates"),
        settings=tuple(_shown(deployment).values()),
        tells_restatements=True,
    )

    @node.asset(deployment, deps=["backtest", "skill", "targets"], partitioned=False)
    def backtest_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """The backtest as one self-contained HTML file: equity, drawdown, skill, exposures, costs, trades, and provenance."""
        result = stored_backtest(deployment)
        metrics = backtest_metrics(result, settings.backtest)
        sessions = result.equity["session"]
        first, last = (sessions[0], sessions[-1]) if len(sessions) else (date.min, date.max)
        judged = [day for day in deployment.valid_sessions("skill") if first <= day <= last]
        skill = deployment.warehouse.read("skill", judged) if judged else SKILL_SCHEMA.to_frame()
        newest = deployment.valid_sessions("targets")[-1]
        page = render(
            result,
            metrics,
            title=f"Backtest of {settings.source.kind} data",
            benchmark=settings.backtest.benchmark,
            skill=skill,
            horizon_sessions=horizon,
            targets=deployment.warehouse.read("targets", [newest]),
            next_session=deployment.calendar.after(newest) if newest < deployment.calendar.last else None,
            lineage=_lineage(deployment),
            knowledge=_knowledge(deployment),
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
    told = {RESTATEMENTS: found} if (found := restatements_version(deployment)) else {}
    return told | {
        "backtest": tables,
        "skill": warehouse.data_versions("skill", judged),
        "targets": warehouse.data_versions("targets", [newest]),
    }


def _knowledge(deployment: Deployment) -> tuple[str, list[tuple[str, str, str]]] | None:
    """What there is to say of restatements, and the figures under both kinds of knowledge; None where every session was delivered once."""
    several = restatements_version(deployment).get(SESSIONS)
    if several is None:
        return None
    found = stored_comparison(deployment)
    return comparison_note(found, int(several)), comparison_rows(found) if found else []


def _lineage(deployment: Deployment) -> dict[str, dict[str, object]]:
    """What is behind the report: nothing that its own footer does not name, so that the report is stale when any of it has changed."""
    warehouse = deployment.warehouse
    newest = deployment.valid_sessions("targets")[-1]
    tables: dict[str, dict[str, object]] = {
        "Backtest": {"data version": warehouse.footer_of(warehouse.part("backtest", "equity")).data_version},
        f"Targets of {newest}": {"data version": warehouse.footer("targets", newest).data_version},
    }
    tables["Settings"] = {
        name: json.dumps(section.model_dump(mode="json", exclude={"threads"}), sort_keys=True)
        for name, section in _shown(deployment).items()
    }
    own, follow = (
        one.model_dump(mode="json")
        for one in (deployment.source_settings, deployment.source_plugin.bars_follow(deployment.source_settings))
    )
    tables["Settings"]["source"] = json.dumps({name: value for name, value in follow.items() if own[name] == value}, sort_keys=True)
    return tables


def _shown(deployment: Deployment) -> dict[str, BaseModel]:
    """The settings that the report shows, by section; not where files lie, nor how many threads there are."""
    settings = deployment.settings
    source = deployment.source_plugin.bars_follow(deployment.source_settings)
    shown: dict[str, BaseModel] = {"source": source, "lightgbm": settings.training.of_results()}
    return shown | {name: getattr(settings, name) for name in ("calendar", "knowledge", "universe", "labels", "portfolio", "backtest")}
