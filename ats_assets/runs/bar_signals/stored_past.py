"""What the warehouse knows of past predictions and their outcomes, for the probability and the interval of new ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

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
from ats_assets.strategies.choosing import strategies
from ats_assets.strategies.strategy import Strategy

PREDICTIONS, OUTCOMES = "predictions", "forward_returns"


@dataclass(frozen=True, kw_only=True)
class Past:
    """The stored rows of the window of an asset before a session, all of them; `rows` is None, and `why` says so, where some are missing."""

    rows: pl.DataFrame | None
    why: str = ""


class StoredPast:
    """Stored rows of past sessions, each file read once: the windows of the probability and of the interval overlap."""

    def __init__(self, deployment: Deployment, session: date) -> None:
        self._deployment, self._session = deployment, session
        self._read: dict[str, pl.DataFrame] = {}
        self._days: dict[str, frozenset[date]] = {}

    def rows(self, asset: str, schema: pl.Schema, *, back: int, lag: int) -> Past:
        """The sessions D-back to D-lag of an asset.

        Raises
        ------
        CorruptPartitionError
            If a file is damaged.
        """
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
    stored = {PREDICTIONS: (past, PREDICTIONS_SCHEMA, 1), OUTCOMES: (OUTCOMES, FORWARD_RETURNS_SCHEMA, 0)}
    for asset, (name, schema, lag) in stored.items():
        if asset not in needs:
            continue
        found = (
            stored_past.rows(name, schema, back=needs[asset].back, lag=lag)
            if name and past
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
    settings, horizon = deployment.settings.confidence, deployment.settings.training.horizon_sessions
    if settings is None:
        return INTERVALS_SCHEMA.to_frame(), ("no interval: the settings have no table [confidence]",)
    if past is None:
        return INTERVALS_SCHEMA.to_frame(), ("no interval: past predictions of a model from another place are not known",)
    windows = interval_windows(settings, horizon, deployment.calendar.exchange)
    before = stored_past.rows(past, PREDICTIONS_SCHEMA, back=windows.predictions, lag=1)
    outcomes = stored_past.rows(OUTCOMES, FORWARD_RETURNS_SCHEMA, back=windows.outcomes, lag=0)
    if before.rows is None or outcomes.rows is None:
        return INTERVALS_SCHEMA.to_frame(), (f"no interval: {before.why or outcomes.why}",)
    identities = None
    if deployment.tells_name_changes:
        days = deployment.known(deployment.calendar.window(session, windows.predictions + REPEAT_DAYS))
        stored = [day for day in days if deployment.warehouse.exists("corporate_actions", day)]
        identities = identities_of(deployment.warehouse.read("corporate_actions", stored)) if stored else None
    made = return_intervals(
        pl.concat([before.rows, predictions]),
        outcomes.rows,
        deployment.known(deployment.calendar.window(session, windows.predictions + 1)),
        [session],
        settings,
        calendar=deployment.calendar,
        horizon_sessions=horizon,
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
