"""The volatility surface: a smile for each underlying, session and expiry, of the chains and their greeks.

In steps:

1. The forward of an expiry is what put-call parity tells around the money (`parity_forward`).
2. Of the options out of the money with a price and time value the volatilities on that forward are taken (`usable_quotes`).
3. SVI is fitted to these (`svi_fit`), or where they are few a parabola (`surface_fit`); where there is no smile the row says why.
4. Each smile is held against Durrleman's condition, and against that of the expiry before it.

A row is a function of the rows of its underlying and session alone, in whatever order these come.
"""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from ats_assets.options.surface.smile import Smile
from ats_assets.options.surface.surface_fit import error_of, fitted_smile, is_butterfly_free, is_calendar_free
from ats_assets.options.surface.usable_quotes import OF_CHAINS, OF_GREEKS, forward_of, points_of, with_european_prices

SURFACE_REASONS: Final = ("expires", "no_forward", "no_contracts", "few_contracts", "one_sided", "no_variance")
"""Why an expiry has no smile: it is the session itself; spot, rate or time are not known; no contract out of the money has a price with time value; fewer than three strikes have; none on one side
of the forward; what was fitted has no variance."""

VOLATILITY_SURFACE_SCHEMA: Final = pl.Schema(
    {
        "underlying": pl.String,
        "session": pl.Date,
        "expiry": pl.Date,
        "years": pl.Float64,
        "forward": pl.Float64,
        "parity_pairs": pl.Int32,
        "contracts": pl.Int32,
        "method": pl.String,
        "atm_volatility": pl.Float64,
        "skew": pl.Float64,
        "curvature": pl.Float64,
        "a": pl.Float64,
        "b": pl.Float64,
        "rho": pl.Float64,
        "m": pl.Float64,
        "sigma": pl.Float64,
        "rmse": pl.Float64,
        "lowest_moneyness": pl.Float64,
        "highest_moneyness": pl.Float64,
        "butterfly_free": pl.Boolean,
        "calendar_free": pl.Boolean,
        "why": pl.String,
    }
)
SLICE: Final = ("session", "underlying", "expiry")
CONTRACT: Final = ("session", "contract")


def volatility_surface(chains: pl.DataFrame, greeks: pl.DataFrame) -> pl.DataFrame:
    """The smiles of all slices.

    Parameters
    ----------
    chains
        Rows of `option_chains`, of any sessions and underlyings, in any order.
    greeks
        Those of `greeks` of the same contracts.

    Returns
    -------
    DataFrame
        One row an underlying, session and expiry (`VOLATILITY_SURFACE_SCHEMA`), sorted by session, underlying and expiry.
    """
    rows = chains.select(*SLICE, "contract", *OF_CHAINS).join(greeks.select(*CONTRACT, *OF_GREEKS), on=CONTRACT, how="inner")
    rows = with_european_prices(rows.sort(*SLICE, "strike", "right"))
    made: list[dict[str, Any]] = []
    for _, of_surface in rows.group_by("session", "underlying", maintain_order=True):
        made += _of_surface(of_surface)
    return pl.DataFrame(made, schema=VOLATILITY_SURFACE_SCHEMA, orient="row")


def _of_surface(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of one underlying and session, expiry by expiry."""
    before: Smile | None = None
    for (session, underlying, expiry), of_expiry in rows.group_by(SLICE, maintain_order=True):
        row, smile = _of_slice(of_expiry)
        if smile is not None:
            row["butterfly_free"] = is_butterfly_free(smile)
            row["calendar_free"] = before is None or is_calendar_free(before, smile)
            before = smile
        yield dict.fromkeys(VOLATILITY_SURFACE_SCHEMA) | {"session": session, "underlying": underlying, "expiry": expiry} | row


def _of_slice(rows: pl.DataFrame) -> tuple[dict[str, Any], Smile | None]:
    """What is known of one expiry, and its smile, where it has one."""
    years, carried = rows["years"][0], rows["carried"][0]
    row: dict[str, Any] = {"years": years, "contracts": 0, "parity_pairs": 0}
    if years is not None and not years > 0.0:
        return row | {"why": "expires"}, None
    if years is None or not 0.0 < carried < float("inf"):
        return row | {"why": "no_forward"}, None
    forward, pairs = forward_of(rows)
    k, volatility, weight = points_of(rows, forward)
    row |= {"forward": forward, "parity_pairs": pairs, "contracts": len(k)}
    smile = fitted_smile(forward, years, k, volatility, weight)
    if isinstance(smile, str):
        return row | {"why": smile}, None
    row |= {"atm_volatility": smile.atm_volatility, "skew": smile.skew, "curvature": smile.curvature}
    row |= {"lowest_moneyness": smile.lowest, "highest_moneyness": smile.highest, "why": ""}
    row |= {"method": "svi", **smile.svi._asdict()} if smile.svi is not None else {"method": "smoothed"}
    return row | {"rmse": error_of(smile, k, volatility, weight)}, smile
