"""Assets of the stage regimes, of each entry: what its states are told by, the estimations of refit sessions, and the regimes, which are features."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.bars.schema import UNIVERSE_SCHEMA
from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known
from ats_assets.refits import is_refit_session
from ats_assets.regimes.choosing import NamedRegimes, regimes
from ats_assets.regimes.contracts import RegimeFits, RegimeObservations, regimes_contract
from ats_assets.regimes.market_observations import observation_lookback, regime_observations
from ats_assets.regimes.regime_features import fit_rows, fits_lookback, regimes_of
from ats_assets.regimes.schema import FITS_SCHEMA, OBSERVATIONS_SCHEMA

GROUP = "features"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: three for each entry `[regimes.<name>]`, none without any."""
    return [made(deployment, one) for one in deployment.of(regimes).values() for made in (_observations, _fits, _regimes)]


def _observations(deployment: Deployment, one: NamedRegimes) -> dg.AssetsDefinition:
    settings = deployment.settings
    back = observation_lookback(one.settings)
    repeats = REPEAT_DAYS if deployment.tells_name_changes else 0
    node = Node(
        name=one.observations,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="bars", back=back), Reads(asset="corporate_actions", back=back - 1 + repeats), Reads(asset="universe")),
        contract=RegimeObservations,
        code=(_observations,),
        settings=(one.settings.of_observations(), settings.actions, settings.knowledge),
    )

    def make(sessions: Sequence[date], bars: pl.DataFrame, corporate_actions: pl.DataFrame, universe: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back))
        how = {"days": days, "sessions": sessions, "adjust": settings.actions.adjust}
        return regime_observations(bars, corporate_actions, universe, one.settings, **how)

    @node.asset(deployment, deps=node.deps())
    def observations(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """What regimes are told by: return, volatility and breadth of the universe's session, or return and volatility of each symbol."""
        return as_known(deployment, node, sessions_of(context.partition_keys), KNOWN_SCHEMAS | {"universe": UNIVERSE_SCHEMA}, make)

    return observations


def _fits(deployment: Deployment, one: NamedRegimes) -> dg.AssetsDefinition:
    back = one.settings.train_sessions - 1
    node = Node(
        name=one.fits,
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        reads=(Reads(asset=one.observations, back=back),),
        contract=RegimeFits,
        code=(_fits,),
        settings=(one.settings, deployment.settings.calendar.without_closings()),
    )

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        (rows,) = frames.values()
        parts = [FITS_SCHEMA.to_frame()]
        for session in sessions:
            if is_refit_session(deployment.calendar, session, one.settings.refit):
                window = window_sessions(deployment.calendar, [session], back)
                parts.append(fit_rows(session, rows.filter(pl.col("session").is_between(window[0], session)), one.settings))
        return pl.concat(parts)

    @node.asset(deployment, deps=node.deps(), pool="training")
    def regime_fits(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """The estimations of a refit session, one row a number of states; no rows at other sessions."""
        made = as_known(deployment, node, sessions_of(context.partition_keys), {one.observations: OBSERVATIONS_SCHEMA}, make)
        rows = [
            f"| {session} | {states} | {bic:,.1f} | {icl:,.1f} | {'yes' if converged else 'no'} |"
            for session, states, bic, icl, converged in made.select("session", "states", "bic", "icl", "converged").tail(12).iter_rows()
        ]
        if rows:
            table = "\n".join(["| session | states | BIC | ICL | converged |", "|---|---|---|---|---|", *rows])
            context.add_output_metadata({"fits": made.n_unique("session"), "newest": dg.MetadataValue.md(table)})
        return made

    return regime_fits


def _regimes(deployment: Deployment, one: NamedRegimes) -> dg.AssetsDefinition:
    settings = one.settings
    filtered, fits = settings.filter_sessions + settings.lags_of_mean - 1, fits_lookback(settings)
    by_name = settings.form == "micro" and deployment.tells_name_changes
    names = (Reads(asset="corporate_actions", back=filtered + REPEAT_DAYS),) if by_name else ()
    node = Node(
        name=one.asset,
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        reads=(Reads(asset=one.observations, back=filtered), Reads(asset=one.fits, back=fits), Reads(asset="bars"), *names),
        contract=regimes_contract(one.asset, one.name, settings),
        code=(_regimes,),
        settings=(settings, deployment.settings.knowledge),
    )
    schemas = KNOWN_SCHEMAS | {one.observations: OBSERVATIONS_SCHEMA, one.fits: FITS_SCHEMA}

    def make(sessions: Sequence[date], bars: pl.DataFrame, **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, max(filtered, fits)))
        observations = frames[one.observations]
        if by_name:
            observations = identities_of(frames["corporate_actions"]).named(observations)
        how = {"observations": observations, "fits": frames[one.fits], "bars": bars, "days": days, "sessions": sessions}
        return regimes_of(one.name, settings, **how)

    @node.asset(deployment, deps=node.deps())
    def filtered_regimes(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """The regime of the market, or of each symbol, as it was known at the close: filtered probabilities of its states, never smoothed; one row a symbol."""
        return as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)

    return filtered_regimes
