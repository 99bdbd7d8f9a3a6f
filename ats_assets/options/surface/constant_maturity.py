"""Volatilities at one time to expiry, whatever expiries there are: by total variance that is linear in time between the two next to it.

Total variance at equal moneyness can't fall with time without arbitrage, so that what lies between two slices without any has none (Gatheral and Jacquier, Quantitative Finance 14, 2014, lemma 2.1).
"""

from typing import Final

import polars as pl

SURFACE: Final = ("session", "symbol")
NEAR: Final = 2.0
"""Beyond the first or the last expiry its volatility is taken, where its time is no less than half and no more than twice the wanted one."""


def next_to(smiles: pl.DataFrame, years: float) -> pl.DataFrame:
    """Of each surface the last expiry up to a time and the first after it.

    Parameters
    ----------
    smiles
        session, symbol, years, and anything else: rows of `volatility_surface` that have a smile.
    """
    time = pl.col("years")
    before, after = (
        time.filter(each).min().over(*SURFACE) if late else time.filter(each).max().over(*SURFACE) for late, each in _sides(years)
    )
    return smiles.filter((time == before) | (time == after))


def _sides(years: float) -> tuple[tuple[bool, pl.Expr], tuple[bool, pl.Expr]]:
    return (False, pl.col("years") <= years), (True, pl.col("years") > years)


def at_maturity(smiles: pl.DataFrame, column: str, years: float) -> pl.DataFrame:
    """The volatility at a time, of each surface: session, symbol and `column`; surfaces of which it can't be told are left out.

    Parameters
    ----------
    column
        Holds a volatility a year for each smile, NaN where there is none.

    Examples
    --------
    >>> rows = {"session": ["D"] * 2, "symbol": ["A"] * 2, "years": [0.05, 0.15], "volatility": [0.2, 0.3]}
    >>> round(at_maturity(pl.DataFrame(rows), "volatility", 0.1)["volatility"][0], 6)  # of variances 0.002 and 0.0135 that of 0.00775
    0.278388
    """
    known = next_to(smiles.filter(pl.col(column).is_not_nan()), years).sort(*SURFACE, "years")
    sides = [
        known.filter(which).select(*SURFACE, pl.col("years").alias(f"years_{late}"), pl.col(column).alias(f"value_{late}"))
        for late, which in _sides(years)
    ]
    both = sides[0].join(sides[1], on=SURFACE, how="full", coalesce=True)
    (t, v), (u, w) = ((pl.col(f"years_{late}"), pl.col(f"value_{late}")) for late in (False, True))
    variance = v * v * t + (w * w * u - v * v * t) * ((years - t) / (u - t))
    told = (
        pl.when(t.is_not_null() & u.is_not_null())
        .then((variance / years).sqrt())
        .when(t.is_not_null() & (t * NEAR >= years))
        .then(v)
        .when(t.is_null() & (u <= NEAR * years))
        .then(w)
    )
    return both.select(*SURFACE, told.alias(column)).drop_nulls().sort(*SURFACE)
