"""The fits of a model of events: at refit sessions, carried forward between them."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import ModelError
from ats_assets.events.event_lane import EventLane, schemas_read
from ats_assets.events.event_sets import event_training_set, event_window
from ats_assets.models import Fitted, TrainingSet, fit, recorded
from ats_assets.models.confusion import Confusion, class_confusion
from ats_assets.models.tracking import Fit, Status
from ats_assets.orchestration.reading import Known, Span
from ats_assets.refits import last_refit
from ats_assets.secrecy import redacted
from ats_assets.storage.artefacts import Unavailable
from ats_assets.storage.footer import Upstream
from ats_assets.storage.model_record import ModelRecord
from ats_assets.trials import FitTrial


class EventFits:
    """What the sessions of one run share.

    Parameters
    ----------
    reads
        The windows that its partition D reads.
    versions
        Of code and settings.
    tell
        Told of each fit that is over.
    """

    def __init__(
        self,
        deployment: Deployment,
        lane: EventLane,
        *,
        reads: Sequence[Span],
        versions: Mapping[str, str],
        tell: Callable[[Fit], None],
    ) -> None:
        self._deployment, self._lane, self._asset, self._reads = deployment, lane, lane.model.model.asset, reads
        self._versions, self._tell = dict(versions), tell
        self._settings = lane.settings
        self._known = Known(deployment, self._asset, reads)
        self._store = deployment.model_store(self._asset)
        self._schemas = schemas_read(deployment)
        what = lane.model.model.learns(lane.settings.of_learners(lane.model.labels))
        self._trial = FitTrial(deployment, self._asset, what)

    def materialise(self, sessions: Sequence[date]) -> list[ModelRecord]:
        """The records of sessions, ascending: fitted at refit sessions, carried from them at others, or why there is no model."""
        return [self._made(session) for session in sessions]

    def _made(self, session: date) -> ModelRecord:
        refit = last_refit(self._deployment.calendar, session, self._settings.refit)
        if refit == session:
            return self._fitted(session)
        if not self._deployment.known([refit], self._asset):
            return self._unavailable(session, f"the first refit session of history is after {session}")
        if self._store.record(refit).status == "carried":
            raise ModelError(
                f"{self._asset} of {refit} is carried, but since the calendar changed it is fitted there: ats stale --heal, or ats run --from {refit}"
            )
        return self._store.write_carried(session, refit, self._versions)

    def training_set(self, session: date, frames: Mapping[str, pl.DataFrame], label_sessions: Sequence[date]) -> TrainingSet:
        """What the model of a session learns from."""
        lane, learnt = self._lane, self._lane.model.labels
        window = event_window(session, label_sessions, self._settings, lane.rules.barriers.max_sessions)
        days = self._deployment.calendar.sessions(self._deployment.calendar.first, session)
        return event_training_set(lane.model, lane.features(frames, days), frames[learnt], window, self._settings)

    def _fitted(self, session: date) -> ModelRecord:
        upstream = self._known.upstream(session)
        (of_labels,) = (span for span in self._reads if span.asset == self._lane.model.labels)
        label_sessions = self._deployment.known(of_labels.sessions_read(self._deployment.calendar, session), self._asset)
        if not label_sessions:
            return self._unavailable(session, "history is too short: no labels yet", upstream)
        frames = {span.asset: self._known.frame(span, [session], self._schemas[span.asset]) for span in self._reads}
        data = self.training_set(session, frames, label_sessions)
        started = time.time()
        self._trial.begin()
        try:
            found = self._learnt(data)
        except Exception as error:
            self._told(session, started, status="FAILED", error=redacted(f"{type(error).__name__}: {error}"))
            raise
        if isinstance(found, Unavailable):
            return self._unavailable(session, found.reason, upstream)
        values = recorded(self._lane.model.model, found, data, self._settings.of_learners(self._lane.model.labels), self._versions)
        self._trial.add(session, values)
        record = self._store.write_fitted(session, found.content, upstream, **values)
        confusion = class_confusion(data.validation.y, found.scores) if len(data.validation.y) == len(found.scores) else None
        self._told(session, started, record=record, content=found.content, confusion=confusion)
        return record

    def _unavailable(self, session: date, reason: str, upstream: Upstream | None = None) -> ModelRecord:
        kind = self._lane.model.model.kind
        return self._store.write_unavailable(session, Unavailable(reason=reason), self._versions, upstream, learner=kind)

    def _learnt(self, data: TrainingSet) -> Fitted | Unavailable:
        if (rows := len(data.train.y)) < self._settings.min_train_events:
            return Unavailable(
                reason=f"{rows} events to train on as of {data.window.session}; event_training.min_train_events is {self._settings.min_train_events}"
            )
        if data.train.y.min() == data.train.y.max():
            return Unavailable(reason=f"all {rows} events to train on as of {data.window.session} came out the same")
        return fit(self._lane.model.model, data, self._settings.of_learners(self._lane.model.labels), threads=self._settings.threads)

    def _told(
        self,
        session: date,
        started: float,
        *,
        status: Status = "FINISHED",
        record: ModelRecord | None = None,
        content: bytes = b"",
        error: str | None = None,
        confusion: Confusion | None = None,
    ) -> None:
        over = Fit(
            asset=self._asset,
            partition=session.isoformat(),
            started=int(started * 1000),
            ended=int(time.time() * 1000),
            status=status,
            record=record,
            content=content,
            error=error,
            confusion=confusion,
        )
        self._tell(over)


def active_event_model(deployment: Deployment, lane: EventLane, session: date) -> ModelRecord | None:
    """The model that predicts a session: the active one of the session before; None where there is none, or none yet.

    Raises
    ------
    ModelError
        If it is older than `event_training.max_age_sessions`.
    """
    calendar = deployment.calendar
    asset = lane.model.model.asset
    if session == calendar.first or not deployment.known([calendar.offset(session, -1)], asset):
        return None
    record = deployment.model_store(asset).active(calendar.offset(session, -1))
    if record.status != "fitted" or record.fitted_session is None:
        return None
    if (age := calendar.count(record.fitted_session, session)) > lane.settings.max_age_sessions:
        raise ModelError(
            f"{record.name}, active at {session}, was fitted at {record.fitted_session}, {age} sessions ago; event_training.max_age_sessions is "
            f"{lane.settings.max_age_sessions}. Materialise {record.name} of a newer refit session, or raise the setting"
        )
    return record
