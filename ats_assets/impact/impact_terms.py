"""What the slippage of a trade is made of, as kernels have it: the one formula that backtest, paper broker and estimates share.

With the participation p, the trade's value over the day's usual dollar volume, slippage in basis points is

    fixed + permanent * p ^ a + temporary * p ^ b

and half of the spread is beside it. Each model says the coefficients of each symbol. Since p is a ratio of values, a split changes nothing.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel

Floats = NDArray[np.float64]


class ImpactTerms(NamedTuple):
    """Arrays of shape (n_symbols,), or of (n_sessions, n_symbols); those of one row hold for all sessions."""

    spread_bps: Floats
    """The full spread."""
    fixed_bps: Floats
    permanent_bps: Floats
    """At a participation of one, what is paid of the move that stays."""
    temporary_bps: Floats
    """The same of the move that goes."""
    dollar_volume: Floats
    """Of a usual day; infinite where nothing depends on it, or it is not known."""
    most_shares: Floats
    """That a trade can be filled with; infinite for no bound."""
    permanent_power: float
    temporary_power: float


@kernel
def moved_bps(participation: float, permanent: float, permanent_power: float, temporary: float, temporary_power: float) -> float:
    """Market impact in basis points; of numbers, or of arrays that go together."""
    return permanent * participation**permanent_power + temporary * participation**temporary_power


@kernel
def slippage_bps_of(notional: int, at: int, terms: ImpactTerms) -> float:
    """Of a trade of so many cents in the symbol `at`, in basis points."""
    participation = notional / 100.0 / terms.dollar_volume[at]
    moved = moved_bps(participation, terms.permanent_bps[at], terms.permanent_power, terms.temporary_bps[at], terms.temporary_power)
    return terms.fixed_bps[at] + moved


def rates_bps(value: Floats, terms: ImpactTerms) -> tuple[Floats, Floats]:
    """Slippage of trades of some values, and of what is added to them, in basis points; arrays of shape (n_symbols,), as the terms are."""
    participation = value / terms.dollar_volume
    permanent, temporary = terms.permanent_power, terms.temporary_power
    slippage = terms.fixed_bps + moved_bps(participation, terms.permanent_bps, permanent, terms.temporary_bps, temporary)
    added = moved_bps(participation, (1.0 + permanent) * terms.permanent_bps, permanent, (1.0 + temporary) * terms.temporary_bps, temporary)
    return slippage, terms.fixed_bps + added


@kernel
def terms_at(terms: ImpactTerms, session: int) -> ImpactTerms:
    """Those of one session, arrays of shape (n_symbols,)."""
    return ImpactTerms(
        terms.spread_bps[min(session, len(terms.spread_bps) - 1)],
        terms.fixed_bps[min(session, len(terms.fixed_bps) - 1)],
        terms.permanent_bps[min(session, len(terms.permanent_bps) - 1)],
        terms.temporary_bps[min(session, len(terms.temporary_bps) - 1)],
        terms.dollar_volume[min(session, len(terms.dollar_volume) - 1)],
        terms.most_shares[min(session, len(terms.most_shares) - 1)],
        terms.permanent_power,
        terms.temporary_power,
    )


def terms_of_symbol(terms: ImpactTerms, at: int) -> ImpactTerms:
    """Those of one symbol, arrays of shape (1,)."""
    one = slice(at, at + 1)
    return ImpactTerms(
        spread_bps=terms.spread_bps[one],
        fixed_bps=terms.fixed_bps[one],
        permanent_bps=terms.permanent_bps[one],
        temporary_bps=terms.temporary_bps[one],
        dollar_volume=terms.dollar_volume[one],
        most_shares=terms.most_shares[one],
        permanent_power=terms.permanent_power,
        temporary_power=terms.temporary_power,
    )


class FixedRates(Protocol):
    """The rates of `[backtest]`, under the settings' names."""

    @property
    def spread_bps(self) -> float:
        """The full spread."""
        ...

    @property
    def slippage_bps(self) -> float:
        """Beside half of it."""
        ...


def free_terms(*shape: int) -> ImpactTerms:
    """Trades that cost nothing beside their commission, without a bound."""
    nothing, unbounded = np.zeros(shape), np.full(shape, np.inf)
    return ImpactTerms(nothing, nothing, nothing, nothing, unbounded, unbounded, 1.0, 0.5)


def fixed_terms(costs: FixedRates, *shape: int) -> ImpactTerms:
    """The rates of the settings, whatever is traded, and no bound.

    Examples
    --------
    >>> from ats_assets.settings import BacktestSettings
    >>> slippage_bps_of(1_000_000, 0, fixed_terms(BacktestSettings(slippage_bps=2.0), 1)).item()
    2.0
    """
    spread, slippage = np.full(shape, float(costs.spread_bps)), np.full(shape, float(costs.slippage_bps))
    return free_terms(*shape)._replace(spread_bps=spread, fixed_bps=slippage)
