"""Pairs trading by cointegration: of two prices that keep together sell the dear one and buy the cheap one (Gatev, Goetzmann and Rouwenhorst, Review of Financial Studies 19, 2006; Vidyamurthy, 2004).

At the first session of each month pairs are formed anew, from the log prices (total returns) of the last `formation_sessions` sessions: of the `candidates` most traded members of the universe that have
a bar at each of them, those whose residual passes the test for cointegration (`ats_assets.strategies.cointegration`); the surest first, a symbol in one pair at most. Pairs that do not pass are not traded,
however many places stay empty.

Until the next formation a pair's residual z, in standard deviations of the formation, decides: at |z| > entry the spread is sold or bought, and left where z has crossed `leave`, where it has run away to
`stop` (the pair has come apart), at the next formation, or where one of the two has no bar or is not tradable any more. A pair's two legs have together 1/pairs of equity, in the ratio of the regression.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from ats_assets.corporate_actions.identity import INSTRUMENT, identities_of
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import Positive, Section, TrainingSettings
from ats_assets.strategies.cointegration import CointegratedPair, Level, cointegrated_pairs
from ats_assets.strategies.price_rows import PLACE, PriceRows

MONTH = 31
"""Sessions of a month at most: of an exchange that never closes."""


class PairsSettings(Section):
    """How pairs are formed and traded."""

    formation_sessions: int = Field(default=252, ge=20, description="of the prices that pairs are formed from")
    candidates: int = Field(default=60, ge=2, description="most traded members of the universe that may be paired")
    level_percent: Level = Field(default=1, description="of the test of a pair: 1, 5 or 10")
    pairs: Positive = Field(default=5, description="places of the book, each the same gross share of equity")
    least_half_life_sessions: float = Field(default=1.0, gt=0, description="of the residual")
    most_half_life_sessions: float = Field(default=20.0, gt=0, description="of the residual")
    entry: float = Field(default=2.0, gt=0, description="standard deviations of the residual at which the spread is traded")
    leave: float = Field(default=0.5, ge=0, description="at which it is left")
    stop: float = Field(default=4.0, gt=0, description="at which it has come apart and is left until the next formation")

    @model_validator(mode="after")
    def _in_order(self) -> "PairsSettings":
        if not self.leave < self.entry < self.stop:
            raise ValueError(f"leave ({self.leave:g}), entry ({self.entry:g}) and stop ({self.stop:g}) must rise in this order")
        return self


class Pairs:
    """Trade the spreads of cointegrated pairs."""

    def __init__(self, settings: PairsSettings) -> None:
        self.settings = settings
        self._rows = PriceRows(
            "pairs", {"change": "Log($close / Ref($close, 1))", "traded": "$close * $volume"}, history=settings.formation_sessions + MONTH
        )

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:  # noqa: ARG002 - no model is asked
        """The bars of the longest formation, and who was tradable since."""
        bars, actions, universe = self._rows.needs()
        return bars, actions, Needs(asset=universe.asset, back=MONTH)

    def scores(
        self,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],
        training: TrainingSettings,  # noqa: ARG002
    ) -> pl.DataFrame:
        """Target weights of the legs, and a score of 0 for all other members."""
        known = identities_of(frames["corporate_actions"])
        panel = _Panel(self._rows.rows(frames, days, sessions), known.named(frames["universe"]), days)
        place = {day: i for i, day in enumerate(days)}
        weights = []
        formed: dict[int, list[CointegratedPair]] = {}
        for day in sessions:
            formation = next(i for i, one in enumerate(days) if (one.year, one.month) == (day.year, day.month))
            if formation not in formed:
                formed[formation] = panel.pairs(formation, self.settings)
            weights += [
                (instrument, day, weight) for instrument, weight in panel.legs(formed[formation], formation, place[day], self.settings)
            ]
        held = pl.DataFrame(weights, schema={INSTRUMENT: pl.String, "session": pl.Date, "target_weight": pl.Float64}, orient="row")
        members = known.named(frames["universe"].filter(pl.col("session").is_in(list(sessions))))
        rows = members.join(held, on=[INSTRUMENT, "session"], how="left", maintain_order="left").with_columns(
            pl.col("target_weight").fill_null(0.0)
        )
        return rows.select(
            "symbol", "session", score=pl.col("target_weight") * self.settings.pairs + 0.0, target_weight="target_weight"
        ).sort("session", "symbol")


class _Panel:
    """Changes of log prices by instrument and session, and who was tradable."""

    def __init__(self, rows: pl.DataFrame, members: pl.DataFrame, days: Sequence[date]) -> None:
        self.names = rows[INSTRUMENT].unique().sort().to_list()
        position = {name: i for i, name in enumerate(self.names)}
        self.change, self.traded = (np.full((len(self.names), len(days)), np.nan) for _ in range(2))
        self.member = np.zeros((len(self.names), len(days)), bool)
        if self.names:
            at = rows[INSTRUMENT].replace_strict(position, return_dtype=pl.Int64).to_numpy(), rows[PLACE].to_numpy()
            self.change[at], self.traded[at] = rows["change"].to_numpy(), rows["traded"].to_numpy()
            place = {day: i for i, day in enumerate(days)}
            own = members.filter(pl.col(INSTRUMENT).is_in(self.names) & pl.col("session").is_in(list(days)))
            where = (
                own[name].replace_strict(codes, return_dtype=pl.Int64).to_numpy()
                for name, codes in ((INSTRUMENT, position), ("session", place))
            )
            self.member[tuple(where)] = True

    def pairs(self, formation: int, settings: PairsSettings) -> list[CointegratedPair]:
        """The pairs that are formed at a session, by the place of their instruments; none where the history is too short."""
        first = formation - settings.formation_sessions + 1
        if first < 0 or not self.names:
            return []
        window = slice(first, formation + 1)
        complete = np.isfinite(self.change[:, window]).all(axis=1) & self.member[:, formation]
        usual = np.where(complete, np.nan_to_num(self.traded[:, window]).mean(axis=1), -1.0)
        chosen = np.sort(np.argsort(-usual, kind="stable")[: settings.candidates])
        chosen = chosen[complete[chosen]]
        if len(chosen) < 2:
            return []
        found = cointegrated_pairs(
            self.change[chosen, window].cumsum(axis=1),
            level=settings.level_percent,
            least_half_life=settings.least_half_life_sessions,
            most_half_life=settings.most_half_life_sessions,
            most=settings.pairs,
        )
        return [replace(pair, left=int(chosen[pair.left]), right=int(chosen[pair.right])) for pair in found]

    def legs(self, pairs: Sequence[CointegratedPair], formation: int, now: int, settings: PairsSettings) -> list[tuple[str, float]]:
        """The instruments that are held at a session, and their weights."""
        found = []
        for pair in pairs:
            first = formation - settings.formation_sessions + 1
            log_prices = self.change[[pair.left, pair.right], first : now + 1].cumsum(axis=1)
            z = (log_prices[0] - pair.constant - pair.ratio * log_prices[1])[formation - first :] / pair.deviation
            tradable = self.member[[pair.left, pair.right], now].all()
            side = spread_side(z, settings) if tradable else 0
            if side:
                gross = 1.0 / settings.pairs
                share = side * gross / (1.0 + pair.ratio)
                found += [(self.names[pair.left], share), (self.names[pair.right], -share * pair.ratio)]
        return found


def spread_side(z: np.ndarray, settings: PairsSettings) -> int:
    """What is held of a spread after the last of the sessions: 1 bought, -1 sold, 0 nothing. Flat before the first; a NaN, or a run to `stop`, ends the pair.

    Examples
    --------
    >>> spread_side(np.array([0.0, -2.5, -1.0]), PairsSettings()), spread_side(np.array([0.0, -2.5, -0.4]), PairsSettings())
    (1, 0)
    """
    side = 0
    for value in z.tolist():
        if not abs(value) < settings.stop:
            return 0
        if side * value > -settings.leave:
            side = 0
        if not side and abs(value) > settings.entry:
            side = -1 if value > 0 else 1
    return side


PLUGIN = Plugin(settings=PairsSettings, make=Pairs, quick={"formation_sessions": 20, "candidates": 4, "level_percent": 10})
