"""Where the trades of two engines differ, trade by trade, and the rule that explains each: nothing is passed over for being small.

For each session in which the two did not trade the same of an instrument, the session is traded again from *their* account, by our rules and then by our rules with one of theirs
in the place of ours, with two of them, and so on:

1. By our rules it comes to their trade: the accounts had differed before, for a reason that an earlier row names (`carried`).
2. With some of their rules it does: these, the fewest that do, are the reason, joined by " + ".
3. It never does: `unexplained`. There should be none.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import polars as pl

from ats_assets.backtests.child_engine.engine_rules import CENTS, CashAndShares, SessionRules
from ats_assets.backtests.engine import BacktestInputs, BacktestResult
from ats_assets.backtests.market import Market, read_market
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.costs import Cents, to_cents

CARRIED, UNEXPLAINED = "carried", "unexplained"
SAME_SHARES = 1e-6
"""Less than that, with the same cents, is the same trade."""
DIFFERENCES_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "instrument": pl.String,
        **dict.fromkeys(("our_shares", "their_shares", "our_cash_flow", "their_cash_flow"), pl.Float64()),
        "rule": pl.String,
    }
)


def trade_differences(
    inputs: BacktestInputs, ours: BacktestResult, theirs: BacktestResult, rules: Sequence[str], account: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The trades that differ.

    Parameters
    ----------
    ours, theirs
        The same inputs by the engine `orders` and by another one.
    rules
        By which the other one differs, of `ats_assets.backtests.child_engine.engine_rules.RULES`.
    account
        The other engine's own account, columns session and cash, parts of a cent included; default: the cents of `theirs`.

    Returns
    -------
    DataFrame
        Session, instrument, shares and cash flow of either (negative shares for sales), rule; sorted by session and instrument.
    """
    market = read_market(inputs.targets, inputs.bars, inputs.sessions, inputs.actions, inputs.instruments)
    if inputs.targets.is_empty():
        return DIFFERENCES_SCHEMA.to_frame()
    mine, other = _Side.of(market, ours, ours.equity), _Side.of(market, theirs, theirs.equity if account is None else account)
    differ = (np.abs(mine.traded - other.traded) > SAME_SHARES) | (mine.flows != other.flows)
    explained, rows = SessionRules(market, inputs), []
    for i in np.flatnonzero(differ.any(axis=1)):
        session = _Session(int(i), explained, other, market, rules, differed=mine.differs(other, int(i)))
        for j in np.flatnonzero(differ[i]):
            shares, flows = (mine.traded[i, j], other.traded[i, j]), (mine.flows[i, j] / 100, other.flows[i, j] / 100)
            rows.append((market.sessions[i], market.instruments[j], *shares, *flows, session.rule(int(j))))
    return pl.DataFrame(rows, schema=DIFFERENCES_SCHEMA, orient="row")


class _Side(NamedTuple):
    """What one engine did, of shape (n_sessions, n_instruments); cash, in currency, of shape (n_sessions,)."""

    traded: Floats
    flows: Cents
    held: Floats
    cash: Floats

    @classmethod
    def of(cls, market: Market, result: BacktestResult, account: pl.DataFrame) -> "_Side":
        shape, columns = market.open.shape, pl.Enum(market.instruments)
        traded, flows, held = np.zeros(shape), np.zeros(shape, dtype=np.int64), np.zeros(shape)
        days = np.array(market.sessions, dtype="datetime64[D]")
        for frame, matrix in ((result.trades, traded), (result.positions, held)):
            at = np.searchsorted(days, frame["session"].to_numpy()), frame["instrument"].cast(columns).to_physical().to_numpy()
            shares = frame["shares"].to_numpy()
            if matrix is held:
                held[at] = shares
            else:
                np.add.at(traded, at, np.where(frame["side"].to_numpy() == "buy", shares, -shares))
                np.add.at(flows, at, to_cents(frame["cash_flow"].to_numpy()))
        return cls(traded, flows, held, account["cash"].to_numpy())

    def before(self, i: int) -> CashAndShares:
        """The account at the close before session `i`; a session before the first trades nothing."""
        return CashAndShares(float(self.cash[i - 1]), self.held[i - 1])

    def differs(self, other: "_Side", i: int) -> bool:
        """Whether the two accounts were not the same at the close before session `i`."""
        same_cash = to_cents(self.cash[i - 1]) == to_cents(other.cash[i - 1])
        return not (same_cash and bool((np.abs(self.held[i - 1] - other.held[i - 1]) <= SAME_SHARES).all()))


class _Session:
    """One session from their account, by ever more of their rules."""

    def __init__(self, i: int, sessions: SessionRules, theirs: _Side, market: Market, rules: Sequence[str], *, differed: bool) -> None:
        self._i, self._sessions, self._rules, self._differed = i, sessions, rules, differed
        self._traded, self._account, self._prices = theirs.traded[i], theirs.before(i), market.open[i]
        self._made: list[tuple[str, float, Floats]] = []
        self._more = self._by_rules()

    def rule(self, j: int) -> str:
        """What explains the trade of instrument `j`."""
        for name, cents, filled in self._tried():
            if abs(filled[j] - self._traded[j]) <= max(SAME_SHARES, cents / 100 / self._prices[j]):
                return name if name or not self._differed else CARRIED
        return UNEXPLAINED

    def _tried(self) -> Iterator[tuple[str, float, Floats]]:
        yield from list(self._made)
        for one in self._more:
            self._made.append(one)
            yield one

    def _by_rules(self) -> Iterator[tuple[str, float, Floats]]:
        """A name, the cents by which the trade may be off, and what is filled."""
        for size in range(len(self._rules) + 1):
            for some in combinations(self._rules, size):
                if not some and not self._differed:
                    continue  # from one account, our rules come to our trade
                off = float(2 + np.count_nonzero(self._account.shares)) if CENTS in some else 0.0
                for cash in dict.fromkeys((self._account.cash, self._account.cash - off / 100, self._account.cash + off / 100)):
                    yield " + ".join(some), off, self._sessions.filled(self._i, self._account._replace(cash=cash), some)
