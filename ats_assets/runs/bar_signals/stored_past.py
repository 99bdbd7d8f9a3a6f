"""What the warehouse knows of past predictions and their outcomes, for the probability and the interval of new ones."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import polars as pl

from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.deployment import Deployment
from ats_assets.intervals.return_intervals import interval_windows, return_intervals
from ats_assets.intervals.schema import INTERVALS_SCHEMA
from ats_assets.labels.schema import FORWARD_RETURNS_SCHEMA
from ats_assets.plugins import STRATEGIES
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets.regimes.choosing import regimes
from ats_assets.runs.bar_signals.given_bars import GivenBars
from ats_assets.selection.schema import TICKERS
from ats_assets.selection.tradable import of_tradable
from ats_assets.settings import ConfidenceSettings
from ats_assets.strategies.choosing import strategies
from ats_assets.strategies.strategy import Strategy

PREDICTIONS, OUTCOMES = "predictions", "forward_returns"


@dataclass(frozen=True, kw_only=True)
class Past:
    """The stored rows of the window of an asset before a session, all of them; `rows` is None, and `why` says so, where some are missing."""

    rows: pl.DataFrame | None
    why: str = ""


class PastWindow(NamedTuple):
    """The sessions D-back to D-lag of an asset, before the session D."""

    asset: str
    schema: pl.Schema
    back: int
    lag: int


class StoredPast:
    """Stored rows of past sessions, each file read once: the windows of the probability and of the interval overlap."""

    def __init__(self, deployment: Deployment, session: date) -> None:
        self._deployment, self._session = deployment, session
        self._read: dict[str, pl.DataFrame] = {}
        self._days: dict[str, frozenset[date]] = {}
        self._reading = threading.Lock()

    def begin(self, windows: Sequence[PastWindow]) -> None:
        """Read windows in another thread, while this one computes; whoever asks for one waits for it."""

        def read() -> None:
            for window in windows:
                with suppress(Exception):  # whoever asks for the window meets it again
                    self.rows(window)

        threading.Thread(target=read, name="stored past").start()

    def rows(self, window: PastWindow) -> Past:
        """The rows of a window.

        Raises
        ------
        CorruptPartitionError
            If a file is damaged.
        """
        with self._reading:
            return self._rows(*window)

    def _rows(self, asset: str, schema: pl.Schema, back: int, lag: int) -> Past:
        deployment, session = self._deployment, self._session
        window = deployment.known(deployment.calendar.window(session, back + 1))
        wanted = window[: len(window) - lag] if window and window[-1] == session else window
        if deployment.history_start() is None:
            return Past(rows=None, why=f"nothing is stored in {deployment.warehouse.root}")
        if lacking := [day for day in wanted if not deployment.warehouse.exists(asset, day)]:
            return Past(
                rows=None, why=f"{asset} of {lacking[-1]} is not stored, and {len(lacking) - 1} sessions before it: make them with ats run"
            )
        known = self._days.get(asset, frozenset())
        if new := [day for day in wanted if day not in known]:
            frames = [deployment.warehouse.read(asset, new).select(schema.names()), *([self._read[asset]] if known else [])]
            self._read[asset] = pl.concat(frames).sort("session", maintain_order=True)
            self._days[asset] = known | frozenset(new)
        if not wanted:
            return Past(rows=schema.to_frame())
        return Past(rows=self._read[asset].filter(pl.col("session").is_in(wanted)))


def past_windows(deployment: Deployment, past: str | None) -> list[PastWindow]:
    """What `scores_of` and `intervals_of` read, where the asset of the model's own past predictions is `past`."""
    if past is None:
        return []
    found = [*_scored(deployment, past).values()]
    return (
        found if deployment.settings.confidence is None else [*found, *_judged(deployment, deployment.settings.confidence, past).values()]
    )


def _scored(deployment: Deployment, past: str) -> dict[str, PastWindow]:
    """What the strategy that follows predictions needs of past ones and their outcomes, by what it calls them."""
    needs = _following(deployment).needs(deployment.settings.training)
    return _windows(past, {one.asset: one.back for one in needs})


def _judged(deployment: Deployment, settings: ConfidenceSettings, past: str) -> dict[str, PastWindow]:
    """What intervals need of them."""
    windows = interval_windows(settings, deployment.settings.training.horizon_sessions, deployment.calendar.exchange)
    return _windows(past, {PREDICTIONS: windows.predictions, OUTCOMES: windows.outcomes})


def _windows(past: str, back: Mapping[str, int]) -> dict[str, PastWindow]:
    stored = {PREDICTIONS: (past, PREDICTIONS_SCHEMA, 1), OUTCOMES: (OUTCOMES, FORWARD_RETURNS_SCHEMA, 0)}
    return {name: PastWindow(asset, schema, back[name], lag) for name, (asset, schema, lag) in stored.items() if name in back}


def scores_of(
    deployment: Deployment, predictions: pl.DataFrame, given: GivenBars, past: str | None, stored_past: StoredPast
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """What the strategy that follows predictions makes of new ones, with what is stored of those before; and why there is no probability, where there is none.

    Parameters
    ----------
    predictions
        The contract `Predictions`, of the session.
    past
        The asset of the model's own past predictions.
    """
    training, session = deployment.settings.training, given.session
    strategy = _following(deployment)
    needs = {one.asset: one for one in strategy.needs(training)}
    own = {"predictions": predictions, "bars": given.bars, "corporate_actions": given.actions}
    back = max(one.back for one in needs.values())
    days = deployment.known(deployment.calendar.window(session, back + 1)) or deployment.calendar.window(session, back + 1)
    frames, notes = dict(own), []
    windows = _scored(deployment, past) if past else {}
    for asset, schema in ((PREDICTIONS, PREDICTIONS_SCHEMA), (OUTCOMES, FORWARD_RETURNS_SCHEMA)):
        if asset not in needs:
            continue
        found = (
            stored_past.rows(windows[asset])
            if asset in windows
            else Past(rows=None, why="past predictions of a model from another place are not known")
        )
        notes += [f"no probability: {found.why}"] if found.rows is None else []
        frames[asset] = schema.to_frame() if found.rows is None else found.rows
    if notes:  # of a part of the outcomes it would be another probability than the asset's
        frames |= {PREDICTIONS: PREDICTIONS_SCHEMA.to_frame(), OUTCOMES: FORWARD_RETURNS_SCHEMA.to_frame()}
    frames[PREDICTIONS] = pl.concat([frames[PREDICTIONS].filter(pl.col("session") < session), predictions])
    scores, why = _selected(deployment, strategy.scores(frames, days, [session], training), session)
    return scores, tuple(dict.fromkeys([*notes, *why]))


def _selected(deployment: Deployment, scores: pl.DataFrame, session: date) -> tuple[pl.DataFrame, list[str]]:
    """Those of the tickers that strategies may hold, where settings say and the selection is stored; and why not, where it is not."""
    tickers = deployment.settings.ticker_selection
    if tickers is None or not tickers.tradable_states:
        return scores, []
    if not deployment.warehouse.exists(TICKERS, session):
        return scores, [f"tickers that are out are among them: {TICKERS} of {session} is not stored"]
    selected = deployment.warehouse.read(TICKERS, [session], ["symbol", "session", "state"])
    return of_tradable(scores, selected, tickers.tradable_states), []


def _following(deployment: Deployment) -> Strategy:
    """The first strategy of the settings that is made of predictions, outcomes and bars alone; the model's own scores where there is none."""
    known = {PREDICTIONS, OUTCOMES, "bars", "corporate_actions"}
    for one in deployment.of(strategies).values():
        asked = {window.asset for window in one.strategy.needs(deployment.settings.training)}
        if PREDICTIONS in asked and asked <= known:
            return one.strategy
    return STRATEGIES.made("model_scores", {})


def intervals_of(
    deployment: Deployment, predictions: pl.DataFrame, session: date, past: str | None, stored_past: StoredPast
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The rows of `prediction_intervals` of new predictions; without any, and with the reason, where they can't be made."""
    settings = deployment.settings.confidence
    if settings is None:
        return INTERVALS_SCHEMA.to_frame(), ("no interval: the settings have no table [confidence]",)
    if past is None:
        return INTERVALS_SCHEMA.to_frame(), ("no interval: past predictions of a model from another place are not known",)
    windows = _judged(deployment, settings, past)
    before, outcomes = stored_past.rows(windows[PREDICTIONS]), stored_past.rows(windows[OUTCOMES])
    back = windows[PREDICTIONS].back
    if before.rows is None or outcomes.rows is None:
        return INTERVALS_SCHEMA.to_frame(), (f"no interval: {before.why or outcomes.why}",)
    identities = None
    if deployment.tells_name_changes:
        days = deployment.known(deployment.calendar.window(session, back + REPEAT_DAYS))
        stored = [day for day in days if deployment.warehouse.exists("corporate_actions", day)]
        identities = identities_of(deployment.warehouse.read("corporate_actions", stored)) if stored else None
    made = return_intervals(
        pl.concat([before.rows, predictions]),
        outcomes.rows,
        deployment.known(deployment.calendar.window(session, back + 1)),
        [session],
        settings,
        calendar=deployment.calendar,
        horizon_sessions=deployment.settings.training.horizon_sessions,
        identities=identities,
    )
    return made, ()


def regimes_at(deployment: Deployment, session: date) -> tuple[Mapping[str, int], tuple[str, ...]]:
    """Symbol -> the state of its regime at the session, as it is stored; none, and why, where there is none."""
    for asset, one in deployment.of(regimes).items():
        if not deployment.warehouse.exists(asset, session):
            return {}, (f"no regime: {asset} of {session} is not stored",)
        rows = deployment.warehouse.read(asset, [session]).select("symbol", state=pl.col(f"{one.name}_state").fill_nan(None)).drop_nulls()
        return {symbol: int(state) for symbol, state in rows.iter_rows()}, ()
    return {}, ("no regime: the settings have no table [regimes.<name>]",)
