"""The columns of the tables of `active_return`; what they say is in `contracts`, which needs pandera."""

import polars as pl

EFFECTS = ("allocation", "selection", "interaction")
BESIDE = ("trading", "costs")
"""What is of the account as a whole."""

SCHEMAS: dict[str, pl.Schema] = {
    "sessions": pl.Schema({"session": pl.Date} | dict.fromkeys(("account", "benchmark", *EFFECTS, *BESIDE), pl.Float64)),
    "periods": pl.Schema(
        {"period": pl.String, "first": pl.Date, "last": pl.Date, "sessions": pl.Int64}
        | dict.fromkeys(("account", "benchmark", "active", *EFFECTS, *BESIDE), pl.Float64)
    ),
    "groups": pl.Schema(
        {"period": pl.String, "group": pl.String}
        | dict.fromkeys(("weight", "benchmark_weight", "account", "benchmark", *EFFECTS, "active"), pl.Float64)
    ),
}
