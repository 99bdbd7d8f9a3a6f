"""Models on the horizons beside their own: the skill of their stored, out-of-sample scores over each horizon that is labelled."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.evaluation.neighbouring_horizons import HorizonVerdict, holds_on_neighbours
from ats_assets.evaluation.score_persistence import score_persistence
from ats_assets.predictions.candidates import candidates
from ats_assets.predictions.model_evidence import judged_decisions
from ats_assets.storage.footer import Upstream
from ats_assets.validation.schema import HORIZONS_SCHEMA, VERDICTS_SCHEMA

FORWARD_RETURNS, CHAMPION, TIMEFRAMES = "forward_returns", "champion", "timeframe_validation"
IC_SCHEMA = pl.Schema({"decision_session": pl.Date, "horizon_sessions": pl.Int32, "rank_ic": pl.Float64})


def judged_assets(deployment: Deployment) -> Mapping[str, str]:
    """Name -> the asset of its predictions: of each candidate for the champion, or of the only model."""
    (only, *_) = deployment.settings.models
    return deployment.of(candidates) or {only: "predictions"}


def traded_model_name(deployment: Deployment) -> str | None:
    """The only model, or the newest champion; None where none is stored."""
    if not deployment.of(candidates):
        return next(iter(deployment.settings.models))
    stored = deployment.valid_sessions(CHAMPION)
    rows = deployment.warehouse.read(CHAMPION, stored[-1:]) if stored else None
    return next(iter(rows.filter("is_champion")["model"]), None) if rows is not None else None


@dataclass(frozen=True, kw_only=True)
class JudgedWindow:
    """The newest sessions of outcomes, and those of the predictions that they judge.

    Attributes
    ----------
    outcomes, decisions
        Sessions with partitions of forward returns, and of predictions.
    """

    outcomes: Sequence[date]
    decisions: Sequence[date]

    @classmethod
    def of(cls, deployment: Deployment, lookback_sessions: int) -> "JudgedWindow":
        """That of what is stored now.

        Raises
        ------
        MissingPartitionError
            If no forward returns are stored.
        """
        stored = deployment.valid_sessions(FORWARD_RETURNS)
        if not stored:
            raise MissingPartitionError("no forward_returns are stored: make them with ats run")
        outcomes = [day for day in deployment.calendar.window(stored[-1], lookback_sessions) if day >= stored[0]]
        longest = max(deployment.settings.labels.horizons_sessions) + 1
        before = deployment.calendar.window(outcomes[0], longest + 1)[0]
        assets = judged_assets(deployment).values()
        known = set.intersection(*(set(deployment.valid_sessions(asset)) for asset in assets))
        decisions = [day for day in deployment.calendar.sessions(before, outcomes[-1]) if day in known]
        return cls(outcomes=outcomes, decisions=decisions)

    def upstream(self, deployment: Deployment) -> Upstream:
        """The data versions of what is read."""
        read = {FORWARD_RETURNS: self.outcomes} | dict.fromkeys(judged_assets(deployment).values(), self.decisions)
        return {asset: deployment.data_versions(asset, days) for asset, days in read.items()}


def judged_timeframes(deployment: Deployment, window: JudgedWindow) -> dict[str, HorizonVerdict]:
    """The verdict on each model, by its name.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    LookAheadError
        If a score was made by a model that was fitted at its session or after.
    """
    settings = deployment.settings
    asked = settings.timeframe_validation
    if not window.decisions or asked is None:
        return {name: holds_on_neighbours(IC_SCHEMA.to_frame(), settings.training.horizon_sessions) for name in judged_assets(deployment)}
    outcomes = deployment.warehouse.read(FORWARD_RETURNS, window.outcomes)
    predictions = {name: deployment.warehouse.read(asset, window.decisions) for name, asset in judged_assets(deployment).items()}
    judged = {
        horizon: judged_decisions(predictions, outcomes.filter(horizon_sessions=horizon))
        for horizon in sorted(settings.labels.horizons_sessions)
    }
    longest = max(judged)
    verdicts = {}
    for place, (name, frame) in enumerate(predictions.items()):
        rows = [(one.decided, horizon, float(one.rank_ic[place])) for horizon, of in judged.items() for one in of]
        ics = pl.DataFrame(rows, schema=IC_SCHEMA, orient="row").with_columns(pl.col("rank_ic").fill_nan(None))
        persistence = score_persistence(frame, longest)
        verdicts[name] = holds_on_neighbours(ics, settings.training.horizon_sessions, asked.neighbours, persistence)
    return verdicts


def timeframe_tables(verdicts: Mapping[str, HorizonVerdict]) -> dict[str, pl.DataFrame]:
    """The tables of the contracts `ValidatedHorizons` and `HorizonVerdicts`, by name."""
    horizons = [{"model": name, **asdict(one)} for name, verdict in verdicts.items() for one in verdict.horizons]
    told = [(name, verdict.holds, verdict.text) for name, verdict in verdicts.items()]
    return {
        "horizons": pl.DataFrame(horizons, schema=HORIZONS_SCHEMA),
        "verdicts": pl.DataFrame(told, schema=VERDICTS_SCHEMA, orient="row"),
    }
