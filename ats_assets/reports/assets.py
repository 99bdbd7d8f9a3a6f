"""Assets of the stage reports: pages for people."""

from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.evaluation.skill_summary import skill_summary
from ats_assets.evaluation.stored_factors import evaluate_family, factor_reads
from ats_assets.events.choosing import EventModel, EventRules, event_models, event_rules, traded_model
from ats_assets.features.choosing import judged_families
from ats_assets.orchestration.graph import Node
from ats_assets.reports.backtest_log import BacktestLog, EventLog
from ats_assets.reports.backtest_report import backtest_content
from ats_assets.reports.event_report import event_content
from ats_assets.reports.event_report_data import event_report_data, event_report_reads, event_settings
from ats_assets.reports.feature_report import feature_report as features_page
from ats_assets.reports.feature_report import first_features
from ats_assets.reports.report_content import ReportContent
from ats_assets.reports.report_data import report_data, report_reads, report_tables_read, shown_settings
from ats_assets.reports.report_forms import FORMS, written_form
from ats_assets.reports.turnover_limit import limit_text

GROUP = "reports"
REPORT = "report.html"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: the backtest's report, and those of the features and of events where the settings want them."""
    wanted = [_feature_report(deployment)] if deployment.settings.features.report else []
    rules, traded = deployment.of(event_rules), traded_model(deployment)
    of_events = [_event_report(deployment, rules, traded)] if rules and traded else []
    return [_backtest_report(deployment), *wanted, *of_events]


def _backtest_report(deployment: Deployment) -> dg.AssetsDefinition:
    node = Node(
        name="backtest_report",
        group=GROUP,
        kinds=frozenset({"html"}),
        code=(assets, "ats_assets.reports.templates", "ats_assets.reports.sections"),
        settings=(*shown_settings(deployment).values(), deployment.settings.report),
        tells_restatements=True,
    )

    @node.asset(deployment, deps=["backtest", *report_reads(deployment), *report_tables_read(deployment)], partitioned=False)
    def backtest_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """The backtest as one self-contained HTML file, and in the other forms of the settings: returns, risk, trades, costs, skill, model, data, settings."""
        data = report_data(deployment)
        logged = BacktestLog(deployment, data.inputs)
        content = backtest_content(data.inputs)
        path = _written(deployment, node, content, data.upstream)
        logged.add_files(content)
        verdict = skill_summary(data.inputs.rows["skill"], data.inputs.horizon_sessions)
        limit = limit_text(data.inputs.metrics.to_dict(), deployment.settings.portfolio.max_turnover)
        context.log.info(f"report: {path}")
        shown = {"path": dg.MetadataValue.path(str(path)), "skill": verdict.text, "turnover_limit": limit or "hardly ever binds"}
        if (fault := logged.fault()) is not None:
            context.log.error(fault)
        return dg.MaterializeResult(metadata=shown)

    return backtest_report


def _written(deployment: Deployment, node: Node, content: ReportContent, upstream: Mapping[str, Mapping[str, str]]) -> Path:
    """Write a report in the forms of the settings, and return the path of the page; other forms of earlier settings go."""
    versions = {"code_version": node.code_version, "settings_version": node.settings_version}
    for form, file in FORMS.items():
        if form in deployment.settings.report.forms:
            deployment.warehouse.write_document(node.name, file, written_form(content, form), **versions, upstream=upstream)
        else:
            deployment.warehouse.remove_document(node.name, file)
    return deployment.warehouse.root / node.name / REPORT


def _event_report(deployment: Deployment, rules: EventRules, traded: EventModel) -> dg.AssetsDefinition:
    node = Node(
        name="event_report",
        group=GROUP,
        kinds=frozenset({"html"}),
        code=(_event_report, "ats_assets.reports.templates"),
        settings=(*event_settings(deployment).values(), deployment.settings.report),
    )
    models = [model.model.asset for model in deployment.of(event_models).values()]

    @node.asset(deployment, deps=["event_backtest", *event_report_reads(deployment), *models], partitioned=False)
    def event_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """The models of events as one self-contained HTML file, and in the other forms of the settings: verdict, sessions, trades, skill, fits, settings."""
        data = event_report_data(deployment, rules, traded)
        path = _written(deployment, node, event_content(data.inputs), data.upstream)
        logged = EventLog(deployment)
        logged.add(data.inputs)
        context.log.info(f"report: {path}")
        if (fault := logged.fault()) is not None:
            context.log.error(fault)
        return dg.MaterializeResult(
            metadata={"path": dg.MetadataValue.path(str(path)), "verdict": data.inputs.backtests.own.figures.verdict}
        )

    return event_report


def _feature_report(deployment: Deployment) -> dg.AssetsDefinition:
    horizon = deployment.settings.training.horizon_sessions
    node = Node(
        name="feature_report",
        group=GROUP,
        kinds=frozenset({"html"}),
        code=(_feature_report, "ats_assets.reports.templates"),
        settings=(deployment.settings.labels.forward_returns, deployment.settings.training.of_results()),
    )

    @node.asset(deployment, deps=factor_reads(deployment), partitioned=False)
    def feature_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Each feature family judged by the forward returns that followed: information coefficients, decay, returns by quantile, turnover, resemblance."""
        found = [
            evaluate_family(deployment, family, features=[*family.factors], horizon_sessions=horizon)
            for family in deployment.of(judged_families).values()
        ]
        upstream = {name: deployment.data_versions(name, deployment.valid_sessions(name)) for name in factor_reads(deployment)}
        versions = {"code_version": node.code_version, "settings_version": node.settings_version}
        path = deployment.warehouse.write_text("feature_report", REPORT, features_page(found, horizon), **versions, upstream=upstream)
        context.log.info(f"report: {path}")
        tables = {one.family: dg.MetadataValue.md(first_features(one, horizon)) for one in found}
        return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(str(path)), **tables})

    return feature_report
