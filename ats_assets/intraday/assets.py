"""Assets of the stage intraday: ticks as delivered, screened, and sampled into bars; only what the settings name, and one session after the other, since ticks are many."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intraday.choosing import require_sampled_ticks, samplers, session_hours, tick_assets, tick_plugin, tick_source
from ats_assets.intraday.contracts import (
    InformationBars,
    MarketQuotes,
    MarketTrades,
    RawQuotes,
    RawTrades,
    RejectedQuotes,
    RejectedTrades,
    microstructure_contract,
)
from ats_assets.intraday.information_bars import known_with_session
from ats_assets.intraday.microstructure_rows import MEASURES, MICROSTRUCTURE, microstructure_rows
from ats_assets.intraday.named_tick_gaps import TICK_GAPS, tick_gaps
from ats_assets.intraday.quote_screening import screen_quotes
from ats_assets.intraday.refused_ticks import Screened, ScreenedVintages
from ats_assets.intraday.respelled_ticks import open_ticks
from ats_assets.intraday.sampler import Sampler
from ats_assets.intraday.schema import INFORMATION_BARS_SCHEMA, SCHEMAS, TICK_GAPS_SCHEMA
from ats_assets.intraday.tick_arrays import QUOTE_COLUMNS, TRADE_COLUMNS
from ats_assets.intraday.tick_source import What, require_delivered
from ats_assets.intraday.trade_screening import screen_trades
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, partitions_of, sessions_of
from ats_assets.orchestration.reading import Known, as_known
from ats_assets.orchestration.streaming import SessionRows, Streamed, vintages_of_delivery
from ats_assets.sources.contracts import of_vendors, require, schema_violations
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets.vendors.spelling import as_delivered

GROUP, DELIVERIES = "intraday", "deliveries"
_CONTRACTS = {"trades": (RawTrades, MarketTrades, RejectedTrades), "quotes": (RawQuotes, MarketQuotes, RejectedQuotes)}
_SCREENS = {"trades": screen_trades, "quotes": screen_quotes}
_COMMON = frozenset({"parquet", "polars"})
READ_COLUMNS = {"trades": TRADE_COLUMNS, "quotes": QUOTE_COLUMNS}
"""What samplers read: a session may have 100 million ticks."""


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none without `[intraday.trades]`, `[intraday.quotes]` and `[samplers.<name>]`; `microstructure` where `microstructure.frame` names a sampler."""
    frame = deployment.settings.microstructure.frame
    return [
        *(asset for what in tick_assets(deployment) for asset in (_delivered(deployment, what), _screened(deployment, what))),
        *(_sampled(deployment, name, sampler) for name, sampler in deployment.of(samplers).items()),
        *([_microstructure(deployment, frame)] if frame else []),
        *([_named_gaps(deployment)] if deployment.settings.intraday.gaps.are_named and tick_assets(deployment) else []),
    ]


def _delivered(deployment: Deployment, what: What) -> dg.AssetsDefinition:
    settings = deployment.settings
    plugin, own = tick_plugin(deployment, what)
    node = Node(
        name=f"raw_{what}",
        group=DELIVERIES,
        kinds=_COMMON,
        contract=of_vendors(_CONTRACTS[what][0].to_schema()) if plugin.names_vendors else _CONTRACTS[what][0],
        code=(_delivered, plugin.make, *([] if plugin.spelling is as_delivered else [plugin.spelling, open_ticks])),
        settings=(plugin.ticks_follow(own), settings.intraday.hours, settings.calendar.without_closings()),
        vintages=True,
    )
    beside = [dg.AssetDep(asset) for asset in plugin.reads(own, what)]

    @node.asset(
        deployment,
        deps=beside,
        description=f"The {what} of a session as delivered, defects included. A delivery that differs from the last one is kept beside it as a new vintage.",
    )
    def raw_ticks(context: dg.AssetExecutionContext) -> Streamed:
        sessions = sessions_of(context.partition_keys)
        source = tick_source(deployment, what)
        require_delivered(source, sessions, what)
        context.add_output_metadata({"source": dg.MetadataValue.md(f"```\n{source.describe()}\n```")})
        return Streamed(parts=(SessionRows(session=day, rows=source.ticks(day), known=source.known_at(day)) for day in sessions))

    return raw_ticks


def _screened(deployment: Deployment, what: What) -> dg.AssetsDefinition:
    intraday, calendar = deployment.settings.intraday, deployment.settings.calendar.without_closings()
    _, good, bad = _CONTRACTS[what]
    common = {
        "group": GROUP,
        "kinds": _COMMON | {"pandera"},
        "reads": (Reads(asset=f"raw_{what}"),),
        "code": (_screened, _SCREENS[what]),
        "settings": (calendar, intraday.screening, intraday.hours),
    }
    accepted, rejected = Node(name=what, contract=good, **common), Node(name=f"rejected_{what}", contract=bad, **common)

    def screen(raw: pl.DataFrame) -> Screened:
        own = raw.drop(VENDOR_SCHEMA.names(), strict=False)
        kept, others = _SCREENS[what](own, session_hours(deployment), intraday.screening)
        require(schema_violations(good, kept))
        return Screened(accepted=kept, rejected=others)

    @dg.multi_asset(
        name=what,
        outs={
            what: dg.AssetOut.from_spec(accepted.spec(deployment, f"The {what} that satisfy the contract, sorted by symbol and time.")),
            rejected.name: dg.AssetOut.from_spec(
                rejected.spec(
                    deployment, f"The {what} that do not, each with every reason that applies. With `{what}` they make up the delivery."
                )
            ),
        },
        deps=accepted.deps(),
        partitions_def=partitions_of(deployment),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def ticks(context: dg.AssetExecutionContext) -> Iterator[dg.Output[Streamed]]:
        sessions = sessions_of(context.partition_keys)
        made = ScreenedVintages(
            lambda days: vintages_of_delivery(deployment, accepted, days), screen, limit=intraday.screening.max_rejected_share
        )
        yield dg.Output(Streamed(parts=made.accepted(sessions)), output_name=what)
        yield dg.Output(
            Streamed(parts=made.rejected(sessions)), output_name=rejected.name, metadata={"reasons": dg.MetadataValue.md(made.table())}
        )

    return ticks


def _named_gaps(deployment: Deployment) -> dg.AssetsDefinition:
    """Silences of all ticks."""
    own, kinds = deployment.settings.intraday.gaps, tick_assets(deployment)
    of_vendors_too = {what: tick_plugin(deployment, what)[0].names_vendors for what in kinds}
    node = Node(
        name="tick_gaps",
        group=GROUP,
        kinds=_COMMON | {"pandera"},
        reads=tuple(
            one
            for what in kinds
            for one in (
                Reads(asset=what, back=own.sessions, columns=("symbol", "session", "at")),
                Reads(asset=f"rejected_{what}"),
                *([Reads(asset=f"raw_{what}")] if of_vendors_too[what] else []),
            )
        ),
        contract=TICK_GAPS,
        code=(_named_gaps,),
        settings=(own, deployment.settings.intraday.hours, deployment.settings.knowledge),
    )

    @node.asset(deployment, deps=node.deps())
    def named_tick_gaps(context: dg.AssetExecutionContext) -> Streamed:
        """Each silence of an instrument: whose ticks fill it, where another vendor's do, or why there are none."""
        known, hours = Known(deployment, node.name, node.reads), session_hours(deployment)

        def gaps(session: date) -> pl.DataFrame:
            parts = [TICK_GAPS_SCHEMA.to_frame()]
            for what in kinds:
                now, ago = Reads(asset=what), Reads(asset=what, back=own.sessions, lag=1)
                names = known.frame(ago, [session], SCHEMAS[what], columns=["symbol"])["symbol"].unique() if own.sessions else ()
                ticks = known.frame(now, [session], SCHEMAS[what], columns=["symbol", "at"])
                rejected = known.frame(
                    Reads(asset=f"rejected_{what}"), [session], SCHEMAS[f"rejected_{what}"], columns=["symbol", "at", "reasons"]
                )
                raw = _raw_of_vendors(known, what, session) if of_vendors_too[what] else None
                parts.append(tick_gaps(what, session, hours, ticks, rejected, before=names, raw=raw, seconds=own.seconds))
            return TICK_GAPS.validate(pl.concat(parts))

        return Streamed(parts=(SessionRows(session=day, rows=gaps(day)) for day in sessions_of(context.partition_keys)))

    return named_tick_gaps


def _raw_of_vendors(known: Known, what: What, session: date) -> pl.DataFrame:
    schema = pl.Schema({**SCHEMAS[f"raw_{what}"], **VENDOR_SCHEMA})
    return known.frame(Reads(asset=f"raw_{what}"), [session], schema, columns=["symbol", "at", *VENDOR_SCHEMA.names()])


def _sampled(deployment: Deployment, name: str, sampler: Sampler) -> dg.AssetsDefinition:
    """The bars of one sampler, made in turns of as many sessions as its window has: a range of any length holds the ticks of two windows, and reads them twice.

    Raises
    ------
    SettingsError
        If it samples ticks that no settings say where they come from.
    """
    require_sampled_ticks(name, sampler, tick_assets(deployment))
    needs = sampler.needs()
    back = max(window.back for window in needs)
    node = Node(
        name=name,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        wide=True,
        reads=tuple(Reads(asset=one.asset, back=one.back, lag=one.lag, columns=tuple(READ_COLUMNS[one.asset])) for one in needs),
        contract=InformationBars,
        code=(_sampled, type(sampler)),
        settings=(sampler.settings, deployment.settings.intraday.hours, deployment.settings.knowledge),
    )
    hours = session_hours(deployment)

    def make(sessions: Sequence[date], frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        rows = sampler.bars(frames, deployment.known(window_sessions(deployment.calendar, sessions, back), name), sessions)
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
        wide=True,
        reads=(Reads(asset=frame, back=back),),
        contract=microstructure_contract(),
        code=(_microstructure,),
        settings=(own, deployment.settings.intraday.lookback, deployment.settings.knowledge),
    )

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back), frame)
        return microstructure_rows(frames[frame], days, sessions, window_bars=own.window_bars, lookback_sessions=back)

    said = f"{len(MEASURES)} measures of spread, price impact, order flow, volatility and entropy, one row for each bar of {frame}, over {own.window_bars} bars."

    @node.asset(deployment, deps=node.deps(), description=said)
    def microstructure(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return as_known(deployment, node, sessions_of(context.partition_keys), {frame: INFORMATION_BARS_SCHEMA}, make)

    return microstructure
