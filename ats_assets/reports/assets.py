"""Assets of the stage reports: pages for people."""

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.evaluation.skill_summary import skill_summary
from ats_assets.orchestration.graph import Node
from ats_assets.reports.backtest_report import backtest_report as render
from ats_assets.reports.report_data import report_data, report_reads, shown_settings
from ats_assets.reports.turnover_limit import limit_text

GROUP = "reports"
REPORT = "report.html"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    node = Node(
        name="backtest_report",
        group=GROUP,
        kinds=frozenset({"html"}),
        code=(assets, "ats_assets.reports.templates", "ats_assets.reports.sections"),
        settings=tuple(shown_settings(deployment).values()),
        tells_restatements=True,
    )

    @node.asset(deployment, deps=["backtest", *report_reads(deployment)], partitioned=False)
    def backtest_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """The backtest as one self-contained HTML file: returns, drawdowns, risk, trades, costs, skill, model, data, settings."""
        data = report_data(deployment)
        versions = {"code_version": node.code_version, "settings_version": node.settings_version}
        path = deployment.warehouse.write_text("backtest_report", REPORT, render(data.inputs), **versions, upstream=data.upstream)
        verdict = skill_summary(data.inputs.rows["skill"], data.inputs.horizon_sessions)
        limit = limit_text(data.inputs.metrics.to_dict(), deployment.settings.portfolio.max_turnover)
        context.log.info(f"report: {path}")
        shown = {"path": dg.MetadataValue.path(str(path)), "skill": verdict.text, "turnover_limit": limit or "hardly ever binds"}
        return dg.MaterializeResult(metadata=shown)

    return [backtest_report]
