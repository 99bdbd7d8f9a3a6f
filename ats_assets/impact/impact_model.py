"""What a model of market impact must be able to do, and the price of trades by one.

A model says of each symbol what a trade costs in basis points of its price: the spread, a fixed part, and coefficients of two powers of participation (`impact_terms`), that of
the move that stays and that of the move that goes. What it says is a pure function of what was known before the trade, and is the same for buys and sells.

Where a model lacks one of its inputs (a symbol that is new, or has no volume), the trade costs the fixed rates of `[backtest]`, and the reason is told.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel

from ats_assets.impact.impact_terms import Floats, ImpactTerms, moved_bps
from ats_assets.settings import BacktestSettings

WHY = ("", "no_volume", "no_volatility", "no_spread", "no_shares_outstanding")
"""Why a cost is not the model's own; an array has the places. Of the last one the model has taken a usual value, of the others the fixed rates are taken."""
NO_VOLUME, NO_VOLATILITY, NO_SPREAD, NO_SHARES_OUTSTANDING = range(1, len(WHY))


class ImpactMarket(NamedTuple):
    """What is known of symbols before a trade, arrays of one shape; NaN where not known."""

    dollar_volume: Floats
    """Of a usual day, in currency."""
    volatility: Floats
    """Standard deviation of daily returns, a share of the price."""
    half_spread: Floats
    """A share of the price."""
    duration_days: Floats
    """Of the trade, in days of trading."""
    turnover_days: Floats
    """Shares outstanding over the day's usual volume."""


class ImpactCoefficients(NamedTuple):
    """Of each symbol, arrays of one shape, in basis points of the price; see `ImpactTerms`."""

    spread_bps: Floats
    fixed_bps: Floats
    permanent_bps: Floats
    temporary_bps: Floats
    permanent_power: float = 1.0
    temporary_power: float = 0.5
    why: NDArray[np.int64] | None = None
    """What was taken in the place of an input that is not known, in `WHY`."""


class ImpactModel(Protocol):
    """One kind of model, with its settings."""

    settings: BaseModel
    needs: tuple[str, ...]
    """Of `ImpactMarket`, what must be known: where it is not, the fixed rates are taken."""

    def coefficients(self, market: ImpactMarket, costs: BacktestSettings) -> ImpactCoefficients:
        """Of each symbol; where something is lacking that it needs, any number.

        Parameters
        ----------
        costs
            The fixed rates.
        """
        ...


_LACKED = {"dollar_volume": NO_VOLUME, "volatility": NO_VOLATILITY, "half_spread": NO_SPREAD}


def model_terms(
    model: ImpactModel,
    market: ImpactMarket,
    costs: BacktestSettings,
    *,
    scale: float | Floats = 1.0,
    multiple: float = 1.0,
    most_shares: Floats | None = None,
) -> tuple[ImpactTerms, NDArray[np.int64]]:
    """What trades cost by a model, with the fixed rates where it lacks something, and why.

    Parameters
    ----------
    scale
        Of the impact: what fills have shown (`scale_fit`), 1 for the model as it is; of any shape that fits the market's.
    multiple
        Of what the model says of spread and impact. That of the fixed rates is in `costs` already.
    most_shares
        That a trade can be filled with, of the market's shape; None for no bound.
    """
    said = model.coefficients(market, costs)
    shape = market.dollar_volume.shape
    why = np.zeros(shape, dtype=np.int64) if said.why is None else said.why.copy()
    for name in reversed(model.needs):
        known = getattr(market, name)
        why[~(np.isfinite(known) & (known > 0.0 if name == "dollar_volume" else known >= 0.0))] = _LACKED[name]
    lacking = (why > 0) & (why < NO_SHARES_OUTSTANDING)
    own = 1.0 if "half_spread" not in model.needs else multiple
    moves = "dollar_volume" in model.needs

    def taken(values: Floats, instead: float, times: float | Floats) -> Floats:
        return np.where(lacking, instead, np.broadcast_to(values, shape) * times)

    return ImpactTerms(
        spread_bps=taken(said.spread_bps, costs.spread_bps, own),
        fixed_bps=taken(said.fixed_bps, costs.slippage_bps, 1.0),
        permanent_bps=taken(said.permanent_bps, 0.0, scale * multiple),
        temporary_bps=taken(said.temporary_bps, 0.0, scale * multiple),
        dollar_volume=np.where(lacking, np.inf, market.dollar_volume) if moves else np.full(shape, np.inf),
        most_shares=np.full(shape, np.inf) if most_shares is None else most_shares,
        permanent_power=float(said.permanent_power),
        temporary_power=float(said.temporary_power),
    ), why


@dataclass(frozen=True, kw_only=True)
class ImpactInputs:
    """Trades and what was known before them, arrays of shape (n,); NaN where not known.

    Attributes
    ----------
    side
        +1 for buys, -1 for sells.
    quantity, day_volume, shares_outstanding
        In shares.
    price
        In currency.
    volatility, half_spread
        A day's standard deviation of returns and half of the spread, as shares of the price.
    duration_days
        How long the trade takes, in days of trading; NaN for the model's own.
    """

    side: NDArray[np.int64]
    quantity: Floats
    price: Floats
    day_volume: Floats
    volatility: Floats
    half_spread: Floats
    duration_days: Floats
    shares_outstanding: Floats

    @classmethod
    def of(
        cls,
        *,
        side: ArrayLike,
        quantity: ArrayLike,
        price: ArrayLike,
        day_volume: ArrayLike = np.nan,
        volatility: ArrayLike = np.nan,
        half_spread: ArrayLike = np.nan,
        duration_days: ArrayLike = np.nan,
        shares_outstanding: ArrayLike = np.nan,
    ) -> "ImpactInputs":
        """Of anything that numpy takes for an array, or of numbers."""
        given = (quantity, price, day_volume, volatility, half_spread, duration_days, shares_outstanding)
        sides, *rest = np.broadcast_arrays(np.atleast_1d(np.asarray(side, dtype=np.int64)), *given)
        names = ("quantity", "price", "day_volume", "volatility", "half_spread", "duration_days", "shares_outstanding")
        return cls(side=sides, **{name: np.asarray(one, dtype=np.float64) for name, one in zip(names, rest, strict=True)})


@dataclass(frozen=True, kw_only=True)
class ImpactCosts:
    """What trades cost, arrays of shape (n,), as shares of the price and never below zero; the four parts add up to `total`.

    Attributes
    ----------
    permanent
        What is paid of the move that stays: half of it, where the trade makes it evenly.
    temporary
        What is paid of the move that goes.
    fixed, spread
        The fixed part, and half of the spread.
    why
        Why a cost is not the model's own, in `WHY`.
    """

    permanent: Floats
    temporary: Floats
    fixed: Floats
    spread: Floats
    why: NDArray[np.int64]

    @property
    def total(self) -> Floats:
        """All four."""
        return self.permanent + self.temporary + self.fixed + self.spread


def impact_costs(model: ImpactModel, trades: ImpactInputs, costs: BacktestSettings, *, scale: float = 1.0) -> ImpactCosts:
    """What trades cost by a model: the same coefficients and the same formula as in a backtest, in parts.

    Examples
    --------
    >>> from ats_assets.impact import model_named
    >>> trades = ImpactInputs.of(side=1, quantity=10_000, price=50.0, day_volume=1_000_000, volatility=0.02)
    >>> made = impact_costs(model_named("square_root"), trades, BacktestSettings(spread_bps=4.0))
    >>> (made.temporary * 1e4).round(6).tolist(), (made.spread * 1e4).tolist()
    ([20.0], [2.0])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        turnover = trades.shares_outstanding / trades.day_volume
    market = ImpactMarket(
        dollar_volume=trades.day_volume * trades.price,
        volatility=trades.volatility,
        half_spread=trades.half_spread,
        duration_days=trades.duration_days,
        turnover_days=turnover,
    )
    terms, why = model_terms(model, market, costs, scale=scale)
    value = np.abs(trades.quantity) * trades.price
    return costs_in_parts(value, terms, why)


def costs_in_parts(value: Floats, terms: ImpactTerms, why: NDArray[np.int64]) -> ImpactCosts:
    """What trades of some values cost, in currency and of the shape of the terms; a trade of nothing costs nothing."""
    participation, trades = value / terms.dollar_volume, value > 0.0
    nothing = np.zeros(value.shape)
    permanent = moved_bps(participation, terms.permanent_bps, terms.permanent_power, nothing, 1.0)
    temporary = moved_bps(participation, nothing, 1.0, terms.temporary_bps, terms.temporary_power)
    parts = {"permanent": permanent, "temporary": temporary, "fixed": terms.fixed_bps, "spread": terms.spread_bps / 2.0}
    return ImpactCosts(why=why, **{name: np.where(trades, part / 1e4, 0.0) for name, part in parts.items()})
