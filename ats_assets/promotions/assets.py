"""Assets of the stage promotions: what persons decided on who is champion, where several models compete by challenges."""

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import sessions_of
from ats_assets.orchestration.streaming import SessionRows, Streamed
from ats_assets.promotions.contracts import RawPromotions
from ats_assets.promotions.decision_journal import COUNTED, journal_of, promotions_of
from ats_assets.sources.contracts import require, schema_violations
from ats_assets.trials import ledger_of

GROUP = "deliveries"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none with a single model, and none under a rule that persons do not decide on."""
    return [_raw_promotions(deployment)] if deployment.settings.takes_promotions else []


def _raw_promotions(deployment: Deployment) -> dg.AssetsDefinition:
    node = Node(
        name="raw_promotions",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        contract=RawPromotions,
        code=(_raw_promotions,),
        settings=(deployment.settings.calendar.without_closings(),),
        vintages=True,
    )

    @node.asset(deployment)
    def raw_promotions(context: dg.AssetExecutionContext) -> Streamed:
        """What persons had decided on who is champion by the close of the session, with who and why, and how many models had been tried. Another content is kept as a new vintage."""
        calendar, decisions = deployment.calendar, deployment.of(journal_of).decisions()
        tries = [(trial.tried, begun) for trial, begun in deployment.of(ledger_of).begun() if trial.kind in COUNTED]
        parts: list[SessionRows] = []
        for session in sessions_of(context.partition_keys):
            rows = promotions_of(calendar, decisions, tries, session)
            require(schema_violations(RawPromotions, rows))
            parts.append(SessionRows(session=session, rows=rows, known=calendar.closes_at(session)))
        context.add_output_metadata({"decisions": len(decisions)})
        return Streamed(parts=parts)

    return raw_promotions
