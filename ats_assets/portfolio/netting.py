"""Netting of strategies, and the period for which positions are held: steps 1 and 2 of `ats_assets.portfolio.targets`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT, Identities
from ats_assets.errors import ContractError

KEYS: Final = ("session", "symbol")
SYMBOL: Final = "symbol"


def netted(signals: Mapping[str, pl.DataFrame], capital: Mapping[str, float]) -> pl.DataFrame:
    """The strategies' weights times their capital, added up in the order of the strategies.

    Parameters
    ----------
    signals
        By the name of each strategy: symbol, session, target_weight, one row a (session, symbol), in any order.
    capital
        Its share of equity.

    Returns
    -------
    DataFrame
        symbol, session, proposed_weight, strategies; sorted by session and symbol.

    Raises
    ------
    ContractError
        If a weight is not finite.

    Examples
    --------
    >>> from datetime import date
    >>> one = pl.DataFrame({"symbol": ["A", "B"], "session": [date(2024, 1, 2)] * 2, "target_weight": [0.5, 0.5]})
    >>> netted({"up": one, "down": one.head(1)}, {"up": 0.5, "down": 0.5}).select("symbol", "proposed_weight", "strategies").rows()
    [('A', 0.5, ['up', 'down']), ('B', 0.25, ['up'])]
    """
    rows = pl.concat([frame.select(KEYS) for frame in signals.values()]).unique().sort(KEYS)
    for name, frame in signals.items():
        wrong = frame.filter(~pl.col("target_weight").is_finite().fill_null(value=False))
        if wrong.height:
            raise ContractError(f"signals of {name}: {wrong['symbol'][0]} has no finite target_weight at {wrong['session'][0]}")
        weights = frame.select(*KEYS, (pl.col("target_weight") * capital[name]).alias(name))
        rows = rows.join(weights, on=KEYS, how="left", validate="1:1", maintain_order="left")
    having = [pl.when(pl.col(name).is_not_null()).then(pl.lit(name)) for name in signals]
    total = pl.sum_horizontal(*signals)
    return rows.select(
        "symbol",
        "session",
        proposed_weight=pl.when(total == 0.0).then(0.0).otherwise(total),  # no negative zeros
        strategies=pl.concat_list(having).list.drop_nulls(),
    )


def over_holding_period(
    wanted: pl.DataFrame, days: Sequence[date], sessions: Sequence[date], *, holding_sessions: int, identities: Identities | None = None
) -> pl.DataFrame:
    """The mean of the weights that were wanted in the last `holding_sessions` sessions, for each symbol that is there at the session itself.

    Sessions without any row do not count; a symbol that is absent at one that has rows was wanted at 0 there. Weights follow an instrument through a change of its name.

    Parameters
    ----------
    wanted
        What `netted` returns, of the sessions and of those before them.
    days
        Every session of the exchange from `holding_sessions - 1` before the first of the sessions to the last of them; fewer at the start of history.
    sessions
        Those of which rows are returned.

    Returns
    -------
    DataFrame
        The rows and columns of `wanted` at `sessions`, in the same order, with the mean as proposed_weight.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2024, 1, 2), date(2024, 1, 3)]
    >>> wanted = pl.DataFrame({"symbol": ["A", "B"], "session": days, "proposed_weight": [0.5, 0.3]})
    >>> over_holding_period(wanted, days, days, holding_sessions=2).rows()
    [('A', datetime.date(2024, 1, 2), 0.5), ('B', datetime.date(2024, 1, 3), 0.15)]
    """
    rows = wanted.filter(pl.col("session").is_in(list(sessions)))
    if holding_sessions == 1:
        return rows
    who = SYMBOL if identities is None else INSTRUMENT
    named, rows = (wanted, rows) if identities is None else (identities.named(wanted), identities.named(rows))
    total, counted = np.zeros(rows.height), np.zeros(rows.height)
    for back in range(holding_sessions):  # in this order, whatever else is asked for
        earlier = {day: days[i - back] for i, day in enumerate(days) if i >= back}
        of_day = rows.select(pl.col("session").replace_strict(earlier, default=None, return_dtype=pl.Date), who)
        there = of_day["session"].is_in(named["session"].unique().implode()).fill_null(value=False)
        found = of_day.join(
            named.select("session", who, "proposed_weight"), on=["session", who], how="left", validate="m:1", maintain_order="left"
        )
        total += found["proposed_weight"].fill_null(0.0).to_numpy()
        counted += there.to_numpy()
    mean = total / counted  # by NumPy: Polars divides by a column of one value as it multiplies by its reciprocal, which rounds otherwise
    return rows.with_columns(proposed_weight=pl.Series(np.where(mean == 0.0, 0.0, mean), dtype=pl.Float64)).select(wanted.columns)


@dataclass(frozen=True, kw_only=True)
class OwnHoldings:
    """Strategies of which each has a holding period of its own, that may change from session to session.

    Attributes
    ----------
    signals, capital
        See `netted`.
    holding
        Strategy -> session -> its holding period there.
    days, identities
        See `over_holding_period`.
    """

    signals: Mapping[str, pl.DataFrame]
    capital: Mapping[str, float]
    holding: Mapping[str, Mapping[date, int]]
    days: Sequence[date]
    identities: Identities | None = None

    def part(self, name: str, sessions: Sequence[date]) -> pl.DataFrame:
        """What one strategy has of `wanted`, in rows of the same keys."""
        own = netted(self.signals, {other: share if other == name else 0.0 for other, share in self.capital.items()})
        runs: dict[int, list[date]] = {}
        for day in sessions:
            runs.setdefault(self.holding[name][day], []).append(day)
        parts = [
            over_holding_period(own, self.days, run, holding_sessions=held, identities=self.identities)
            for held, run in sorted(runs.items())
        ]
        return pl.concat([own.clear(), *parts]).sort(KEYS)

    def wanted(self, sessions: Sequence[date]) -> pl.DataFrame:
        """What `netted` returns at sessions, each strategy's weights over its own holding period."""
        made = netted(self.signals, self.capital).filter(pl.col("session").is_in(list(sessions)))
        total = made.select(KEYS)
        for name in self.signals:
            own = self.part(name, sessions).select(*KEYS, pl.col("proposed_weight").alias(name))
            total = total.join(own, on=KEYS, how="left", validate="1:1", maintain_order="left")
        weight = total.select(weight=pl.sum_horizontal(*self.signals))["weight"].to_numpy()
        return made.with_columns(proposed_weight=pl.Series(np.where(weight == 0.0, 0.0, weight), dtype=pl.Float64))
