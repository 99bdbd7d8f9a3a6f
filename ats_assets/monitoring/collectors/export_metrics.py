"""Exports: what each store holds by its receipts, and what is not exported yet. Of what a store says of itself see `store_metrics`."""

import polars as pl

from ats_assets.exports.schema import export_asset
from ats_assets.monitoring.components import Observed
from ats_assets.monitoring.samples import MetricSpec, Samples
from ats_assets.monitoring.stamped import stamp_of_files
from ats_assets.monitoring.watch import Watch
from ats_assets.storage.footed_files import DAMAGE

METRICS = (
    MetricSpec(name="ats_export_sessions", text="Sessions that were exported.", labels=("export",), most=20),
    MetricSpec(
        name="ats_export_sessions_behind", text="Sessions with targets that are newer than what was exported.", labels=("export",), most=20
    ),
    MetricSpec(
        name="ats_export_newest_session_timestamp_seconds",
        text="Close of the newest session that was exported.",
        labels=("export",),
        most=20,
    ),
    MetricSpec(name="ats_export_newest_rows", text="Rows that were exported of it.", labels=("export",), most=20),
)


def collect(watch: Watch, observed: Observed, samples: Samples) -> None:  # noqa: ARG001 - as all collectors
    """Add them; none where the settings name no export."""
    deployment = watch.deployment
    made = deployment.valid_sessions("targets") if deployment.settings.exports else []
    for name in deployment.settings.exports:
        asset = export_asset(name)
        days = deployment.valid_sessions(asset)
        samples.put("ats_export_sessions", len(days), name)
        samples.put("ats_export_sessions_behind", sum(day > days[-1] for day in made) if days else len(made), name)
        if not days:
            continue
        samples.put("ats_export_newest_session_timestamp_seconds", deployment.calendar.closes_at(days[-1]).timestamp(), name)
        path = deployment.warehouse.path(asset, days[-1])

        def rows(path=path) -> int | None:
            try:
                deployment.warehouse.root_folder.at_hand([path])
                return int(pl.read_parquet(path, columns=["rows"], hive_partitioning=False)["rows"].sum())
            except DAMAGE:
                return None

        samples.put("ats_export_newest_rows", watch.kept.get(f"export {name}", (str(path), stamp_of_files(path)), rows), name)
