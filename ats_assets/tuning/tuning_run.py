"""One run of a tuning's sessions: tunes those that are due, carries what was chosen forward between them, and goes on where a killed run was."""

import hashlib
import json
import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import EvaluationError, ModelError
from ats_assets.models import Model, last_refit
from ats_assets.models.labelled_rows import LabelledRows, rows_of, whole_window
from ats_assets.orchestration.reading import Known
from ats_assets.orchestration.spreading import spreading
from ats_assets.settings import Search
from ats_assets.storage.footer import Upstream
from ats_assets.storage.worker_processes import WorkerProcesses
from ats_assets.trials import TuningTrial
from ats_assets.tuning.contracts import TuningTrials
from ats_assets.tuning.generations import optuna_module
from ats_assets.tuning.schema import TUNING_SCHEMA
from ats_assets.tuning.study import Attempt, study
from ats_assets.tuning.trial_store import ROWS, TrialStore
from ats_assets.tuning.trial_work import TriersElsewhere, attempt_task, attempts_by
from ats_assets.tuning.tried_trials import AskedTrial, TriedTrial, chosen_trial
from ats_assets.tuning.tuned_rows import TunedRows, try_parameters, tuned_rows

FOLDER = "tuning"


@dataclass(frozen=True, kw_only=True)
class TunedPartition:
    """The rows of a session, what was read for them, and whether they were made at it."""

    session: date
    rows: pl.DataFrame
    upstream: Upstream
    was_tuned: bool = False


class TuningRun:
    """What the sessions of one run share.

    Parameters
    ----------
    space
        What each parameter may be.
    known
        What was known of the tuning's upstream assets at a session.
    versions
        Of the code and of the settings.
    """

    def __init__(
        self,
        deployment: Deployment,
        model: Model,
        space: Mapping[str, Search],
        *,
        known: Known,
        versions: Mapping[str, str],
        log: logging.Logger,
    ) -> None:
        self._deployment, self._model, self._space, self._known, self._log = deployment, model, space, known, log
        self._asset = str(model.tuning)
        self._settings, self._training = deployment.settings.tuning, deployment.settings.training
        self._versions = dict(versions)
        self._made: dict[date, pl.DataFrame] = {}

    def materialise(self, sessions: Sequence[date]) -> Generator[TunedPartition, None, None]:
        """The partitions, each as soon as it is there; the caller stores it before it asks for the next."""
        with WorkerProcesses(attempt_task, self._settings.processes) as self._workers:  # started with their first trials
            for session in sessions:
                yield self._of(session)

    def _of(self, session: date) -> TunedPartition:
        tuned = last_refit(self._deployment.calendar, session, self._settings.every)
        if tuned == session:
            return self._tuned(session)
        if self._deployment.known([tuned]):
            return self._carried(session, tuned)
        reason = f"the first tuning session of history is after {session}"
        return TunedPartition(session=session, rows=self._unavailable(session, tuned, reason), upstream={})

    def stored(self, session: date) -> None:
        """A partition that was tuned is stored: what was kept to go on with is not needed any more."""
        self._trials(session, "").forget()

    def _carried(self, session: date, tuned: date) -> TunedPartition:
        warehouse = self._deployment.warehouse
        rows = self._made[tuned] if tuned in self._made else warehouse.read(self._asset, [tuned])
        if rows["tuned_session"].to_list() != [tuned] * rows.height:
            raise ModelError(
                f"{self._asset} of {tuned} is carried, but since the calendar changed it is tuned there: ats stale --heal, or ats run --from {tuned}"
            )
        self._made = {tuned: rows}
        state = pl.when(pl.col("state") == "unavailable").then("state").otherwise(pl.lit("carried"))
        carried = rows.filter("is_chosen").with_columns(session=pl.lit(session, pl.Date), state=state, fits=pl.lit(0, pl.Int32))
        return TunedPartition(session=session, rows=carried, upstream={self._asset: warehouse.data_versions(self._asset, [tuned])})

    def _tuned(self, session: date) -> TunedPartition:
        upstream = self._known.upstream(session)
        try:
            rows = tuned_rows(self._labelled(session), self._training, self._settings)
        except EvaluationError as error:
            return TunedPartition(session=session, rows=self._unavailable(session, session, str(error)), upstream=upstream)
        trials = self._tried(session, rows, self._trials(session, self._digest(session, upstream)))
        made = self._rows(session, trials)
        self._made = {session: made}
        return TunedPartition(session=session, rows=made, upstream=upstream, was_tuned=True)

    def _labelled(self, session: date) -> LabelledRows:
        """All labelled rows of the training window, as known at the session."""
        training = self._training
        window = whole_window(self._deployment, session, self._model.sequence_sessions, training)
        data = None if window is None else rows_of(self._deployment, window)
        least, found = training.min_train_sessions + training.validation_sessions, 0 if data is None else len(data.rows.sizes)
        if data is None or found < least:
            raise EvaluationError(
                f"history is too short to tune on: {found} labelled sessions as of {session}, and a fit takes {least} "
                "(training.min_train_sessions and validation_sessions)"
            )
        return data

    def _digest(self, session: date, upstream: Upstream) -> str:
        followed = [self._asset, session.isoformat(), self._versions, upstream, self._made_with()]
        return hashlib.sha256(json.dumps(followed, sort_keys=True).encode()).hexdigest()[:32]

    def _made_with(self) -> str:
        optuna_module()
        return ", ".join(f"{name} {version(name)}" for name in sorted({"optuna", self._model.learner.library}))

    def _trials(self, session: date, digest: str) -> TrialStore:
        storage = self._deployment.settings.storage
        folder = storage.data / FOLDER / self._asset / f"session={session}"
        return TrialStore(folder, digest, fsync=storage.fsync)

    def _tried(self, session: date, rows: TunedRows, store: TrialStore) -> list[TriedTrial]:
        store.sweep()
        stored = store.stored()
        if stored:
            self._log.info(f"{self._asset} of {session}: {len(stored)} trials had ended before a run was stopped; it goes on from there")
        attempt = self._attempts(rows, store)
        return study(self._model, self._space, self._settings, lambda asked: self._recorded(session, asked, attempt, store), stored)

    def _attempts(self, rows: TunedRows, store: TrialStore) -> Attempt:
        """What tries, in this process or by others."""
        processes, threads, others = self._settings.processes, self._training.threads, self._deployment.of(spreading)
        if others.engine is not None:
            folder = self._deployment.settings.plugins.folder
            return attempts_by(TriersElsewhere(others), self._model, rows, store.folder / ROWS, plugins=folder, threads=1)
        if processes == 1:
            return lambda asked: (try_parameters(self._model, rows, one, threads=threads) for one in asked)
        how = {"plugins": self._deployment.settings.plugins.folder, "threads": max(1, threads // processes)}
        return attempts_by(self._workers, self._model, rows, store.folder / ROWS, **how)

    def _recorded(self, session: date, asked: Sequence[AskedTrial], attempt: Attempt, store: TrialStore) -> Iterator[TriedTrial]:
        """Have trials recorded in the ledger before they are tried, and each stored once it has ended."""
        own = self._model.learner.settings.model_dump(mode="json")
        counted: dict[int, TuningTrial] = {}
        for one in asked:
            what = {
                "learner": self._model.kind,
                "model": self._model.name,
                **(one.parameters or {"parameters": "the model's own settings"}),
            }
            how = {"learns": own | dict(one.parameters), "training": self._training, "what": what}
            counted[one.number] = TuningTrial(self._deployment, self._asset, **how)
            counted[one.number].begin()
        for found in attempt(asked):
            counted[found.number].add(session, found.ics)
            store.keep(found)
            self._log.info(_told(self._asset, session, found))
            yield found

    def _rows(self, session: date, trials: Sequence[TriedTrial]) -> pl.DataFrame:
        penalty = self._settings.penalty
        chosen, why = chosen_trial(trials, penalty=penalty, margin=self._settings.margin)
        made_with = self._made_with()
        rows = [
            {
                "session": session,
                "tuned_session": session,
                "trial": one.number,
                "generation": one.generation,
                "state": one.state,
                "parameters": json.dumps(dict(one.parameters), sort_keys=True),
                "rank_ic": one.rank_ic,
                "standard_error": one.standard_error,
                "value": one.value(penalty),
                "fold_rank_ics": list(one.folds),
                "fits": one.fits,
                "is_chosen": one.number == chosen,
                "reason": why if one.number == chosen else one.reason,
                "made_with": made_with,
            }
            for one in trials
        ]
        return TuningTrials.validate(pl.DataFrame(rows, schema=TUNING_SCHEMA))

    def _unavailable(self, session: date, tuned: date, reason: str) -> pl.DataFrame:
        row = dict.fromkeys(TUNING_SCHEMA) | {
            "session": session,
            "tuned_session": tuned,
            "state": "unavailable",
            "parameters": "{}",
            "fits": 0,
        }
        row |= {"fold_rank_ics": [], "is_chosen": True, "reason": f"own settings: {reason}", "made_with": self._made_with()}
        return TuningTrials.validate(pl.DataFrame([row], schema=TUNING_SCHEMA))


def _told(asset: str, session: date, found: TriedTrial) -> str:
    ic = "" if found.rank_ic is None else f", rank IC {found.rank_ic:+.4f} over {len(found.folds)} folds"
    return f"{asset} of {session}: trial {found.number} {found.state}{ic}{f' ({found.reason})' if found.reason else ''}"
