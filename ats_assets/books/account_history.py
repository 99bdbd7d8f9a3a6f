"""An account's history in one form, whoever kept it: what was held, traded and in cash at each close. A backtest tells it by its frames, a broker by the records of its sessions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from ats_assets.backtests import BacktestResult
from ats_assets.books.session_events import AccountFill, cents_exactly, share_units
from ats_assets.corporate_actions.identity import INSTRUMENT


@dataclass(frozen=True)
class HeldAtClose:
    """Units of shares, and what they are worth in cents at a close; None where the broker did not say."""

    units: int
    value: int | None


@dataclass(frozen=True)
class AccountRow:
    """Cents at a close; `financing` is what was paid for borrowing since the close before, None where nobody recorded it."""

    cash: int
    equity: int
    financing: int | None


Held = Mapping[str, HeldAtClose]


@dataclass(frozen=True, kw_only=True)
class AccountHistory:
    """By session: the account, its positions by instrument, and its fills in order."""

    rows: Mapping[date, AccountRow]
    held: Mapping[date, Held]
    fills: Mapping[date, Sequence[AccountFill]]
    charged_by_rule: bool = False
    """Whether borrowing is paid for by the rules of `backtest.margin`, where it is not recorded."""


def history_of_backtest(result: BacktestResult) -> AccountHistory:
    """The account of a backtest, whose every cash flow is in its frames."""
    columns = ("shares", "notional", "commission", "spread_cost", "slippage_cost")
    trades = result.trades.select(
        "session", INSTRUMENT, pl.col("side") == "buy", *columns, delisted=pl.col("reason") == "delisted"
    ).iter_rows()
    rows = ((day, name, buys, gone, share_units(shares), [*map(cents_exactly, money)]) for day, name, buys, shares, *money, gone in trades)
    equity = result.equity.select("session", "cash", "equity", "financing_cost").iter_rows()
    return AccountHistory(
        rows={day: AccountRow(*map(cents_exactly, money)) for day, *money in equity},
        held=_held(result.positions.select("session", INSTRUMENT, "shares", "value")),
        fills=_fills(rows),
    )


def history_of_records(fills: pl.DataFrame, positions: pl.DataFrame, account: pl.DataFrame) -> AccountHistory:
    """The account at a broker, from rows of the contracts `Fills`, `Positions` and `AccountAtClose`.

    What the broker counts as fees is commission. Fees for borrowing, interest and deposits are no fills, and not recorded: they are in the cash.
    """
    executed = fills.sort("session", "at", "fill_id").select(
        "session", INSTRUMENT, pl.col("side") == "buy", "quantity", "fees", "cash_flow"
    )
    rows = (
        (day, name, buys, False, share_units(shares), [abs(cents_exactly(flow) + cents_exactly(fees)), cents_exactly(fees), 0, 0])
        for day, name, buys, shares, fees, flow in executed.iter_rows()
    )
    closes = account.select("session", "cash", "equity").iter_rows()
    return AccountHistory(
        rows={day: AccountRow(cents_exactly(cash), cents_exactly(equity), None) for day, cash, equity in closes},
        held=_held(positions.select("session", INSTRUMENT, "quantity", "value")),
        fills=_fills(rows),
        charged_by_rule=set(account["broker"]) == {"paper"},
    )


def _held(rows: pl.DataFrame) -> dict[date, dict[str, HeldAtClose]]:
    found: dict[date, dict[str, HeldAtClose]] = defaultdict(dict)
    for day, name, shares, value in rows.iter_rows():
        found[day][name] = HeldAtClose(share_units(shares), None if value is None else cents_exactly(value))
    return found


def _fills(rows: Iterable[tuple[date, str, bool, bool, int, list[int]]]) -> dict[date, list[AccountFill]]:
    """What was traded of an instrument on one side in a session is one fill."""
    sums: dict[tuple[date, str, bool, bool], list[int]] = {}
    for day, name, buys, gone, units, money in rows:
        own = sums.setdefault((day, name, buys, gone), [0] * 5)
        for k, value in enumerate((units, *money)):
            own[k] += value
    found: dict[date, list[AccountFill]] = defaultdict(list)
    for (day, name, buys, gone), (units, notional, commission, spread, slippage) in sums.items():
        if units:
            parts = {"notional": notional, "commission": commission, "spread": spread, "slippage": slippage, "delisted": gone}
            found[day].append(AccountFill(instrument=name, shares=units if buys else -units, **parts))
    return found
