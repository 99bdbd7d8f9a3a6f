"""The columns of what regimes are told by, of their estimations, and of the regimes themselves. The contracts, which need pandera, are in `contracts`."""

import polars as pl

from ats_assets.settings import RegimeSettings, regime_columns

OBSERVATIONS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "return": pl.Float64,
        "volatility": pl.Float64,
        "breadth": pl.Float64,
        "symbols": pl.UInt32,
        "member": pl.Boolean,
    }
)
FITS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "states": pl.Int32,
        "log_likelihood": pl.Float64,
        "bic": pl.Float64,
        "icl": pl.Float64,
        "rows": pl.UInt32,
        "first_session": pl.Date,
        "iterations": pl.UInt32,
        "converged": pl.Boolean,
        "start": pl.UInt32,
        "parameters": pl.String,
    }
)


def regimes_schema(name: str, settings: RegimeSettings) -> pl.Schema:
    """The columns and types of an entry's regimes: symbol, session, then one float32 column a feature."""
    return pl.Schema({"symbol": pl.String(), "session": pl.Date()} | dict.fromkeys(regime_columns(name, settings), pl.Float32()))
