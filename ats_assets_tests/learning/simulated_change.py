"""Three years of a market whose regime changes in the second, or does not, and the loop over it: the rules of the graph, with a ridge regression for a model.

By hand: python -m ats_assets_tests.learning.simulated_change --seeds 50
"""

import argparse
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import rankdata

from ats_assets.evaluation.schema import DRIFT_SCHEMA
from ats_assets.learning.drift_rows import DriftRule, DriftWatch
from ats_assets.models.drift_refit_run import asked_for
from ats_assets.refits import is_refit_session, last_refit, refits_by_drift
from ats_assets.settings import DriftSettings, KnownAfter, TrainingSettings
from ats_assets_tests.learning.simulated_features import CALENDAR

FEATURES, SYMBOLS, NOISE = 20, 60, 3.0
"""A score of the right weights has a rank IC of about 0.3."""
DAYS = CALENDAR.sessions(date(2015, 1, 2), date(2019, 12, 31))
WATCHED = [day for day in DAYS if day >= date(2017, 1, 1)]
"""Three years."""
CHANGE = date(2018, 5, 15)
SETTINGS = DriftSettings(refit_train_sessions=63, least_sessions_between_refits=21)
TRAINING = TrainingSettings(
    horizon_sessions=1,
    train_sessions=252,
    validation_sessions=10,
    min_train_sessions=20,
    embargo_sessions=1,
    refit="quarterly",
    refit_on_drift=True,
    max_age_sessions=66,
)
KNOWN = KnownAfter(first=2, last=2)
RULE = DriftRule(settings=SETTINGS, training=TRAINING, known_after=KNOWN, calendar=CALENDAR, sessions_per_year=252)


@dataclass(frozen=True, kw_only=True)
class Lived:
    """What the loop did.

    Attributes
    ----------
    refits
        Session of each refit that drift asked for -> its reason.
    gained
        Mean rank IC of what was traded less that of the models that were due: over the year after the change, or over all years without one.
    kept
        The same of the models that were due, without the difference.
    """

    refits: dict[date, str]
    gained: float
    kept: float


def lived(seed: int, change: date | None) -> Lived:
    """The loop over the three years."""
    place = {day: i for i, day in enumerate(DAYS)}
    x, returns = _market(seed, None if change is None else place[change])
    due = {day: _fit(x, returns, RULE.learnt(day) or [day], place) for day in DAYS if is_refit_session(CALENDAR, day, TRAINING.refit)}
    scores = np.zeros((len(DAYS), SYMBOLS))
    for i in range(1, len(DAYS)):
        scores[i] = x[i] @ due[last_refit(CALENDAR, DAYS[i - 1], TRAINING.refit)]
    ics = _rank_ics(scores, returns)
    watch = DriftWatch(
        RULE,
        names=[f"f{i}" for i in range(FEATURES)],
        features=lambda day: x[place[day]],
        scores={"model": {day: scores[i] for i, day in enumerate(DAYS) if i}},
        rank_ics={"model": {DAYS[i + 2]: float(ics[i]) for i in range(len(DAYS) - 2)}},
        regimes={},
        known=lambda days: [day for day in days if day in place],
    )
    drift = watch.rows(WATCHED)
    alarms = drift.filter("alarm")
    refits: dict[date, str] = {}
    for year in sorted({day.year for day in WATCHED}):
        last = max(day for day in WATCHED if day.year == year)
        own = [day for day in alarms["session"].unique().to_list() if day.year == year]
        limits = {"most": SETTINGS.extra_refits_a_year, "apart": SETTINGS.least_sessions_between_refits}
        for day in refits_by_drift(CALENDAR, own, last, refit=TRAINING.refit, **limits):
            is_asked, refits[day] = asked_for(alarms, day, calendar=CALENDAR, training=TRAINING, settings=SETTINGS)
            assert is_asked
    traded = scores.copy()
    short = {day: _fit(x, returns, _window(place[day]), place) for day in refits}
    for i in range(1, len(DAYS)):
        before = DAYS[i - 1]
        oldest = CALENDAR.window(before, TRAINING.max_age_sessions)[0]
        asked = max((one for one in refits if oldest <= one <= before), default=None)
        if asked is not None:
            traded[i] = x[i] @ short[asked]
    first = place[change or WATCHED[0]]
    judged = slice(first, first + 252 if change else len(DAYS))
    gained = _rank_ics(traded, returns)[judged] - ics[judged]
    assert drift.columns == DRIFT_SCHEMA.names()
    return Lived(refits=refits, gained=float(np.nanmean(gained)), kept=float(np.nanmean(ics[judged])))


def _window(at: int) -> list[date]:
    end = at - TRAINING.embargo_sessions - KNOWN.last + 1
    return DAYS[max(0, end - (SETTINGS.refit_train_sessions or TRAINING.train_sessions)) : end]


def _market(seed: int, change: int | None) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Features (n, SYMBOLS, FEATURES), and the return of each decision (n, SYMBOLS), whose weights are others after the change, when a tenth of the features rises."""
    rng = np.random.default_rng(seed)
    rho = 0.5 ** (1.0 / np.resize((1.0, 5.0, 20.0), FEATURES))
    features = np.empty((len(DAYS), SYMBOLS, FEATURES), np.float32)
    for i in range(FEATURES):
        noise = rng.standard_normal((len(DAYS) + 100, SYMBOLS)) * np.sqrt(0.99) + rng.standard_normal((len(DAYS) + 100, 1)) * 0.1
        features[..., i] = lfilter([np.sqrt(1.0 - rho[i] ** 2)], [1.0, -rho[i]], noise, axis=0)[100:]
    before, after = (weights / np.linalg.norm(weights) for weights in rng.standard_normal((2, FEATURES)))
    noise = NOISE * rng.standard_normal(features.shape[:2])
    signal = features @ before
    if change is not None:
        features[change:, :, : FEATURES // 10] += np.float32(0.5)
        signal[change:] = features[change:] @ after
    return features, signal + noise


def _fit(x: NDArray[np.float32], returns: NDArray[np.float64], days: list[date], place: dict[date, int]) -> NDArray[np.float64]:
    rows = [place[day] for day in days]
    a, b = x[rows].reshape(-1, FEATURES).astype(np.float64), returns[rows].ravel()
    return np.linalg.solve(a.T @ a + len(a) * 0.1 * np.eye(FEATURES), a.T @ b)


def _rank_ics(scores: NDArray[np.float64], returns: NDArray[np.float64]) -> NDArray[np.float64]:
    ranks = [rankdata(of, axis=1) - (SYMBOLS + 1) / 2.0 for of in (scores, returns)]
    norm = (ranks[0] ** 2).sum(axis=1) * (ranks[1] ** 2).sum(axis=1)
    return (ranks[0] * ranks[1]).sum(axis=1) / np.sqrt(np.maximum(norm, 1e-12))


def main() -> None:
    """Print what the loop did over so many seeds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    for change in (CHANGE, None):
        found = [lived(asked.first + seed, change) for seed in range(asked.seeds)]
        if change is not None:
            first = [min((CALENDAR.count(change, day) + 1 for day in one.refits if day >= change), default=None) for one in found]
            print(f"first refit after the change: {sorted(n for n in first if n is not None)}, none in {first.count(None)}")  # noqa: T201
            print(f"before it: {sum(day < change for one in found for day in one.refits)} refits in {asked.seeds} markets")  # noqa: T201
            print(found[0].refits)  # noqa: T201
        refits = [len(one.refits) for one in found]
        gained = [one.gained for one in found]
        error = np.std(gained) / np.sqrt(len(found))
        kept = np.mean([one.kept for one in found])
        print(  # noqa: T201
            f"change {change}: {np.mean(refits):.2f} refits in three years, at most {max(refits)}; due models' rank IC {kept:.4f}, "
            f"gained {np.mean(gained):+.4f} ± {error:.4f}, better in {sum(g > 0 for g in gained)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
