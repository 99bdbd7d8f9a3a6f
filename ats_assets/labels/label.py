"""What a label must be able to do.

A label says what became of decisions. It names the windows that it reads, and how long after a decision its outcome is known at the latest, which purging is counted from
(López de Prado, Advances in Financial Machine Learning, 2018, section 7.4). It stores each outcome under the session at whose close it became known, and never under the
decision: whoever reads partitions up to D sees no outcome that was not known at D.

Forward returns are always there, since skill, champion and probabilities are judged by returns. What models learn is the label that `training.label_source` names.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Protocol

import polars as pl
from pydantic import BaseModel

from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.corporate_actions.identity import identities_of
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.errors import CalendarError
from ats_assets.plugins import Needs
from ats_assets.settings import Adjust, KnownAfter, TrainingSettings

if TYPE_CHECKING:  # pandera takes longer than all the rest
    from pandera.polars import DataFrameModel

ADJUSTMENTS = "adjustments"
"""The name of the frame of factors that a label is handed."""
SIDES_SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "direction": pl.String})
"""What a label reads of the signals of a strategy: long, short or flat."""


def signals_asset(strategy: str) -> str:
    """What a label calls the signals of a strategy among what it needs, whatever the asset is called in the graph."""
    return f"{strategy}_signals"


class Label(Protocol):
    """One kind of label, with its settings. The docstring of its class is the description of its asset."""

    settings: BaseModel
    contract: "type[DataFrameModel]"
    """What its rows satisfy."""
    schema: pl.Schema
    """Of its rows: symbol, session (at whose close the row is known), decision_session, and what is its own."""
    keys: tuple[str, ...]
    """The columns that name a row, beside session."""
    learnable: tuple[str, ...]
    """The columns that a model can learn; the first unless `training.label_column` names another."""

    def needs(self) -> tuple[Needs, ...]:
        """The windows that the labels of a session are made from: of `bars`, `corporate_actions`, `universe`, or the signals of a strategy (`signals_asset`)."""
        ...

    def known_after(self, training: TrainingSettings) -> KnownAfter:
        """How long after a decision the outcomes that a model learns are known."""
        ...

    def label(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]) -> pl.DataFrame:
        """The labels that become known at each of the sessions, each of its own windows alone.

        Parameters
        ----------
        frames
            By the name of each asset that is read, the rows of the windows of all the sessions together, or more. Bars have the column `instrument`, which stays when a
            ticker changes. `adjustments` are the factors of the corporate actions: instrument, session, `price` and `volume`, by which prices and volumes before that session
            are multiplied.
        days
            Every session of the exchange from the beginning of the first window to the last of the sessions, in order.
        sessions
            Those that are wanted, each one of `days`.

        Returns
        -------
        polars.DataFrame
            Of `schema`, in an order that does not depend on which sessions are asked for together.

        Raises
        ------
        CalendarError
            If one of the sessions is not one of the days.
        ContractError
            If a bar is there twice.
        """
        ...

    def outcomes(self, rows: pl.DataFrame, training: TrainingSettings) -> pl.DataFrame:
        """What a model learns of stored rows: symbol, session, decision_session and `y` (float64), one row for each symbol and decision."""
        ...


def labels_known_at(
    label: Label, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date], *, adjust: Adjust
) -> pl.DataFrame:
    """The labels that become known at sessions, of frames as they are stored: instruments are followed through changes of name, corporate actions made into factors.

    Parameters
    ----------
    frames
        By the name of each asset that is read.
    adjust
        Which actions scale prices, `actions.adjust` of the settings.

    Raises
    ------
    CalendarError, ContractError
        As `Label.label`.
    """
    actions = frames.get("corporate_actions", CORPORATE_ACTIONS_SCHEMA.to_frame())
    known = identities_of(actions)
    bars = known.named(frames["bars"])
    factors = adjustments(known.of_actions(actions), bars, adjust)
    return label.label({**frames, "bars": bars, ADJUSTMENTS: factors}, days, sessions)


def positions(days: Sequence[date], sessions: Sequence[date]) -> dict[date, int]:
    """The place of each session among the days.

    Raises
    ------
    CalendarError
        If one of `sessions` is not one of `days`.
    """
    position = {session: i for i, session in enumerate(days)}
    if strangers := sorted(set(sessions) - position.keys()):
        raise CalendarError(
            f"{strangers[0]} is not one of the {len(position)} sessions of the calendar that came with the bars: widen them"
        )
    return position
