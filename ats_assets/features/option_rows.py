"""The rows of the family `option_features`: implied volatility at constant maturities and its rank, skew, flow, and where contracts are open.

In steps:

1. Roots are the symbols of their underlyings (SPXW is SPX), and of several roots the smiles of each expiry are those with the most contracts.
2. Volatilities at 30 and 90 days are between the smiles next to these times (`constant_maturity`), at the money and at deltas of 25 %.
3. They are ranked among those of the sessions before, of one instrument, whatever its name was.
4. Chains of the session tell the rest (`chain_measures`), and their volume is compared with that of the sessions before.
5. Each bar of the session has a row. What is not known is NaN.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import polars as pl

from ats_assets.corporate_actions.identity import identities_of
from ats_assets.features.families.option_features import OPTION_FEATURES
from ats_assets.features.family import KEYS, FeatureFamily
from ats_assets.features.making import features_of
from ats_assets.options.chain_measures import chain_measures
from ats_assets.options.measures_over_time import over_mean, ranked
from ats_assets.options.surface.constant_maturity import at_maturity, next_to
from ats_assets.options.surface.smile import Smile
from ats_assets.settings import Adjust, OptionFeaturesSettings

YEAR_DAYS: Final = 365.0
MONTH: Final = 30 / YEAR_DAYS
QUARTER: Final = 90 / YEAR_DAYS
DELTA: Final = 0.25
REALISED: Final = "realised"
OF_CHAINS: Final = ("underlying", "session", "contract", "expiry", "strike", "right", "multiplier", "volume", "open_interest", "spot")
"""The columns of `option_chains` that are read."""


def option_features(
    frames: Mapping[str, pl.DataFrame],
    *,
    days: Sequence[date],
    sessions: Sequence[date],
    settings: OptionFeaturesSettings,
    symbols: Mapping[str, str],
    adjust: Adjust,
    sessions_per_year: int,
) -> pl.DataFrame:
    """The features of neighbouring sessions.

    Parameters
    ----------
    frames
        bars, from `realised_sessions` before the first of the sessions on; corporate_actions and volatility_surface, from `rank_sessions` - 1 before it; option_chains, from `flow_sessions` before it;
        greeks, of the sessions. More may be there.
    days
        Every session of the calendar that these span, ascending.
    sessions
        Those that are wanted.
    symbols
        Root -> symbol of its underlying in the bars, where they differ.

    Returns
    -------
    DataFrame
        symbol, session and the columns of `OPTION_FEATURES` (Float32), one row a bar of the sessions, sorted by session and symbol.
    """
    known, wanted = identities_of(frames["corporate_actions"]), pl.col("session").is_in(list(sessions))
    surface, chains = (_of_symbols(frames[name], symbols) for name in ("volatility_surface", "option_chains"))
    smiles = _one_of_each_expiry(surface.filter(pl.col("why") == ""))
    month = at_maturity(smiles, "atm_volatility", MONTH)
    ranks = ranked(
        month.rename({"atm_volatility": "value"}), known, days, sessions, back=settings.rank_sessions - 1, least=settings.min_rank_sessions
    )
    flow = over_mean(_traded(chains), known, days, sessions, back=settings.flow_sessions)
    gamma = frames["greeks"].select("session", "contract", "gamma")
    parts = [
        month.filter(wanted).rename({"atm_volatility": "atm_volatility_30d"}),
        ranks.rename({"rank": "iv_rank", "percentile": "iv_percentile"}),
        flow.rename({"ratio": "volume_ratio"}),
        *_of_smiles(smiles.filter(wanted)),
        chain_measures(chains.filter(wanted).join(gamma, on=["session", "contract"], how="left")),
    ]
    rows = _realised(frames, days, sessions, settings.realised_sessions, adjust).sort("session", "symbol")
    for part in parts:
        rows = rows.join(part, on=KEYS, how="left", maintain_order="left")
    implied, realised = pl.col("atm_volatility_30d"), pl.col(REALISED).cast(pl.Float64) * float(sessions_per_year) ** 0.5
    rows = rows.with_columns(
        term_slope=pl.col("atm_volatility_90d") - implied,
        skew_25d=pl.col("put_25d") - pl.col("call_25d"),
        butterfly_25d=(pl.col("put_25d") + pl.col("call_25d")) / 2.0 - implied,
        volatility_premium=implied - realised,
    )
    return rows.select(*KEYS, *(pl.col(name).cast(pl.Float32).fill_null(float("nan")) for name in OPTION_FEATURES.factors))


def _of_symbols(rows: pl.DataFrame, symbols: Mapping[str, str]) -> pl.DataFrame:
    return rows.with_columns(symbol=pl.col("underlying").replace(dict(symbols)))


def _one_of_each_expiry(smiles: pl.DataFrame) -> pl.DataFrame:
    """Of several smiles with one time to expiry, such as those of two roots, that with the most contracts, or the first of these."""
    order = ["session", "symbol", "years", "contracts", "underlying", "expiry"]
    ordered = smiles.sort(order, descending=[name == "contracts" for name in order])
    return ordered.unique(order[:3], keep="first", maintain_order=True)


def _of_smiles(smiles: pl.DataFrame) -> list[pl.DataFrame]:
    """The rest of what smiles of the sessions tell, each with symbol and session."""
    from scipy.special import ndtr  # noqa: PLC0415 - a fifth of a second that only features of options need

    near = next_to(smiles, MONTH)
    each = [Smile.of_row(row) for row in near.iter_rows(named=True)]
    sides = {"put_25d": [one.volatility_of_delta(-DELTA) for one in each], "call_25d": [one.volatility_of_delta(DELTA) for one in each]}
    near = near.with_columns(pl.Series(name, values, dtype=pl.Float64) for name, values in sides.items())
    first = (
        smiles.filter(pl.col("expiry") > pl.col("session"))
        .sort("session", "symbol", "expiry")
        .unique(KEYS, keep="first", maintain_order=True)
    )
    deviation = (first["atm_volatility"] * first["years"].sqrt()).to_numpy()
    straddle = pl.Series("expected_move", 2.0 * (2.0 * ndtr(0.5 * deviation) - 1.0), dtype=pl.Float64)
    quarter = at_maturity(smiles, "atm_volatility", QUARTER).rename({"atm_volatility": "atm_volatility_90d"})
    return [quarter, *(at_maturity(near, name, MONTH) for name in sides), first.select(KEYS).with_columns(straddle)]


def _traded(chains: pl.DataFrame) -> pl.DataFrame:
    """By symbol and session the value of the underlying for which contracts were traded, as `value`: a split changes neither it nor what it is compared with."""
    units = pl.col("volume") * pl.col("multiplier")
    told = chains.filter(pl.col("volume").is_not_null()).group_by(KEYS).agg(value=units.sum() * pl.col("spot").max())
    return told.sort("session", "symbol")


def _realised(
    frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date], back: int, adjust: Adjust
) -> pl.DataFrame:
    """The standard deviation of daily logarithmic returns that end with a session, adjusted as of it; one row a bar."""
    first = days[max(0, days.index(sessions[0]) - back)]
    whole = f"0*Ref($close,{back})"  # missing where the window is not whole
    family = FeatureFamily(name=REALISED, expressions={REALISED: f"Std(Log($close/Ref($close,1)), {back}) + {whole}"})
    last = sessions[-1]
    bars, actions = (frames[name].filter(pl.col("session").is_between(first, last)) for name in ("bars", "corporate_actions"))
    return features_of(family, bars, actions, calendar=[day for day in days if first <= day <= last], sessions=sessions, adjust=adjust)
