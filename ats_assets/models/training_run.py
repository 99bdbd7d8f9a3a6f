"""One run of a model's sessions: fits what is due, several at once, carries the active model forward between them, and has each fit stored, counted and tracked."""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import ModelError
from ats_assets.features import joined
from ats_assets.features.choosing import model_families
from ats_assets.labels import SAMPLE_WEIGHTS, learnt_label
from ats_assets.models.choosing import Model
from ats_assets.models.confusion import Confusion, class_confusion
from ats_assets.models.feature_selection import with_selected
from ats_assets.models.fit_memory import require_fit, rows_at_once
from ats_assets.models.fit_states import FitOver, WantedFit
from ats_assets.models.fits_ahead import fits_ahead
from ats_assets.models.fitting import fit, fits_at_once, recorded
from ats_assets.models.labelled_rows import READ_AT_ONCE
from ats_assets.models.learner import Fitted
from ats_assets.models.tracking import Fit, Status, begin_fit, log_fit
from ats_assets.models.training_set import TrainingWindow, least_history, training_set, training_window
from ats_assets.models.tuned_parameters import tuned_parameters
from ats_assets.orchestration.reading import Known
from ats_assets.orchestration.spreading import rows_by_session
from ats_assets.refits import last_refit
from ats_assets.secrecy import redacted
from ats_assets.storage.artefacts import ModelStore, Unavailable
from ats_assets.storage.model_record import ModelRecord, TunedParameters
from ats_assets.storage.second_process import SecondProcessError, beside
from ats_assets.storage.work_ahead import worked_ahead
from ats_assets.trials import FitTrial


class TrainingRun:
    """What the sessions of one run share: the store, the tracking, and the frames, which are read once for neighbouring windows.

    Parameters
    ----------
    known
        What was known of the model's upstream assets at a session.
    versions
        Of the code and of the settings.
    run_id
        Dagster's.
    log
        Of the run.
    """

    def __init__(
        self, deployment: Deployment, model: Model, *, known: Known, versions: dict[str, str], run_id: str, log: logging.Logger
    ) -> None:
        self._deployment = deployment
        self._model = model
        self._settings = deployment.settings.training
        self._learnt = deployment.of(learnt_label)
        self._run_id = run_id
        self._log = log
        self._store: ModelStore = deployment.model_store(model.asset)
        self._versions = versions
        self._kept: dict[str, dict[date, pl.DataFrame]] = {}
        self._trial = FitTrial(deployment, model.asset, model.learns(self._settings))
        self._known = known
        self._under_way: dict[date, float] = {}
        self._reading = threading.Lock()
        self._told: dict[date, tuple[Future[str], Fit]] = {}

    def materialise(self, sessions: Sequence[date]) -> list[ModelRecord]:
        """Fit the models of the refit sessions, several at once; between them carry the active one forward, or record why there is none."""
        refits = {session: last_refit(self._deployment.calendar, session, self._settings.refit) for session in sessions}
        records = self._refitted([session for session, refit in refits.items() if refit == session])
        return [records[session] if session in records else self._carried(session, refit) for session, refit in refits.items()]

    def _carried(self, session: date, refit: date) -> ModelRecord:
        if not self._deployment.known([refit]):
            none = Unavailable(reason=f"the first refit session of history is after {session}")
            return self._store.write_unavailable(session, none, self._versions, learner=self._model.kind)
        if self._store.record(refit).status == "carried":
            raise ModelError(
                f"{self._model.asset} of {refit} is carried, but since the calendar changed it is fitted there: ats stale --heal, or ats run --from {refit}"
            )
        return self._store.write_carried(session, refit, self._versions)

    def _refitted(self, sessions: Sequence[date]) -> dict[date, ModelRecord]:
        rows = rows_at_once(self._deployment)
        at_once = fits_at_once(self._settings, refits=len(sessions), symbols=self._deployment.settings.universe.size, rows=rows)
        work = partial(self._fit, threads=self._settings.threads // at_once)
        made = self._deployment.of(fits_ahead)
        wanted = {session: self.described(session) for session in sessions}
        if made.spreads(self._model.asset):
            made.submit_elsewhere(self._model.asset, list(wanted.values()))
        ahead = {session: fit for session in sessions if (fit := made.take(self._model.asset, wanted[session]))}
        absent = (self._read(wanted[session]) for session in sessions if session not in ahead)
        try:
            with closing(worked_ahead(work, absent, threads=at_once, ahead=at_once)) as fits:  # an error begins no further fit
                return {session: self._stored(ahead[session]() if session in ahead else next(fits)) for session in sessions}
        except BaseException as error:
            if not isinstance(error, Exception):  # whoever interrupts ends all that are under way
                for session, started in self._under_way.items():
                    self._tell(session, started, time.time(), status="KILLED", error=redacted(f"{type(error).__name__}: {error}"))
            raise

    def ahead(self, wanted: WantedFit) -> FitOver:
        """A fit made by a thread of `FitsAhead` before the step that stores it: one that needs other threads than this one."""
        with self._reading:
            wanted = self._read(wanted)
        return self._fit(wanted, threads=1)

    def described(self, session: date) -> WantedFit:
        """The fit of a refit session, without what is to be read for it."""
        upstream = self._known.upstream(session)
        read = {asset: hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest() for asset, found in upstream.items()}
        window = training_window(
            self._deployment.calendar, session, self._settings, self._learnt.known_after, self._model.sequence_sessions
        )
        known = replace(
            window,
            train=tuple(self._deployment.known(window.train)),
            validation=tuple(self._deployment.known(window.validation)),
            label_sessions=tuple(self._deployment.known(window.label_sessions)),
            weight_sessions=tuple(self._deployment.known(window.weight_sessions)),
            sequences=window.sequences and replace(window.sequences, sessions=tuple(self._deployment.known(window.sequences.sessions))),
        )
        model, tuned = self._tuned(session)
        return WantedFit(session=session, model=model, tuned=tuned, window=known, upstream=upstream, versions=self._versions | read)

    def _read(self, wanted: WantedFit) -> WantedFit:
        """The fit with what is read for it, where there is something to learn from."""
        known = wanted.window
        if not (known.train and known.validation):
            return wanted
        frames = self._frames(known)
        self._trial.begin()
        weights = self._rows(SAMPLE_WEIGHTS, known.weight_sessions) if self._settings.sample_weights != "none" else None
        return replace(wanted, frames=frames, weights=weights)

    def _tuned(self, session: date) -> tuple[Model, TunedParameters | None]:
        """The model with what tuning has chosen for it, as it was known at the session."""
        if self._model.tuning is None:
            return self._model, None
        tuned = tuned_parameters(self._deployment.warehouse.read(self._model.tuning, [session]))
        return self._model.remade(tuned.parameters), tuned

    def _frames(self, window: TrainingWindow) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        universe = self._rows("universe", window.decisions)
        require_fit(self._deployment, f"a fit of {self._model.asset} at {window.session}", universe.height)
        keys = ["symbol", "session"] if window.sequences is None else ["symbol"]
        members = universe.select(keys)

        def of_members(rows: pl.DataFrame) -> pl.DataFrame:
            return rows.join(members, on=keys, how="semi", maintain_order="left")

        days = window.decisions
        if window.sequences is not None:  # of who is a member today, rows of sessions when it was none: what an earlier window has left out
            days = window.sequences.sessions
            self._kept = {asset: rows for asset, rows in self._kept.items() if asset not in self._deployment.of(model_families)}
        families = {family: self._rows(family, days, of_members) for family in self._deployment.of(model_families)}
        return joined(families), self._rows(self._learnt.asset, window.label_sessions, self._learnt.outcomes), universe

    def _fit(self, wanted: WantedFit, *, threads: int) -> FitOver:
        """Called by several threads at once, each of which holds one training set."""
        if wanted.frames is None:
            least = least_history(self._settings, self._learnt.known_after)
            reason = f"history is too short: the first fit takes {least} sessions before it ([training]), beside those without a universe"
            return FitOver(wanted=wanted, found=Unavailable(reason=reason))
        self._under_way[wanted.session] = started = time.time()
        found: Fitted | Unavailable | Exception
        values: dict[str, Any] = {}
        classes: Confusion | None = None
        try:
            data = training_set(*wanted.frames, wanted.window, self._settings, wanted.weights)
            data, selected = with_selected(data, self._settings)
            found = fit(wanted.model, data, self._settings, threads=threads)
            if isinstance(found, Fitted):
                values = recorded(wanted.model, found, data, self._settings, wanted.versions)
                values |= {"tuned": wanted.tuned} if wanted.tuned else {}
                values |= {"selected": selected} if selected else {}
                classes = class_confusion(data.validation.y, found.scores)
        except Exception as error:  # noqa: BLE001 - raised again once it is told
            found = error
        done = replace(wanted, frames=None, weights=None)
        return FitOver(wanted=done, found=found, recorded=values, confusion=classes, started=started, ended=time.time())

    def _stored(self, over: FitOver) -> ModelRecord:
        """Store a fit, and have it logged."""
        found, wanted = over.found, over.wanted
        session = wanted.session
        self._under_way.pop(session, None)
        if isinstance(found, Exception):
            self._tell(session, over.started, over.ended, status="FAILED", error=redacted(f"{type(found).__name__}: {found}"))
            raise found
        if isinstance(found, Unavailable):
            if over.started:
                self._tell(session, over.started, over.ended)
            return self._store.write_unavailable(session, found, wanted.versions, wanted.upstream, learner=self._model.kind)
        self._trial.add(session, over.recorded)
        record = self._store.write_fitted(session, found.content, wanted.upstream, **over.recorded)
        self._tell(session, over.started, over.ended, record=record, content=found.content, confusion=over.confusion)
        self._log.info(
            f"{self._model.asset} fitted at {session}: {record.training and record.training.rows} rows, {record.best_iteration} rounds"
        )
        return record

    def _tell(
        self,
        session: date,
        started: float,
        ended: float,
        *,
        status: Status = "FINISHED",
        record: ModelRecord | None = None,
        content: bytes = b"",
        error: str | None = None,
        confusion: Confusion | None = None,
    ) -> None:
        """Have a second process log a fit that is over."""
        settings = self._deployment.settings
        if not settings.mlflow.enabled:
            return
        over = Fit(
            asset=self._model.asset,
            partition=session.isoformat(),
            dagster_run_id=self._run_id,
            started=int(started * 1000),
            ended=int(ended * 1000),
            status=status,
            record=record,
            content=content,
            error=error,
            command=str(settings.storage.warehouse),
            confusion=confusion,
        )
        where = (settings.mlflow, settings.storage.data)
        if status == "FINISHED":
            self._told[session] = (beside(begin_fit, *where, replace(over, record=None, content=b"", confusion=None)), over)
        else:
            beside(log_fit, *where, over)

    def tracked(self) -> dict[str, str]:
        """Session -> the page of its MLflow run, which is filled while the graph goes on; a run that could not be made is an error of the log, no more: the models are stored."""
        settings, pages = self._deployment.settings, dict[str, str]()
        told, self._told = self._told, {}
        for session, (page, _) in told.items():
            try:
                pages[session.isoformat()] = page.result()
            except SecondProcessError as error:
                self._log.error(self._lost(session, error))
        for session, (_, over) in told.items():
            if session.isoformat() in pages:
                logged = beside(log_fit, settings.mlflow, settings.storage.data, over)
                logged.add_done_callback(partial(self._complain, session))
        return pages

    def _complain(self, session: date, logged: "Future[str]") -> None:
        """Say that a run could not be filled, when the step that began it is over."""
        if not logged.cancelled() and (error := logged.exception()) is not None:
            logging.getLogger(__name__).error(self._lost(session, error))

    def _lost(self, session: date, error: BaseException) -> str:
        return redacted(f"MLflow has no run of the fit of {self._model.asset} at {session}, whose model is stored: {error}")

    def _rows(
        self, asset: str, sessions: Sequence[date], needed: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows
    ) -> pl.DataFrame:
        """The rows of the sessions that are `needed`; what an earlier window of this run has read is not read again, what it alone needed is let go.

        A few sessions at a time, so that what is not needed is never there as a whole: the features of all symbols are many times those of the universe.
        """
        kept = dict(self._kept.get(asset, {}))
        absent = [session for session in sessions if session not in kept]
        for first in range(0, len(absent), READ_AT_ONCE):
            some = absent[first : first + READ_AT_ONCE]
            read = needed(self._deployment.warehouse.read(asset, some))
            found = rows_by_session(asset, some, read)
            kept |= {session: found.get(session, read.clear()) for session in some}
        self._kept[asset] = {session: kept[session] for session in sessions}
        return pl.concat(list(self._kept[asset].values()))
