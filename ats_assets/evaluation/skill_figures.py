"""What is shown of each partition of `skill`."""

import polars as pl


def skill_figures(skill: pl.DataFrame) -> pl.DataFrame:
    """IC and rank IC by horizon, and of the longest one turnover of the top quantile, and its return less that of the bottom one.

    Examples
    --------
    >>> from datetime import date
    >>> of = {"session": [date(2024, 1, 9)] * 2, "horizon_sessions": [1, 5], "ic": [0.1, 0.2], "rank_ic": [0.0, None], "turnover": [0.5, 0.4]}
    >>> skill_figures(pl.DataFrame(of | {"n_symbols": [60, 58], "quantile_returns": [[-0.1, 0.3], [0.0, 0.25]]})).row(0, named=True)
    {'session': datetime.date(2024, 1, 9), 'ic_1': 0.1, 'rank_ic_1': 0.0, 'ic_5': 0.2, 'rank_ic_5': None, 'turnover': 0.4, 'quantile_spread': 0.25, 'symbols': 58}
    """
    horizons = skill["horizon_sessions"].unique().sort().to_list()
    of_horizons = [pl.col(name).filter(horizon_sessions=h).first().alias(f"{name}_{h}") for h in horizons for name in ("ic", "rank_ic")]
    returns = pl.col("quantile_returns")
    last = {"turnover": pl.col("turnover"), "quantile_spread": returns.list.last() - returns.list.first(), "symbols": pl.col("n_symbols")}
    return skill.group_by("session", maintain_order=True).agg(
        *of_horizons, *(of.sort_by("horizon_sessions").last().alias(name) for name, of in last.items())
    )
