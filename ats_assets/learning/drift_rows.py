"""The rows of `drift`: each test of each model at a session, against the past that its refit, the one that was due last, has learnt from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.calendar import SessionCalendar
from ats_assets.evaluation.feature_drift import DriftFinding, SoundPast
from ats_assets.evaluation.schema import DRIFT_SCHEMA
from ats_assets.evaluation.skill_cusum import SkillCusum
from ats_assets.models import training_window
from ats_assets.refits import last_refit
from ats_assets.settings import LONGEST_PERIOD, DriftSettings, KnownAfter, TrainingSettings

Rows = NDArray[np.float32]
SUBJECTS = 3
"""Features, predictions and skill share the false alarms equally."""
DISTANCES_OF_ONE = 2
"""Tests of a single column, which share those of predictions."""
BLOCKS_OF_OUTCOMES = 2
"""Neighbouring rank ICs are drawn in blocks of so many times what an outcome lasts."""


@dataclass(frozen=True, kw_only=True)
class DriftRule:
    """What all sessions share.

    Attributes
    ----------
    sessions_per_year
        Of the exchange.
    """

    settings: DriftSettings
    training: TrainingSettings
    known_after: KnownAfter
    calendar: SessionCalendar
    sessions_per_year: int

    def refit_of(self, session: date) -> date:
        """The refit that was due last."""
        return last_refit(self.calendar, session, self.training.refit)

    def learnt(self, refit: date) -> list[date]:
        """The decision sessions that a fit at `refit` learns from, less what is recent at the refit itself."""
        recent = self.recent(refit)[0]
        return [day for day in training_window(self.calendar, refit, self.training, self.known_after).decisions if day < recent]

    def recent(self, session: date) -> list[date]:
        """The newest sessions."""
        return self.calendar.window(session, self.settings.recent_sessions)

    def predicted(self, refit: date) -> list[date]:
        """The sessions of the past predictions, less what is recent at the refit itself."""
        n = self.settings.recent_sessions
        return self.calendar.window(refit, self.settings.prediction_sessions + n)[:-n]

    def judged(self, refit: date, session: date) -> tuple[list[date], list[date]]:
        """The sessions at which the outcomes became known that skill was measured on, and those over which it is watched."""
        watched = self.settings.skill_sessions
        whole = self.calendar.window(refit, watched + self.settings.prediction_sessions)
        cut = max(0, len(whole) - watched)
        return whole[:cut], [*whole[cut:], *self.calendar.sessions(refit, session)[1:]]

    def chance(self, tests: int, sessions: int) -> float:
        """Of a false alarm of one of the tests of a subject in so many sessions."""
        return min(0.5, self.settings.false_alarms_a_year / SUBJECTS / tests * sessions / self.sessions_per_year)

    @cached_property
    def longest(self) -> int:
        """Sessions from one due refit to the next, at most."""
        return max(LONGEST_PERIOD[self.training.refit])


class DriftWatch:
    """Makes the rows of sessions, ascending: what the sessions of one refit share is made once.

    Parameters
    ----------
    names
        Of the features.
    features
        The rows of the universe's symbols at a session, float32 of shape (n_symbols, n_features), sorted by symbol; called with ascending windows.
    scores
        Model -> session -> scores of the models that were due, float64 of shape (n_symbols,).
    rank_ics
        Model -> session at which an outcome became known -> the rank IC; None where there is none.
    regimes
        Name -> session -> filtered probabilities of the states of the market, float64 of shape (n_states,).
    known
        Sessions, less those before history.
    """

    def __init__(
        self,
        rule: DriftRule,
        *,
        names: Sequence[str],
        features: Callable[[date], Rows],
        scores: Mapping[str, Mapping[date, NDArray[np.float64]]],
        rank_ics: Mapping[str, Mapping[date, float | None]],
        regimes: Mapping[str, Mapping[date, NDArray[np.float64]]],
        known: Callable[[Sequence[date]], list[date]],
    ) -> None:
        self._rule, self._names, self._features, self._known = rule, names, features, known
        self._scores, self._rank_ics, self._regimes = scores, rank_ics, regimes
        self._refit: date | None = None
        self._of_features: tuple[SoundPast | None, list[date]] = (None, [])
        self._of_scores: dict[str, tuple[SoundPast | None, list[date]]] = {}
        self._cusums: dict[str, tuple[SkillCusum, list[date]]] = {}

    def rows(self, sessions: Sequence[date]) -> pl.DataFrame:
        """The rows of the contract `Drift`."""
        return pl.concat([DRIFT_SCHEMA.to_frame(), *(self._of_session(session) for session in sessions)])

    def _of_session(self, session: date) -> pl.DataFrame:
        refit = self._rule.refit_of(session)
        if refit != self._refit:
            self._renew(refit)
        recent = self._known(self._rule.recent(session))
        shared = [*self._moved("features", *self._of_features, [self._features(day) for day in recent]), *self._new_regimes(recent)]
        found: list[tuple[object, ...]] = []
        for model, scores in self._scores.items():
            columns = [scores[day].astype(np.float32)[:, None] for day in recent if day in scores]
            own = self._moved("predictions", *self._of_scores[model], columns)
            cusum, past = self._cusums[model]
            now = self._rule.judged(refit, session)[1]
            fallen = _row("skill", cusum.finding(self._ics(model, now)), past)
            found += [(session, model, *row) for row in (*shared, *own, fallen)]
        return pl.DataFrame(found, schema=DRIFT_SCHEMA, orient="row")

    def _renew(self, refit: date) -> None:
        """What is compared until the next refit."""
        rule, w = self._rule, self._rule.settings.recent_sessions
        self._refit = refit
        learnt = self._known(rule.learnt(refit))
        tests = 4 if len(self._names) > 1 else DISTANCES_OF_ONE
        self._of_features = (self._past(self._names, learnt, [self._features(day) for day in learnt], rule.chance(tests, w)), learnt)
        predicted = rule.predicted(refit)
        for model, scores in self._scores.items():
            days = [day for day in predicted if day in scores]
            columns = [scores[day].astype(np.float32)[:, None] for day in days]
            self._of_scores[model] = (self._past(["score"], days, columns, rule.chance(DISTANCES_OF_ONE, w)), days)
            past, _ = rule.judged(refit, refit)
            block = BLOCKS_OF_OUTCOMES * (rule.training.horizon_sessions + 1)
            how = {"block": block, "until": rule.settings.skill_sessions, "watched": rule.longest, "chance": rule.chance(1, rule.longest)}
            self._cusums[model] = (SkillCusum(self._ics(model, past), **how), past)

    def _past(self, names: Sequence[str], days: Sequence[date], parts: Sequence[Rows], chance: float) -> SoundPast | None:
        w, calendar = self._rule.settings.recent_sessions, self._rule.calendar
        if not parts or not sum(map(len, parts)):
            return None
        breaks = [i for i, (day, after) in enumerate(pairwise(days)) if calendar.offset(day, 1) != after]
        return SoundPast(names, np.concatenate(parts), _sizes(parts), recent=w, chance=chance, breaks=breaks)

    def _moved(self, of: str, past: SoundPast | None, days: list[date], recent: Sequence[Rows]) -> list[tuple[object, ...]]:
        """Rows about distributions; none where there is nothing to compare."""
        if past is None or not recent or not sum(map(len, recent)):
            return []
        return [_row(of, one, days) for one in past.findings(np.concatenate(recent), _sizes(recent))]

    def _new_regimes(self, recent: Sequence[date]) -> list[tuple[object, ...]]:
        """Whether the newest sessions are mostly in a state that the training window hardly knew."""
        rows, learnt = [], self._of_features[1]
        for name, by_session in self._regimes.items():
            now, before = (
                [by_session[day] for day in days if day in by_session and not np.isnan(by_session[day]).any()] for days in (recent, learnt)
            )
            if not now or not before:
                continue
            shares = np.mean(now, axis=0)
            state = int(np.argmax(shares))
            known = float(np.mean(before, axis=0)[state])
            threshold = 0.5 if known < self._rule.settings.regime_share else float("inf")
            about = f"state {state}: {shares[state]:.2f} of the newest sessions, {known:.2f} of those learnt from"
            rows.append(_row("regime", DriftFinding(test=name, figure=float(shares[state]), threshold=threshold, about=about), learnt))
        return rows

    def _ics(self, model: str, days: Sequence[date]) -> NDArray[np.float64]:
        of = self._rank_ics[model]
        return np.array([np.nan if (ic := of.get(day)) is None else ic for day in days], np.float64)


def _sizes(parts: Sequence[Rows]) -> NDArray[np.int64]:
    return np.array([len(part) for part in parts], np.int64)


def _row(of: str, found: DriftFinding, past: Sequence[date]) -> tuple[object, ...]:
    figure, threshold = (value if np.isfinite(value) else None for value in (found.figure, found.threshold))
    ends = (past[0], past[-1]) if past else (None, None)
    return (of, found.test, figure, threshold, found.alarm, found.about, *ends)
