"""The schemas of the tables of tuning."""

import polars as pl

TUNING_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "tuned_session": pl.Date,
        "trial": pl.Int32,
        "generation": pl.Int32,
        "state": pl.String,
        "parameters": pl.String,
        "rank_ic": pl.Float64,
        "standard_error": pl.Float64,
        "value": pl.Float64,
        "fold_rank_ics": pl.List(pl.Float64),
        "fits": pl.Int32,
        "is_chosen": pl.Boolean,
        "reason": pl.String,
        "made_with": pl.String,
    }
)
WORTH_SCHEMA = pl.Schema({"model": pl.String, "tuned_session": pl.Date, "session": pl.Date, "tuned": pl.Float64, "own": pl.Float64})
PERIODS_SCHEMA = pl.Schema(
    {"model": pl.String, "tuned_session": pl.Date, "promised": pl.Float64, "made_from": pl.String, "reason": pl.String}
)
"""What is known of each period, beside its sessions: the gain that the folds had promised (null where the own settings were chosen), what it was made from, and why it has no sessions."""
