"""Assets of the stage options: chains as delivered, screened, and valued; only where the settings name a source, and one session after the other, since contracts are many."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intraday.refused_ticks import Screened, ScreenedVintages
from ats_assets.options.announced_dividends import announced_dividends, sessions_ahead
from ats_assets.options.chain_greeks import chain_greeks
from ats_assets.options.chain_screening import CHAIN_NO_FAULT, screen_chains
from ats_assets.options.choosing import option_plugin, option_source
from ats_assets.options.contracts import AnnouncedDividends, Greeks, OptionChains, RawOptionChains, RejectedOptionChains
from ats_assets.options.option_source import chosen_chains, require_chains
from ats_assets.options.rates import rate_settings, rates_of
from ats_assets.options.schema import ANNOUNCED_DIVIDENDS_SCHEMA, OPTION_CHAINS_SCHEMA
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import Reads, partitions_of, sessions_of
from ats_assets.orchestration.reading import Known
from ats_assets.orchestration.streaming import SessionRows, Streamed, vintages_of_delivery
from ats_assets.sources import upcoming_actions
from ats_assets.sources.contracts import of_vendors, require, schema_violations
from ats_assets.sources.schema import BARS_SCHEMA, VENDOR_SCHEMA

GROUP, DELIVERIES, ANNOUNCED = "options", "deliveries", "raw_announced_dividends"
BARS = Reads(asset="bars")
"""For the spot of chains that do not say it."""
_KINDS = frozenset({"parquet", "polars"})


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none without `[options.chains]`."""
    if not deployment.settings.options.has_chains:
        return []
    return [_delivered(deployment), _screened(deployment), _announced(deployment), _greeks(deployment)]


def _delivered(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    plugin, own = option_plugin(deployment)
    underlyings = settings.options.underlyings
    node = Node(
        name="raw_option_chains",
        group=DELIVERIES,
        kinds=_KINDS,
        contract=of_vendors(RawOptionChains.to_schema()) if plugin.names_vendors else RawOptionChains,
        code=(_delivered, plugin.make),
        settings=(plugin.chains_follow(own), settings.options.chosen, settings.calendar.without_closings()),
        vintages=True,
    )

    @node.asset(deployment, deps=[dg.AssetDep(asset) for asset in plugin.reads(own)])
    def raw_option_chains(context: dg.AssetExecutionContext) -> Streamed:
        """The option chains of a session as delivered, defects included. A delivery that differs from the last one is kept beside it as a new vintage."""
        sessions = sessions_of(context.partition_keys)
        source = option_source(deployment)
        require_chains(source, sessions)
        context.add_output_metadata({"source": dg.MetadataValue.md(f"```\n{source.describe()}\n```")})
        made = (SessionRows(session=day, rows=chosen_chains(source, day, underlyings), known=source.known_at(day)) for day in sessions)
        return Streamed(parts=made)

    return raw_option_chains


def _screened(deployment: Deployment) -> dg.AssetsDefinition:
    options, calendar = deployment.settings.options, deployment.settings.calendar.without_closings()
    with_bars = options.spot != "delivered"
    matter = options.model_copy(update={"chains": {}, "underlyings": (), "first_session": None, "rate_file": None, "dividend_yields": {}})
    common = {
        "group": GROUP,
        "kinds": _KINDS | {"pandera"},
        "reads": (Reads(asset="raw_option_chains"), *([BARS] if with_bars else [])),
        "code": (_screened,),
        "settings": (calendar, matter, rate_settings(options), *([deployment.settings.knowledge] if with_bars else [])),
    }
    accepted = Node(name="option_chains", contract=OptionChains, **common)
    set_aside = Node(name="rejected_option_chains", contract=RejectedOptionChains, **common)
    said = "The option contracts of a session that satisfy the contract, with mark, spread, spot and time left, sorted by underlying, expiry, strike and right."
    of_rest = "The rows that do not, each with every reason that applies. With `option_chains` they make up the delivery."

    def delivered(sessions: Sequence[date]) -> Iterator[tuple[date, Mapping[str, tuple[pl.DataFrame, pl.DataFrame]]]]:
        """Each vintage of a session's chains, with the bars that it knows."""
        known = Known(deployment, accepted.name, accepted.reads)
        for day, vintages in vintages_of_delivery(deployment, accepted, sessions):
            bars = {
                stamp: known.frame(BARS, [day], BARS_SCHEMA, stamps={day: stamp}) if with_bars else pl.DataFrame() for stamp in vintages
            }
            yield day, {stamp: (rows, bars[stamp]) for stamp, rows in vintages.items()}

    def screen(found: tuple[pl.DataFrame, pl.DataFrame]) -> Screened:
        raw, bars = found
        kept, others = screen_chains(raw.drop(VENDOR_SCHEMA.names(), strict=False), bars, deployment.calendar, options)
        require(schema_violations(OptionChains, kept))
        return Screened(accepted=kept, rejected=others)

    @dg.multi_asset(
        name="option_chains",
        outs={
            "option_chains": dg.AssetOut.from_spec(accepted.spec(deployment, said)),
            "rejected_option_chains": dg.AssetOut.from_spec(set_aside.spec(deployment, of_rest)),
        },
        deps=accepted.deps(),
        partitions_def=partitions_of(deployment),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def option_chains(context: dg.AssetExecutionContext) -> Iterator[dg.Output[Streamed]]:
        sessions = sessions_of(context.partition_keys)
        made = ScreenedVintages(delivered, screen, limit=options.screening.max_rejected_share, no_fault=CHAIN_NO_FAULT)
        yield dg.Output(Streamed(parts=made.accepted(sessions)), output_name="option_chains")
        reasons = {"reasons": dg.MetadataValue.md(made.table())}
        yield dg.Output(Streamed(parts=made.rejected(sessions)), output_name="rejected_option_chains", metadata=reasons)

    return option_chains


def _announced(deployment: Deployment) -> dg.AssetsDefinition:
    settings, plugin = deployment.settings, deployment.source_plugin
    node = Node(
        name=ANNOUNCED,
        group=DELIVERIES,
        kinds=_KINDS,
        contract=AnnouncedDividends,
        code=(_announced, plugin.make),
        settings=(plugin.actions_follow(deployment.source_settings), settings.calendar.without_closings()),
        vintages=True,
    )

    @node.asset(deployment)
    def raw_announced_dividends(context: dg.AssetExecutionContext) -> Streamed:
        """The cash dividends that were announced by the close of the session, of later ex-sessions. Another content is kept beside it as a new vintage."""
        sessions, source, calendar = sessions_of(context.partition_keys), deployment.source, deployment.calendar
        actions = upcoming_actions(source, sessions_ahead(calendar, sessions))
        rows = announced_dividends(actions, calendar, sessions, source.latest_session())
        require(schema_violations(AnnouncedDividends, rows))
        of_day = {day: rows.filter(pl.col("session") == day) for day in sessions}
        return Streamed(parts=[SessionRows(session=day, rows=of_day[day], known=source.known_at(day)) for day in sessions])

    return raw_announced_dividends


def _greeks(deployment: Deployment) -> dg.AssetsDefinition:
    options = deployment.settings.options
    chains, dividends = Reads(asset="option_chains"), Reads(asset=ANNOUNCED)
    node = Node(
        name="greeks",
        group=GROUP,
        kinds=_KINDS | {"pandera"},
        contract=Greeks,
        reads=(chains, dividends),
        code=(_greeks,),
        settings=(rate_settings(options), options.paying, deployment.settings.knowledge),
    )

    def made(known: Known, sessions: Sequence[date]) -> Iterator[SessionRows]:
        paying = options.paying
        for day in sessions:
            rows = chain_greeks(
                known.frame(chains, [day], OPTION_CHAINS_SCHEMA),
                known.frame(dividends, [day], ANNOUNCED_DIVIDENDS_SCHEMA),
                rates_of(options, [day]),
                dividend_yields=paying.dividend_yields,
                symbol_by_underlying=paying.symbol_by_underlying,
            )
            require(schema_violations(Greeks, rows))
            yield SessionRows(session=day, rows=rows)

    @node.asset(deployment, deps=node.deps())
    def greeks(context: dg.AssetExecutionContext) -> Streamed:
        """Implied volatility and greeks of each contract at its mark: European by Black-Scholes-Merton, American with early exercise and the announced cash dividends."""
        return Streamed(parts=made(Known(deployment, node.name, node.reads), sessions_of(context.partition_keys)))

    return greeks
