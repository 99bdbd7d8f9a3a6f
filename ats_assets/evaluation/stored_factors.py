"""A family of features judged on what is stored: its own partitions, and forward returns from stored bars.

Nothing beyond the last session is looked at: a decision counts over a horizon where its outcome was known at that session's close.

Forward returns are read where they are stored for every session and each wanted horizon, else made of the stored bars and corporate actions by the label itself, as its asset
makes them. So a family can be judged when nothing but the family has been made.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.evaluation.factor_panel import FactorPanel, factor_panel, known_outcomes
from ats_assets.evaluation.factor_resemblance import Resemblance, Standardised, closest, evenly_spaced, standardised_ranks
from ats_assets.evaluation.factor_skill import FactorSkill, factor_skill
from ats_assets.features.choosing import judged_families
from ats_assets.features.family import KEYS, ColumnFamily, FeatureFamily
from ats_assets.labels.label import Label, labels_known_at
from ats_assets.orchestration.reading import as_known
from ats_assets.plugins import LABELS
from ats_assets.settings import FORWARD_RETURNS, ForwardReturnsSettings
from ats_assets.storage.processors import usable_processors

HORIZONS = (1, 5, 10, 21)
"""A day, a week, two weeks, a month: what is looked at where the settings have one horizon only."""


@dataclass(frozen=True, kw_only=True)
class FamilyEvaluation:
    """What was found of a family's features, in the family's order."""

    family: str
    first_session: date
    last_session: date
    sessions: int
    """With features; `symbols` are those that have a row in any of them."""
    symbols: int
    horizons: tuple[int, ...]
    outcomes: str
    """Where forward returns come from: "stored", or "made of stored bars"."""
    skills: tuple[FactorSkill, ...]
    resembles: tuple[Resemblance | None, ...]
    """The feature of the other stored families that each resembles most."""
    resembles_own: tuple[Resemblance | None, ...]
    """The same of its own family."""


def evaluate_family(
    deployment: Deployment,
    family: FeatureFamily | ColumnFamily,
    *,
    features: Sequence[str],
    horizon_sessions: int,
    first: date = date.min,
    last: date = date.max,
    reach: Callable[[int, int], None] = lambda _done, _total: None,
) -> FamilyEvaluation:
    """Judge features of a family on its stored sessions.

    Parameters
    ----------
    features
        Of the family.
    horizon_sessions
        A horizon that is wanted in any case.
    first, last
        The sessions of the decisions; outcomes count that were known at `last`, or at the newest stored session of bars.

    reach
        Is told how many features of how many are judged.

    Raises
    ------
    MissingPartitionError
        If no session of the family is stored there, or bars of one of its sessions are missing.
    CorruptPartitionError
        If a file is damaged.
    """
    stored = [day for day in deployment.valid_sessions(family.name) if first <= day <= last]
    if not stored:
        raise MissingPartitionError(
            f"{family.name} is not stored{_span(first, last)}: make it with ats run --select '+{family.name}', then evaluate it again"
        )
    until = max([day for day in deployment.valid_sessions("bars") if day <= last], default=stored[-1])
    days = deployment.calendar.sessions(stored[0], max(until, stored[-1]))
    rows = deployment.warehouse.read(family.name, stored, [*KEYS, *features])
    laid_out = _laid_out(deployment, rows, days)
    horizons = wanted_horizons(deployment, horizon_sessions)
    returns, source = _forward_returns(deployment, [day for day in days if day <= until], horizons)
    outcomes = known_outcomes(laid_out.panel, laid_out.keys, returns, horizons)
    assert outcomes.products is not None  # made once, before threads ask for it

    def judge(name: str) -> FactorSkill:
        return factor_skill(name, laid_out.panel.matrix(rows[name]), outcomes, n_rows=rows.height)

    skills: list[FactorSkill] = []
    with ThreadPoolExecutor(usable_processors()) as threads:
        for skill in threads.map(judge, features):
            skills.append(skill)
            reach(len(skills), len(features))
    own, others = _ranks(deployment, family.name, features, laid_out)
    return FamilyEvaluation(
        family=family.name,
        first_session=stored[0],
        last_session=days[-1],
        sessions=len(stored),
        symbols=rows["symbol"].n_unique(),
        horizons=horizons,
        outcomes=source,
        skills=tuple(skills),
        resembles=tuple(closest(own, others)),
        resembles_own=tuple(closest(own, own)),
    )


def factor_reads(deployment: Deployment) -> list[str]:
    """The assets that a judgement of all families may read."""
    named = ["corporate_actions"] if deployment.tells_name_changes else []
    return [*deployment.of(judged_families), FORWARD_RETURNS, "bars", *named]


def wanted_horizons(deployment: Deployment, horizon_sessions: int) -> tuple[int, ...]:
    """The horizons of the labels, or `HORIZONS` where there is but one, and in any case the one that is asked for."""
    of_labels = deployment.settings.labels.horizons_sessions
    return tuple(sorted({*(of_labels if len(set(of_labels)) > 1 else HORIZONS), horizon_sessions}))


def _span(first: date, last: date) -> str:
    said = [f"from {first}"] if first > date.min else []
    said += [f"to {last}"] if last < date.max else []
    return f" {' '.join(said)}" if said else ""


@dataclass(frozen=True, kw_only=True)
class _LaidOut:
    """The rows of a family, which of them is which instrument, and their places."""

    rows: pl.DataFrame
    keys: pl.DataFrame
    panel: FactorPanel


def _laid_out(deployment: Deployment, rows: pl.DataFrame, days: Sequence[date]) -> _LaidOut:
    keys = rows.select(KEYS)
    if deployment.tells_name_changes:
        told = [day for day in deployment.valid_sessions("corporate_actions") if days[0] <= day <= days[-1]]
        if told:
            keys = identities_of(deployment.warehouse.read("corporate_actions", told)).named(keys)
    return _LaidOut(rows=rows, keys=keys, panel=factor_panel(keys, days))


@dataclass(frozen=True, kw_only=True)
class _Span:
    """Sessions D-back to D of an asset, and none before `since`."""

    asset: str
    back: int
    since: date

    def sessions_read(self, calendar: SessionCalendar, session: date) -> list[date]:
        """Those that partition `session` reads."""
        return [day for day in calendar.window(session, self.back + 1) if day >= self.since]


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """What a label reads."""

    name: str
    reads: Sequence[_Span]


def _forward_returns(deployment: Deployment, days: Sequence[date], horizons: Sequence[int]) -> tuple[pl.DataFrame, str]:
    """The forward returns of decisions at the first of the days or later that are known at the last of them, and where they come from."""
    wanted = days[min(horizons) + 1 :]
    label: Label = LABELS.made(
        FORWARD_RETURNS, ForwardReturnsSettings(horizons_sessions=tuple(horizons)), deployment.settings.plugins.folder, "labels"
    )
    if not wanted:
        return label.schema.to_frame(), "made of stored bars"
    if not set(wanted) - set(deployment.valid_sessions(FORWARD_RETURNS)):
        stored = deployment.warehouse.read(FORWARD_RETURNS, wanted)
        if set(horizons) <= set(stored["horizon_sessions"].unique()) or len(days) <= max(horizons) + 1:
            return stored.filter(pl.col("decision_session") >= days[0]), "stored"
    return _made_of_bars(deployment, label, days, wanted), "made of stored bars"


def _made_of_bars(deployment: Deployment, label: Label, days: Sequence[date], wanted: Sequence[date]) -> pl.DataFrame:
    names = REPEAT_DAYS + 1 if deployment.tells_name_changes else 0
    history = deployment.calendar.window(days[0], names + 1)[0]
    reads = [
        _Span(
            asset=need.asset,
            back=need.back + (names if need.asset == "corporate_actions" else 0),
            since=history if need.asset == "corporate_actions" else days[0],
        )
        for need in label.needs()
    ]
    known = deployment.known(days)

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        return labels_known_at(
            label, frames, [day for day in known if day <= sessions[-1]], sessions, adjust=deployment.settings.actions.adjust
        )

    return as_known(deployment, _Reader(name=FORWARD_RETURNS, reads=reads), list(wanted), KNOWN_SCHEMAS, make)


def _ranks(deployment: Deployment, name: str, features: Sequence[str], laid_out: _LaidOut) -> tuple[Standardised, Standardised]:
    """The ranks of the features, and of those of the other stored families, in some sessions."""
    stored = sorted(laid_out.rows["session"].unique())
    some = [stored[i] for i in evenly_spaced(len(stored))]
    chosen = np.array([laid_out.panel.days.index(day) for day in some])
    own = {(name, feature): laid_out.panel.matrix(laid_out.rows[feature])[chosen] for feature in features}
    return standardised_ranks(own), standardised_ranks(dict(_of_others(deployment, name, some, laid_out, chosen)))


def _of_others(
    deployment: Deployment, name: str, some: Sequence[date], laid_out: _LaidOut, chosen: np.ndarray
) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """The features of the other families that have all of the sessions, laid out likewise."""
    others = deployment.of(judged_families)
    placed = laid_out.keys.select(KEYS).with_columns(place=pl.Series(laid_out.panel.place))
    for other, family in others.items():
        if other == name or set(some) - set(deployment.valid_sessions(other)):
            continue
        found = deployment.warehouse.read(other, some).join(placed, on=KEYS, how="inner")
        panel = replace(laid_out.panel, place=found["place"].to_numpy())
        for feature in family.factors:
            if feature in found.columns:
                yield (other, feature), panel.matrix(found[feature])[chosen]
