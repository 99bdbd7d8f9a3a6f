"""Assets of the stage bars: validated bars, quarantined bars, and the universe."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from ats_assets.bars.contracts import Bars, RejectedBars, Universe, bars_violations
from ats_assets.bars.named_gaps import BAR_GAPS, bar_gaps
from ats_assets.bars.refusal import refused
from ats_assets.bars.schema import REJECTED_BARS_SCHEMA
from ats_assets.bars.screening import screen
from ats_assets.bars.universe import universe as tradable
from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.memory_blocks import blocks_of_step
from ats_assets.orchestration.partitions import Reads, session_partitions, sessions_of
from ats_assets.orchestration.reading import VintageRows, as_known, screened
from ats_assets.orchestration.sparkline import sparkline_markdown
from ats_assets.orchestration.streaming import InBlocks
from ats_assets.settings import BarsSettings
from ats_assets.sources.contracts import require
from ats_assets.sources.schema import BARS_SCHEMA, RAW_BARS_SCHEMA, VENDOR_SCHEMA

GROUP = "bars"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    gaps = [_gaps(deployment)] if deployment.settings.bars.gap_sessions else []
    return [_bars(deployment), _universe(deployment), *gaps]


def _bars(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    limit = settings.bars.max_rejected_share
    common = {
        "group": GROUP,
        "kinds": frozenset({"parquet", "polars", "pandera"}),
        "reads": (Reads(asset="raw_bars"),),
        "code": (_bars,),
        "settings": (settings.calendar.without_closings(), BarsSettings(max_rejected_share=limit)),
    }
    accepted = Node(name="bars", contract=Bars, **common)
    set_aside = Node(name="rejected_bars", contract=RejectedBars, **common)

    def make(raw_bars: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        kept, rejected = screen(raw_bars, deployment.calendar)
        require(bars_violations(kept, deployment.calendar))
        return kept, rejected

    @dg.multi_asset(
        name="bars",
        outs={
            "bars": dg.AssetOut.from_spec(
                accepted.spec(deployment, "The bars that satisfy the contract: a row for each symbol that traded.")
            ),
            "rejected_bars": dg.AssetOut.from_spec(
                set_aside.spec(
                    deployment, "The bars that do not, each with every reason that applies. With `bars` it makes up the delivery."
                )
            ),
        },
        deps=accepted.deps(),
        partitions_def=session_partitions(deployment.calendar),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def bars(context: dg.AssetExecutionContext) -> Iterator[dg.Output[Any]]:
        blocks = blocks_of_step(deployment, accepted.name, accepted.reads, sessions_of(context.partition_keys))
        found: list[tuple[Sequence[date], list[VintageRows]]] = []

        def made() -> Iterator[tuple[Sequence[date], list[VintageRows]]]:
            for block in blocks:
                kept, rejected = refused(*screened(deployment, accepted, block, KNOWN_SCHEMAS, make), limit)
                found.append((block, rejected))
                yield block, kept

        parts = made()
        if len(blocks) == 1:
            ((_, kept),) = parts
            yield dg.Output(kept, output_name="bars", metadata=_rows_by_session(kept[0].rows))
        else:
            yield dg.Output(InBlocks(parts=parts), output_name="bars")
        reasons = pl.concat(one.rows for _, rejected in found for one in rejected).explode("reasons").group_by("reasons").len()
        table = "\n".join(
            f"| {reason} | {count} |" for reason, count in reasons.sort("len", "reasons", descending=[True, False]).iter_rows()
        )
        yield dg.Output(
            InBlocks(parts=found),
            output_name="rejected_bars",
            metadata={"reasons": dg.MetadataValue.md(f"| reason | rows |\n|---|---|\n{table}" if table else "none")},
        )

    return bars


def _rows_by_session(bars: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    counts = bars.group_by("session").len().sort("session")["len"].to_list()
    if len(counts) < 2:
        return {}
    return {"rows_by_session": dg.MetadataValue.md(sparkline_markdown(counts, title="Rows by session", width=400, height=60))}


def _universe(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings.universe
    names = (Reads(asset="corporate_actions", back=max(0, settings.lookback_sessions - 2) + REPEAT_DAYS),)
    node = Node(
        name="universe",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="bars", back=settings.lookback_sessions - 1), *(names if deployment.tells_name_changes else ())),
        contract=Universe,
        code=(_universe,),
        settings=(settings, deployment.settings.knowledge),
    )

    def make(sessions: Sequence[date], bars: pl.DataFrame, **actions: pl.DataFrame) -> pl.DataFrame:
        followed = identities_of(actions["corporate_actions"]).named(bars) if actions else bars
        return tradable(followed, sessions, settings, calendar=deployment.calendar)

    @node.asset(deployment, deps=node.deps())
    def universe(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """The tradable symbols of a session, by median dollar volume, minimum price and history, from data up to that session only."""
        members = as_known(deployment, node, sessions_of(context.partition_keys), KNOWN_SCHEMAS, make)
        context.add_output_metadata({"newest_members": members.filter(pl.col("session") == pl.col("session").max()).height})
        return members

    return universe


def _gaps(deployment: Deployment) -> dg.AssetsDefinition:
    back, vendors = deployment.settings.bars.gap_sessions, deployment.source_plugin.names_vendors
    node = Node(
        name="bar_gaps",
        group=GROUP,
        kinds=frozenset({"parquet", "polars", "pandera"}),
        reads=(
            Reads(asset="bars", back=back),
            Reads(asset="rejected_bars"),
            *((Reads(asset="raw_bars"),) if vendors else ()),
            *((Reads(asset="corporate_actions", back=back + REPEAT_DAYS),) if deployment.tells_name_changes else ()),
        ),
        contract=BAR_GAPS,
        code=(_gaps,),
        settings=(BarsSettings(gap_sessions=back), deployment.settings.knowledge),
    )
    schemas = KNOWN_SCHEMAS | {
        "bars": BARS_SCHEMA,
        "rejected_bars": REJECTED_BARS_SCHEMA,
        "raw_bars": pl.Schema({**RAW_BARS_SCHEMA, **VENDOR_SCHEMA}),
    }

    def make(
        sessions: Sequence[date],
        bars: pl.DataFrame,
        rejected_bars: pl.DataFrame,
        raw_bars: pl.DataFrame | None = None,
        corporate_actions: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        windows = {day: deployment.calendar.window(day, back + 1) for day in sessions}
        names = {} if corporate_actions is None else {"renamed": identities_of(corporate_actions).renamed}
        return BAR_GAPS.validate(bar_gaps(windows, bars, rejected_bars, raw_bars, **names))

    @node.asset(deployment, deps=node.deps())
    def named_gaps(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """Each symbol that had a bar a few sessions before: whose row fills the gap, where another vendor's does, or why it has none."""
        found = as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)
        context.add_output_metadata({"gaps": dg.MetadataValue.json(dict(found.group_by("reason").len().sort("reason").iter_rows()))})
        return found

    return named_gaps
