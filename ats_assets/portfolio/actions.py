"""What corporate actions do to held positions at the open of their ex-session, before anything is traded there.

All numbers of an action are for one old share, a share as it was at the close before (`corporate_actions`). With h shares held over that close:

1. A payment c credits h * c to the cash, to the cent; a short position pays it. It is income: it is realised, and the basis stays. One of the close before or more is none.
2. A ratio r makes h * r shares of the h. Where only whole shares are held, and short positions always are, the rest is paid in cash at the price of the close before, which is (close - c) / r for a new
   share: the payment was credited for all h, so that no fraction holds it a second time. It takes its part of the basis along, as a closing trade does, and the
   difference is realised. The basis of what stays is what is left.

So cash = initial cash + realised P&L - basis holds on, exactly. The price known before is scaled by `price_after`, so that a symbol without a bar at the
ex-session is worth what it was. What was ordered at the close before was meant in old shares: where a ratio applies, it is not filled (`CANCELLED`), and the next plan
decides again.
"""

# ruff: noqa: PLR0917 - kernels take arrays by position

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.corporate_actions.adjustment import by_ex_session
from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import nearest
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.costs import Cents, cents_of
from ats_assets.portfolio.sizing import rounded_one

Indices = NDArray[np.intp]
CANCELLED = "corporate_action"
"""Why an order that was decided in old shares is not filled."""


class ActionsApplied(NamedTuple):
    """The positions after the actions of a session, arrays of shape (n_symbols,); money in cents.

    Attributes
    ----------
    shares, basis
        What is held, and what it cost.
    dividends
        Credited for payments; negative where a short position paid.
    in_lieu
        Paid for fractions of a share.
    realised
        Profit and loss of both.
    """

    shares: Floats
    basis: Cents
    dividends: Cents
    in_lieu: Cents
    realised: Cents

    @property
    def cash_flow(self) -> int:
        """What the cash grows by, in cents."""
        return int(self.dividends.sum() + self.in_lieu.sum())


@kernel
def apply_actions(shares: Floats, basis: Cents, ratio: Floats, cash: Floats, close: Floats, fractional: bool) -> ActionsApplied:
    """Apply the actions of one ex-session.

    Parameters
    ----------
    shares, basis
        Held over the close before, negative where short, and what they cost in cents; arrays of shape (n_symbols,).
    ratio
        New shares for an old one, 1 where nothing happens.
    cash
        Paid for an old share in currency, 0 where nothing is.
    close
        The last close before, in currency. Where it is not known (NaN) a fraction is not paid but kept.
    fractional
        Whether fractions of a share can be held. Nobody holds a fraction short.

    Examples
    --------
    >>> shares, basis = np.array([10.0, -10.0]), np.array([50_000, -50_000])
    >>> after = apply_actions(shares, basis, np.array([1.5, 1.0]), np.array([0.0, 0.25]), np.array([50.0, 50.0]), fractional=False)
    >>> after.shares, after.dividends, after.cash_flow  # three for two; a dividend that the short pays
    (array([ 15., -10.]), array([   0, -250]), -250)
    """
    n = len(shares)
    kept, left, none = shares.copy(), basis.copy(), np.zeros(n, dtype=np.int64)
    dividends, in_lieu, realised = none.copy(), none.copy(), none.copy()
    for i in range(n):
        dividends[i] = cents_of(shares[i] * counted(close[i], cash[i]))
        realised[i] = dividends[i]
        if ratio[i] == 1.0 or shares[i] == 0.0:
            continue
        grown = rounded_one(shares[i] * ratio[i])
        parts = (fractional and shares[i] > 0.0) or not np.isfinite(close[i])
        kept[i] = grown if parts else np.trunc(grown)
        rest = grown - kept[i]
        if rest != 0.0:
            in_lieu[i] = cents_of(rest * price_of_new(close[i], ratio[i], cash[i]))
        part = basis[i] if kept[i] == 0.0 else np.int64(nearest(basis[i] * rest / grown))
        left[i] -= part
        realised[i] += in_lieu[i] - part
    return ActionsApplied(shares=kept, basis=left, dividends=dividends, in_lieu=in_lieu, realised=realised)


def session_actions(actions: pl.DataFrame, names: Sequence[str], key: str = "symbol") -> tuple[Floats, Floats]:
    """Ratio and cash of each symbol, or instrument, arrays of shape (n,): 1 and 0 where nothing happens (`by_ex_session`).

    Mergers do nothing here: an instrument that ends is delisted. Nor do changes of name.

    Parameters
    ----------
    actions
        symbol, perhaps instrument, kind, ratio, cash of one session, as `CorporateActions` has them.
    key
        What the names are.

    Examples
    --------
    >>> import polars as pl
    >>> actions = pl.DataFrame({"symbol": ["AAA", "BBB"], "kind": ["split", "cash_dividend"], "ratio": [4.0, None], "cash": [None, 0.5]})
    >>> session_actions(actions, ["AAA", "BBB", "CCC"])
    (array([4., 1., 1.]), array([0. , 0.5, 0. ]))
    """
    found = by_ex_session(actions.with_columns(session=pl.lit(None, pl.Date)), key).drop("session")
    named = pl.DataFrame({key: names}, schema={key: pl.String}).join(found, on=key, how="left", maintain_order="left")
    return named["ratio"].fill_null(1.0).to_numpy(), named["cash"].fill_null(0.0).to_numpy()


def price_after(close: Floats, ratio: Floats, cash: Floats) -> Floats:
    """The close before as a price of a new share that is no longer entitled to the payment: (close - cash) / ratio.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import price_after
    >>> price_after(np.array([100.0, 100.0]), np.array([4.0, 1.0]), np.array([0.0, 2.0]))  # a split, a dividend
    array([25., 98.])
    """
    return (close - counted_payment(close, cash)) / ratio


def counted_payment(close: Floats, cash: Floats) -> Floats:
    """The payments that count: none of the close before or more, which no share can pay and keep a price. Both are for a share as it was left by earlier actions.

    Examples
    --------
    >>> counted_payment(np.array([4.0, 100.0]), np.array([5.0, 5.0]))
    array([0., 5.])
    """
    return np.where(cash >= close, 0.0, cash)


@kernel
def price_of_new(close: float, ratio: float, cash: float) -> float:
    """`price_after` of one share; NaN stays."""
    return (close - counted(close, cash)) / ratio


@kernel
def counted(close: float, cash: float) -> float:
    """`counted_payment` of one share."""
    return 0.0 if cash >= close else cash
