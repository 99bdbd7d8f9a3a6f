"""Assets of the stage intraday: only what the settings name."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.intraday.choosing import samplers, tick_assets
from ats_assets.intraday.contracts import InformationBars, microstructure_contract
from ats_assets.intraday.information_bars import known_with_session
from ats_assets.intraday.microstructure_rows import MEASURES, microstructure_rows
from ats_assets.intraday.sampler import Sampler
from ats_assets.intraday.schema import INFORMATION_BARS_SCHEMA, SCHEMAS
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_arrays import QUOTE_COLUMNS, TRADE_COLUMNS
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import Known, as_known
from ats_assets.settings import IntradaySettings

GROUP = "intraday"
MICROSTRUCTURE = "microstructure"
READ_COLUMNS = {"trades": TRADE_COLUMNS, "quotes": QUOTE_COLUMNS}
"""What samplers read: a session may have 100 million ticks."""


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none without `[intraday.trades]`, `[intraday.quotes]` and `[samplers.<name>]`; `microstructure` where `microstructure.frame` names a sampler."""
    frame = deployment.settings.microstructure.frame
    return [
        *(_sampled(deployment, name, sampler) for name, sampler in deployment.of(samplers).items()),
        *([_microstructure(deployment, frame)] if frame else []),
    ]


def _sampled(deployment: Deployment, name: str, sampler: Sampler) -> dg.AssetsDefinition:
    """The bars of one sampler, made in turns of as many sessions as its window has: a range of any length holds the ticks of two windows, and reads them twice.

    Raises
    ------
    SettingsError
        If it samples ticks that no settings say where they come from.
    """
    if sampler.source not in (there := tick_assets(deployment)):
        raise SettingsError(
            f"[samplers.{name}] samples {sampler.source}, but there are {' and '.join(there) or 'no ticks'}: set [intraday.{sampler.source}]"
            + (f', or source = "{there[0]}"' if there else "")
        )
    needs = sampler.needs()
    back = max(window.back for window in needs)
    node = Node(
        name=name,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=tuple(Reads(asset=window.asset, back=window.back, lag=window.lag) for window in needs),
        contract=InformationBars,
        code=(_sampled, type(sampler)),
        settings=(sampler.settings, IntradaySettings(sessions=deployment.settings.intraday.sessions), deployment.settings.knowledge),
    )
    hours = SessionHours(deployment.calendar, deployment.settings.intraday.sessions)

    def make(sessions: Sequence[date], frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        rows = sampler.bars(frames, deployment.known(window_sessions(deployment.calendar, sessions, back)), sessions)
        return known_with_session(rows, lambda symbol, session: hours.of(symbol, session)[1])

    def made(known: Known, sessions: Sequence[date]) -> Iterator[pl.DataFrame]:
        for i in range(0, len(sessions), back + 1):
            for run in known.runs(sessions[i : i + back + 1]):
                yield make(
                    run, {one.asset: known.frame(one, run, SCHEMAS[one.asset], columns=READ_COLUMNS[one.asset]) for one in node.reads}
                )

    @node.asset(deployment, deps=node.deps(), description=inspect.getdoc(type(sampler)))
    def sampled(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return pl.concat(made(Known(deployment, node.name, node.reads), sessions_of(context.partition_keys)))

    return sampled


def _microstructure(deployment: Deployment, frame: str) -> dg.AssetsDefinition:
    """Measures over windows of the bars of a sampler."""
    back, own = deployment.settings.intraday.lookback_sessions, deployment.settings.microstructure
    node = Node(
        name=MICROSTRUCTURE,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset=frame, back=back),),
        contract=microstructure_contract(),
        code=(_microstructure,),
        settings=(own, deployment.settings.intraday.lookback, deployment.settings.knowledge),
    )

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back))
        return microstructure_rows(frames[frame], days, sessions, window_bars=own.window_bars, lookback_sessions=back)

    said = f"{len(MEASURES)} measures of spread, price impact, order flow, volatility and entropy, one row for each bar of {frame}, over {own.window_bars} bars."

    @node.asset(deployment, deps=node.deps(), description=said)
    def microstructure(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return as_known(deployment, node, sessions_of(context.partition_keys), {frame: INFORMATION_BARS_SCHEMA}, make)

    return microstructure
