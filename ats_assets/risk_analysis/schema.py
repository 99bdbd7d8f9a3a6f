"""The columns of the tables of `monte_carlo`; what they say is in `contracts`, which needs pandera."""

import polars as pl

SCHEMAS: dict[str, pl.Schema] = {
    "fan": pl.Schema({"way": pl.String, "quantile": pl.Float64, "step": pl.Int64, "value": pl.Float64}),
    "path_quantiles": pl.Schema({"way": pl.String, "figure": pl.String, "quantile": pl.Float64, "value": pl.Float64}),
    "path_summary": pl.Schema(
        {"way": pl.String}
        | dict.fromkeys(("paths", "horizon", "drawn_from"), pl.Int64)
        | dict.fromkeys(("block_length", "ruin_share", "ruin_probability", "loss_probability", "mean_final"), pl.Float64)
        | dict.fromkeys(("happened_final", "happened_drawdown", "deeper_share"), pl.Float64)
    ),
    "tail_estimates": pl.Schema({"estimate": pl.String} | dict.fromkeys(("tail", "value_at_risk", "expected_shortfall"), pl.Float64)),
    "rolling_tail": pl.Schema(
        {"session": pl.Date} | dict.fromkeys(("account_return", "volatility", "value_at_risk"), pl.Float64) | {"exceeded": pl.Boolean}
    ),
    "stress": pl.Schema(
        {"kind": pl.String, "name": pl.String, "first": pl.Date, "last": pl.Date}
        | dict.fromkeys(("account", "benchmark", "drawdown"), pl.Float64)
    ),
    "factor_exposures": pl.Schema(
        {"factor": pl.String} | dict.fromkeys(("exposure", "standard_error", "t_statistic", "r_squared"), pl.Float64)
    ),
    "held_correlations": pl.Schema({"symbol": pl.String, "other": pl.String, "correlation": pl.Float64}),
    "capacity": pl.Schema(dict.fromkeys(("multiple", "capital", "impact_a_year", "annual_return", "large_share"), pl.Float64)),
}
