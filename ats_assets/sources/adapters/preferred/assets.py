"""What the vendors say of the same session, beside each other: `vendor_comparison`, made in the job of collected market data, since each vendor is asked for it."""

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import Reads, partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report
from ats_assets.sources.adapters.preferred.preferred_settings import PreferredSettings
from ats_assets.sources.adapters.preferred.source import PreferredSource
from ats_assets.sources.adapters.preferred.vendor_differences import COMPARISON, COMPARISON_SCHEMA, NO_BAR, where_vendors_differ

GROUP = "market_data"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The comparison, where settings want it."""
    return [_compared(deployment)] if deployment.collected else []


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """Whether the vendors agree."""

    @dg.asset_check(asset="vendor_comparison", name="vendors_agree", partitions_def=partitions_of(deployment))
    def vendors_agree(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether the symbols of whose bars another vendor says something else are no larger share than `source.preferred.max_differing_share`."""
        limit = deployment.source_settings.max_differing_share  # pyright: ignore[reportAttributeAccessIssue]
        verdicts = {}
        for session in sessions_of(context.op_execution_context.partition_keys):
            bars = deployment.warehouse.read("raw_bars", [session])["symbol"].n_unique()
            found = deployment.warehouse.read("vendor_comparison", [session])
            differing = found.filter(pl.col("field") != NO_BAR)["symbol"].n_unique()  # a vendor that lacks a symbol says nothing of it
            told = f"{differing} of {bars} symbols differ, {differing / max(bars, 1):.1%}; {limit:.1%} is the limit"
            verdicts[session] = Verdict(passed=differing <= limit * bars, text=told)
        return report(context, verdicts, severity=dg.AssetCheckSeverity.WARN)

    return [vendors_agree]


def _compared(deployment: Deployment) -> dg.AssetsDefinition:
    node = Node(
        name="vendor_comparison",
        group=GROUP,
        kinds=frozenset({"parquet", "polars", "pandera"}),
        reads=(Reads(asset="raw_bars"),),
        contract=COMPARISON,
        record=True,
    )

    @node.asset(deployment, deps=node.deps())
    def vendor_comparison(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """Where another vendor says something else of a session than what was taken: field by field, with the difference, and why the one was taken."""
        (session,) = sessions_of(context.partition_keys)
        source, own = deployment.source, deployment.source_settings
        if not isinstance(source, PreferredSource) or not isinstance(own, PreferredSettings):
            raise SourceError("vendor_comparison is made of the source preferred alone: set source.kind to it, or leave the asset out")
        taken = deployment.warehouse.read("raw_bars", [session])
        said = source.bars_by_vendor([session])
        found = where_vendors_differ(
            taken,
            {name: rows for name, rows in said.items() if rows is not None},
            price_tolerance=own.tolerance_bps / 1e4,
            volume_tolerance=own.volume_tolerance,
        )
        silent = [name for name, rows in said.items() if rows is None]
        context.add_output_metadata(
            {
                "bars": taken.height,
                "symbols_that_differ": found["symbol"].n_unique(),
                "by_vendor": dg.MetadataValue.json(dict(found.group_by("vendor").len().sort("vendor").iter_rows())),
                "not_answered": ", ".join(silent) or "none",
            }
        )
        return COMPARISON.validate(found) if found.height else COMPARISON_SCHEMA.to_frame()

    return vendor_comparison
