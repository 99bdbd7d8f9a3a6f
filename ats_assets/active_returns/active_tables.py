"""The account of a backtest beside its universe, session by session, by groups of symbols.

What was held at a close earns the return of its bar at the next one, dividends among it. What the account made beyond that, before costs, is `trading`: it buys and sells at the open,
so that part of a session is earned with other weights. What is not invested is the group `cash`, which earns nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.active_returns.brinson import session_effects
from ats_assets.active_returns.linking import linked
from ats_assets.active_returns.schema import BESIDE, EFFECTS, SCHEMAS
from ats_assets.backtests import BacktestResult
from ats_assets.corporate_actions.identity import INSTRUMENT, Identities
from ats_assets.kernels.weight_limits import Floats
from ats_assets.regimes.market_observations import DailyMoves
from ats_assets.settings import ActiveReturnSettings

OTHER, CASH = "other", "cash"


@dataclass(frozen=True, kw_only=True)
class AccountBeside:
    """What the account is compared by.

    Attributes
    ----------
    result
        The backtest.
    moves, instruments
        The market from the backtest's first session on, dividends in the returns, and the instrument of each of its series.
    universe
        symbol, session of the members.
    known
        Who bore which ticker when.
    """

    result: BacktestResult
    moves: DailyMoves
    instruments: pl.Series
    universe: pl.DataFrame
    known: Identities


@dataclass(frozen=True, kw_only=True)
class _ByGroup:
    """Arrays of shape (n_sessions - 1, n_groups), cash last."""

    weight: Floats
    contribution: Floats
    benchmark_weight: Floats
    benchmark_contribution: Floats
    short: NDArray[np.bool_]


def active_tables(compared: AccountBeside, settings: ActiveReturnSettings) -> dict[str, pl.DataFrame]:
    """The tables of `active_return`, by name, in the contracts of `contracts`; empty where there is no session after the first."""
    equity = _solvent(compared.result.equity)
    if equity.height < 2:
        return {name: schema.to_frame() for name, schema in SCHEMAS.items()}
    names = [*settings.groups, OTHER, CASH]
    days, worth = equity["session"].to_list(), equity["equity"].to_numpy()
    groups = _by_group(compared, settings, days, worth)
    of_cash = np.append(np.full(len(names) - 1, np.nan), 0.0)
    effects = session_effects(
        groups.weight, groups.contribution, groups.benchmark_weight, groups.benchmark_contribution, groups.short, lacking=of_cash
    )
    own, other = worth[1:] / worth[:-1] - 1.0, groups.benchmark_contribution.sum(axis=1)
    costs = -equity["costs"].to_numpy()[1:] / worth[:-1]
    trading = own - groups.contribution.sum(axis=1) - costs
    whole = np.column_stack([*(one.sum(axis=1) for one in effects), trading, costs])
    by_group = np.stack(effects, axis=1)
    periods, rows = [], []
    for name, which in _periods(days[1:], settings.period):
        made = linked(np.column_stack([whole[which], by_group[which].reshape(int(which.sum()), -1)]), own[which], other[which])
        account, benchmark = (float(np.prod(1.0 + one[which]) - 1.0) for one in (own, other))
        at = np.flatnonzero(which)
        when = (name, days[1:][at[0]], days[1:][at[-1]], len(at))
        periods.append((*when, account, benchmark, account - benchmark, *made[:5].tolist()))
        rows += _group_rows(name, names, which, groups, made[5:].reshape(len(EFFECTS), len(names)))
    sessions = pl.DataFrame(
        {"session": days[1:], "account": own, "benchmark": other, **dict(zip((*EFFECTS, *BESIDE), whole.T, strict=True))},
        schema=SCHEMAS["sessions"],
    )
    return {
        "sessions": sessions,
        "periods": pl.DataFrame(periods, schema=SCHEMAS["periods"], orient="row"),
        "groups": pl.DataFrame(rows, schema=SCHEMAS["groups"], orient="row"),
    }


def _solvent(equity: pl.DataFrame) -> pl.DataFrame:
    """The sessions up to the first without equity: there is no return from there on."""
    lost = np.flatnonzero(equity["equity"].to_numpy() <= 0.0)
    return equity.head(int(lost[0])) if len(lost) else equity


def _by_group(compared: AccountBeside, settings: ActiveReturnSettings, days: Sequence[date], worth: Floats) -> _ByGroup:
    """Weights at each close but the last, and what they contributed to the next session."""
    n, series = len(days), compared.instruments
    row = {day: i for i, day in enumerate(days)}
    returns = np.nan_to_num(compared.moves.returns[:n] / 100.0)  # what has no bar is worth what it was
    held = compared.result.positions.filter(pl.col("session").is_in(days))
    weight = np.zeros((n, len(series)))
    at = held["session"].replace_strict(row, return_dtype=pl.Int64).to_numpy()
    weight[at, series.search_sorted(held[INSTRUMENT]).to_numpy()] = held["value"].to_numpy() / worth[at]
    members = _members(compared, days, row)
    base = members.astype(np.float64) * _sizes(compared.moves.dollars[:n], settings)
    total = base.sum(axis=1, keepdims=True)
    benchmark = np.divide(base, total, out=np.zeros_like(base), where=total > 0.0)
    group = _groups(compared, settings, days, row, held)
    parts = [_summed(one[:-1], group[:-1], len(settings.groups) + 1) for one in (weight, benchmark)]
    earned = [_summed(one[:-1] * returns[1:], group[:-1], len(settings.groups) + 1) for one in (weight, benchmark)]
    short = _summed((weight[:-1] < 0.0).astype(np.float64), group[:-1], len(settings.groups) + 1) > 0.0
    cash = [1.0 - one.sum(axis=1, keepdims=True) for one in parts]
    nothing = np.zeros_like(cash[0])
    return _ByGroup(
        weight=np.hstack([parts[0], cash[0]]),
        contribution=np.hstack([earned[0], nothing]),
        benchmark_weight=np.hstack([parts[1], cash[1]]),
        benchmark_contribution=np.hstack([earned[1], nothing]),
        short=np.hstack([short, cash[0] < 0.0]),
    )


def _members(compared: AccountBeside, days: Sequence[date], row: Mapping[date, int]) -> NDArray[np.bool_]:
    """Whether each instrument is in the universe, and has a price."""
    found = np.zeros((len(days), len(compared.instruments)), dtype=np.bool_)
    rows = compared.known.named(compared.universe.filter(pl.col("session").is_in(list(days))).select("symbol", "session"))
    rows = rows.filter(pl.col(INSTRUMENT).is_in(compared.instruments.implode()))
    found[
        rows["session"].replace_strict(row, return_dtype=pl.Int64).to_numpy(),
        compared.instruments.search_sorted(rows[INSTRUMENT]).to_numpy(),
    ] = True
    return found


def _sizes(dollars: Floats, settings: ActiveReturnSettings) -> Floats:
    """What benchmark weights are in proportion to, as it was known at each close."""
    if settings.benchmark == "equal":
        return np.ones_like(dollars)
    sizes = np.zeros_like(dollars)
    for i in range(len(dollars)):
        window = dollars[max(0, i + 1 - settings.volume_sessions) : i + 1]
        known = np.isfinite(window).any(axis=0)
        sizes[i, known] = np.nanmedian(window[:, known], axis=0)
    return sizes


def _groups(
    compared: AccountBeside, settings: ActiveReturnSettings, days: Sequence[date], row: Mapping[date, int], held: pl.DataFrame
) -> NDArray[np.int64]:
    """The place of each instrument's group at each close, by the ticker that it bears then; the last is `other`."""
    found = np.full((len(days), len(compared.instruments)), len(settings.groups), dtype=np.int64)
    there = np.argwhere(compared.moves.place[: len(days)] >= 0)
    symbols = compared.moves.symbols.gather(compared.moves.place[there[:, 0], there[:, 1]])
    found[there[:, 0], there[:, 1]] = _places(symbols, there[:, 0], settings, days)
    at = held["session"].replace_strict(row, return_dtype=pl.Int64).to_numpy()
    found[at, compared.instruments.search_sorted(held[INSTRUMENT]).to_numpy()] = _places(held["symbol"], at, settings, days)
    return found


def _places(symbols: pl.Series, at: NDArray[np.int64], settings: ActiveReturnSettings, days: Sequence[date]) -> NDArray[np.int64]:
    """The place of the group that each symbol is in on its day; that of `other` where it is in none.

    Parameters
    ----------
    at
        The place of each symbol's day among `days`.
    """
    always = {symbol: place for place, group in enumerate(settings.groups.values()) for symbol in group}
    found = symbols.replace_strict(always, default=len(settings.groups), return_dtype=pl.Int64).to_numpy().copy()
    rows = symbols.alias("symbol").to_frame().with_row_index("row").group_by("symbol").agg("row") if settings.spans else pl.DataFrame()
    rows_of = dict(rows.iter_rows())
    for group, spans in settings.spans.items():
        place = list(settings.groups).index(group)
        for span in spans:
            of_it = np.array(rows_of.get(span.symbol, ()), dtype=np.int64)
            inside = np.array([span.holds(days[i]) for i in at[of_it]], dtype=np.bool_)
            found[of_it[inside]] = place
    return found


def _summed(values: Floats, group: NDArray[np.int64], n_groups: int) -> Floats:
    """Sums over the instruments of each group, of shape (n_sessions, n_groups)."""
    cells = np.arange(len(values))[:, None] * n_groups + group
    made = np.bincount(cells.ravel(), values.ravel(), len(values) * n_groups)
    return made.astype(np.float64, copy=False).reshape(len(values), n_groups)


def _periods(days: Sequence[date], period: str) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The periods that the days lie in, with which days are in each; then all."""

    def name(day: date) -> str:
        return {"month": f"{day:%Y-%m}", "quarter": f"{day.year}-Q{(day.month + 2) // 3}", "year": f"{day.year}"}[period]

    labels = np.array([name(day) for day in days])
    for label in dict.fromkeys(labels.tolist()):
        yield label, labels == label
    yield "all", np.ones(len(days), dtype=np.bool_)


def _group_rows(
    period: str, names: Sequence[str], which: NDArray[np.bool_], groups: _ByGroup, effects: Floats
) -> Iterator[tuple[str | float | None, ...]]:
    for g, name in enumerate(names):
        weights = groups.weight[which, g], groups.benchmark_weight[which, g]
        made = (_compounded(weights[0], groups.contribution[which, g]), _compounded(weights[1], groups.benchmark_contribution[which, g]))
        shorted = bool(groups.short[which, g].any())
        own = effects[:, g].tolist()
        yield (period, name, float(weights[0].mean()), float(weights[1].mean()), None if shorted else made[0], made[1], *own, sum(own))


def _compounded(weight: Floats, contribution: Floats) -> float | None:
    """What a group made in the sessions in which there was something of it."""
    there = np.abs(weight) > 1e-12
    return float(np.prod(1.0 + contribution[there] / weight[there]) - 1.0) if there.any() else None
