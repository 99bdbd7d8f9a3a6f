"""What tuning was worth, over all that is stored: a period that has not changed is not compared again."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import EvaluationError
from ats_assets.features.choosing import model_families
from ats_assets.labels import learnt_label
from ats_assets.models import Model
from ats_assets.models.labelled_rows import rows_of, whole_window
from ats_assets.models.sequences import SequenceWindow
from ats_assets.models.training_set import TrainingWindow
from ats_assets.models.tuned_parameters import tuned_parameters
from ats_assets.refits import is_refit_session
from ats_assets.tuning.contracts import TuningWorth
from ats_assets.tuning.schema import PERIODS_SCHEMA, WORTH_SCHEMA
from ats_assets.tuning.worth import period_worth

WORTH, SESSIONS, PERIODS = "tuning_worth", "sessions", "periods"


def worth_reads(deployment: Deployment) -> list[str]:
    """The assets that are compared, and what they are compared on."""
    return [*deployment.tunings.values(), *deployment.of(model_families), "universe", deployment.of(learnt_label).asset]


@dataclass(frozen=True, kw_only=True)
class _Period:
    """From a tuning session to the next: its window, the decisions after it whose outcomes are known, and the parameters that were chosen."""

    model: Model
    window: TrainingWindow
    tested: TrainingWindow
    trials: pl.DataFrame
    made_from: str

    @property
    def promised(self) -> float | None:
        """What the folds had promised; None where nothing was changed, or the own settings had no figure."""
        chosen, own = self.trials.filter("is_chosen"), self.trials.filter(trial=0)
        if chosen["trial"][0] in {None, 0} or own["rank_ic"][0] is None:
            return None
        return chosen["rank_ic"][0] - own["rank_ic"][0]


class WorthRun:
    """The comparison of all models that are tuned.

    Parameters
    ----------
    versions
        Of its code and settings.
    stored
        The tables of an earlier run.
    """

    def __init__(self, deployment: Deployment, tuned: list[Model], versions: Mapping[str, str], stored: Mapping[str, pl.DataFrame]) -> None:
        self._deployment, self._models, self._versions = deployment, tuned, dict(versions)
        self._learnt = deployment.of(learnt_label)
        self._stored = stored

    def tables(self) -> dict[str, pl.DataFrame]:
        """The tables `sessions` (the contract `TuningWorth`) and `periods`."""
        sessions, periods = [WORTH_SCHEMA.to_frame()], []
        for period in (period for model in self._models for period in self._periods(model)):
            rows, reason = self._of(period)
            sessions.append(rows)
            periods.append((period.model.name, period.window.session, period.promised, period.made_from, reason))
        return {
            SESSIONS: TuningWorth.validate(pl.concat(sessions)),
            PERIODS: pl.DataFrame(periods, schema=PERIODS_SCHEMA, orient="row"),
        }

    def upstream(self) -> dict[str, dict[str, str]]:
        """The data versions of all that was read."""
        return {name: self._deployment.data_versions(name, self._deployment.valid_sessions(name)) for name in worth_reads(self._deployment)}

    def _of(self, period: _Period) -> tuple[pl.DataFrame, str | None]:
        """The rows of a period, from the earlier run where it was made from the same; and why there are none."""
        mine = {"model": period.model.name, "tuned_session": period.window.session}
        before = self._stored.get(PERIODS, PERIODS_SCHEMA.to_frame()).filter(**mine, made_from=period.made_from)
        if before.height:
            return self._stored[SESSIONS].filter(**mine), before["reason"][0]
        parameters = tuned_parameters(period.trials).parameters
        try:
            train, tested = rows_of(self._deployment, period.window), rows_of(self._deployment, period.tested)
        except EvaluationError as error:
            return WORTH_SCHEMA.to_frame(), str(error)
        found = period_worth(period.model, parameters, train, tested, self._deployment.settings.training)
        return (WORTH_SCHEMA.to_frame(), found) if isinstance(found, str) else (found, None)

    def _periods(self, model: Model) -> Iterator[_Period]:
        """Those from each stored tuning session, where something was tried, to the next of the calendar."""
        deployment, calendar, asset = self._deployment, self._deployment.calendar, str(model.tuning)
        known, stored = deployment.valid_sessions(self._learnt.asset), set(deployment.valid_sessions(asset))
        if not known or not stored:
            return
        tunings = [
            day for day in calendar.sessions(min(stored), known[-1]) if is_refit_session(calendar, day, deployment.settings.tuning.every)
        ]
        for tuned, following in itertools.pairwise([*tunings, known[-1]]):
            if tuned not in stored or (trials := deployment.warehouse.read(asset, [tuned]))["trial"].null_count():
                continue
            window = whole_window(deployment, tuned, model.sequence_sessions)
            tested = self._tested(tuned, following, known[-1], model.sequence_sessions)
            if window is not None and tested is not None:
                yield self._period(model, window, tested, trials)

    def _tested(self, tuned: date, until: date, newest: date, sequence_sessions: int) -> TrainingWindow | None:
        """The decisions after a tuning session, up to another session, whose outcomes are known as of the newest one; None where there is none yet."""
        calendar, known = self._deployment.calendar, self._learnt.known_after
        count = min(calendar.position(newest) - known.last, calendar.position(until)) - calendar.position(tuned)
        if count < 1:
            return None
        days = calendar.window(calendar.offset(tuned, count), count)
        labels = calendar.sessions(calendar.offset(days[0], known.first), calendar.offset(days[-1], known.last))
        lying = self._deployment.known(calendar.window(days[-1], count + sequence_sessions - 1))
        return TrainingWindow(
            session=labels[-1],
            train=tuple(days),
            validation=(),
            label_sessions=tuple(labels),
            known_after=known,
            sequences=SequenceWindow(length=sequence_sessions, sessions=tuple(lying)) if sequence_sessions > 1 else None,
        )

    def _period(self, model: Model, window: TrainingWindow, tested: TrainingWindow, trials: pl.DataFrame) -> _Period:
        deployment, made_from = self._deployment, list[object]([self._versions])
        for one in (window, tested):
            lying = one.sequences.sessions if one.sequences else one.train
            made_from += [deployment.data_versions(name, lying) for name in deployment.of(model_families)]
            made_from.append(deployment.data_versions("universe", one.train))
            made_from.append(deployment.data_versions(self._learnt.asset, one.label_sessions))
        made_from.append(deployment.data_versions(str(model.tuning), [window.session]))
        digest = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
        return _Period(model=model, window=window, tested=tested, trials=trials, made_from=digest)
