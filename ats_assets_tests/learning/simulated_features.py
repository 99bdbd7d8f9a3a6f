"""Features, scores and rank ICs of a simulated market, in which nothing changes unless it is made to; the watch over one model in one year of it.

By hand: python -m ats_assets_tests.learning.simulated_features --years 100 --shared 0.01
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.signal import lfilter

from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.learning.drift_rows import DriftRule, DriftWatch
from ats_assets.refits import refits_by_drift
from ats_assets.settings import DriftSettings, KnownAfter, TrainingSettings

CALENDAR: SessionCalendar = session_calendar("XNYS", date(2015, 1, 2))
FEATURES, SYMBOLS = 158, 30
HALF_LIVES = (1.0, 5.0, 20.0)
"""In sessions, of one feature after the other: as those of indicators of five to sixty sessions."""
FIRST = date(2015, 1, 2)
YEAR = CALENDAR.sessions(date(2019, 1, 1), date(2019, 12, 31))
"""The one that is watched; there is all the past for it that a watch wants."""
RULE = DriftRule(
    settings=DriftSettings(), training=TrainingSettings(), known_after=KnownAfter(first=6, last=6), calendar=CALENDAR, sessions_per_year=252
)
SHIFT = 0.5
"""Deviations."""


@dataclass(frozen=True, kw_only=True)
class SimulatedMarket:
    """By session, in the order of `days`: features (n, SYMBOLS, FEATURES), scores (n, SYMBOLS) and rank ICs (n,)."""

    days: list[date]
    features: NDArray[np.float32]
    scores: NDArray[np.float64]
    rank_ics: NDArray[np.float64]

    def watch(self, rule: DriftRule = RULE) -> DriftWatch:
        place = {day: i for i, day in enumerate(self.days)}
        return DriftWatch(
            rule,
            names=[f"f{i}" for i in range(FEATURES)],
            features=lambda day: self.features[place[day]],
            scores={"model": dict(zip(self.days, self.scores, strict=True))},
            rank_ics={"model": dict(zip(self.days, self.rank_ics.tolist(), strict=True))},
            regimes={},
            known=lambda days: [day for day in days if day in place],
        )


def simulated(seed: int, *, last: date, shared: float = 0.01, shift_at: date | None = None) -> SimulatedMarket:
    """First-order autoregressions of deviation 1, a share of whose variance all symbols have in common; scores are a sum of a tenth of them and noise.

    Parameters
    ----------
    shift_at
        From this session on a tenth of the features is half a deviation higher.
    """
    rng = np.random.default_rng(seed)
    days = CALENDAR.sessions(date(2016, 6, 1), last)
    rho = 0.5 ** (1.0 / np.resize(HALF_LIVES, FEATURES))

    def autoregression(*shape: int) -> NDArray[np.float32]:
        noise = rng.standard_normal((len(days) + 100, *shape, FEATURES), dtype=np.float32)
        for i in range(FEATURES):
            noise[..., i] = lfilter([np.sqrt(1.0 - rho[i] ** 2)], [1.0, -rho[i]], noise[..., i], axis=0)
        return noise[100:]

    features = np.sqrt(1.0 - shared) * autoregression(SYMBOLS) + np.sqrt(shared) * autoregression()[:, None]
    weights = np.zeros(FEATURES)
    weights[rng.permutation(FEATURES)[: FEATURES // 10]] = 1.0
    if shift_at is not None:
        features[np.array(days) >= shift_at] += np.float32(SHIFT) * (rng.permutation(FEATURES) < FEATURES // 10)
    scores = features @ weights / 4.0 + rng.standard_normal(features.shape[:2])
    ics = 0.03 + 0.1 * lfilter(np.ones(5) / np.sqrt(5.0), 1.0, rng.standard_normal(len(days) + 10))[10:]
    return SimulatedMarket(days=days, features=np.ascontiguousarray(features, np.float32), scores=scores, rank_ics=ics)


def alarms_of_a_year(seed: int, shared: float) -> Mapping[str, list[date]]:
    """Of a market without change: what -> its sessions with an alarm."""
    rows = simulated(seed, last=YEAR[-1], shared=shared).watch().rows(YEAR).filter("alarm")
    return {what: rows.filter(of=what)["session"].unique().sort().to_list() for what in ("features", "predictions", "skill")}


def episodes(alarms: list[date]) -> int:
    """Alarms as people count them: those within ten sessions of each other are one."""
    return sum(1 for i, day in enumerate(alarms) if i == 0 or CALENDAR.count(alarms[i - 1], day) > 10)


def found_after(seed: int, shared: float) -> int | None:
    """The session after a shift, the first is 1, at which it is found; None if not within ten. It begins at any session of a month."""
    first = YEAR[21 + seed % 21]
    until = CALENDAR.offset(first, 9)
    watched = CALENDAR.sessions(first, until)
    rows = simulated(seed, last=until, shared=shared, shift_at=first).watch().rows(watched)
    hit = rows.filter(pl.col("alarm") & (pl.col("of") == "features"))["session"]
    return None if hit.is_empty() else watched.index(hit.min()) + 1  # pyright: ignore[reportArgumentType]


def main() -> None:
    """Print the false alarms of so many years, and when shifts are found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--years", type=int, default=100)
    parser.add_argument("--shifts", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first year and of the first shift")
    parser.add_argument("--shared", type=float, default=0.01)
    asked = parser.parse_args()
    shifts = [found_after(asked.first + seed, asked.shared) for seed in range(asked.shifts)]
    found = sorted(after for after in shifts if after is not None)
    print(  # noqa: T201
        f"shared {asked.shared}: {len(found)} of {asked.shifts} shifts found within ten sessions, sessions {found[:: max(1, len(found) // 10)]}",
        flush=True,
    )
    whole = {"all": 0, "features": 0, "predictions": 0, "skill": 0}
    worst = refits = 0
    for seed in range(asked.years):
        alarms = alarms_of_a_year(1_000 + asked.first + seed, asked.shared)
        every = sorted({day for days in alarms.values() for day in days})
        whole = {of: n + episodes(every if of == "all" else alarms[of]) for of, n in whole.items()}
        worst = max(worst, episodes(every))
        refits += len(refits_by_drift(CALENDAR, every, YEAR[-1], refit="monthly", most=4, apart=10))
        if seed % 10 == 9:
            print(f"{seed + 1} years: episodes {whole}, at most {worst} in one, refits {refits}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
