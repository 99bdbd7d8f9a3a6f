"""What a learner is taught of its rows, and the figure by which its fit is stopped or chosen, for each objective.

| objective | taught | what a score is | stopped by, on the validation sessions |
|---|---|---|---|
| regression | the label | its expected value | information coefficient |
| classification | whether it is above the session's median | log-odds, or a probability | log loss |
| lambdarank | its decile in the session, 0 to 9 | of the order alone | information coefficient |
| quantile | the label | its quantile | pinball loss |
| dollar_profit | the outcome as a return | see `profit_objective` | profit after costs |

The information coefficient is the mean over sessions of the correlation of score and ranked label. Figures are those of rows that count the same; weights are of the fit.
"""

from collections.abc import Callable
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ats_assets.errors import ModelError
from ats_assets.models.cross_sections import mean_product, ranks, standardised
from ats_assets.models.profit_objective import ProfitTerms, hedged_returns, session_profit
from ats_assets.models.training_set import CrossSections
from ats_assets.settings import Bps, Section

Objective = Literal["regression", "classification", "lambdarank", "quantile", "dollar_profit"]

GRADES: Final = 10
"""Relevance grades of lambdarank."""

LABEL_KINDS: Final[dict[str, str]] = {"lambdarank": "grade", "classification": "class", "dollar_profit": "return"}
"""What is taught where that is not the label of the settings, for the record."""

Figure = Callable[[NDArray[np.float64]], float]
"""Scores of rows to a figure; higher is better."""

_OF = {"quantile": ("quantile",), "dollar_profit": ("cost_bps", "impact_bps", "hedged")}


class ObjectiveSettings(Section):
    """What objectives have of their own; each is refused where another objective is set."""

    quantile: float = Field(default=0.5, gt=0, lt=1, description="objective quantile: which one of the label is learnt; 0.5 is the median")
    cost_bps: Bps = Field(
        default=10.0,
        description="objective dollar_profit: of each dollar of a position, to open and close it; default: commission, spread and slippage of [backtest]",
    )
    impact_bps: Bps = Field(default=10.0, description="objective dollar_profit: of a full position beyond that; half of one pays a quarter")
    hedged: bool = Field(default=True, description="objective dollar_profit: returns count over the mean of their session")

    @model_validator(mode="after")
    def _each_has_its_objective(self) -> "ObjectiveSettings":
        chosen = getattr(self, "objective", None)
        for objective, names in _OF.items():
            strange = [name for name in names if chosen != objective and getattr(self, name) != type(self).model_fields[name].default]
            if strange:
                raise ValueError(f"{strange[0]} is of objective = {objective!r}, but the objective is {chosen!r}")
        return self

    @property
    def profit_terms(self) -> ProfitTerms:
        """What positions cost."""
        return ProfitTerms(cost=self.cost_bps / 1e4, impact=self.impact_bps / 1e4)

    def of_objective(self) -> dict[str, Any]:
        """The settings of the objective that is set, for the record of a fit."""
        return {name: getattr(self, name) for name in _OF.get(getattr(self, "objective", ""), ())}


def session_grades(rows: CrossSections) -> np.ndarray:
    """The label's grade 0 to 9 within the session, int32 of shape (n_rows,)."""
    return np.minimum((_shares(rows) * GRADES).astype(np.int32), GRADES - 1)


def above_median(rows: CrossSections) -> np.ndarray:
    """1.0 where the label is above the session's median, else 0.0; labels that are 0 and 1 already are taken as they are. Of shape (n_rows,)."""
    if np.isin(rows.y, (0.0, 1.0)).all():
        return rows.y
    return (_shares(rows) > 0.5).astype(np.float64)


def money_returns(rows: CrossSections, settings: ObjectiveSettings) -> np.ndarray:
    """The returns that dollar profit counts in, of shape (n_rows,).

    Raises
    ------
    ModelError
        If the outcomes are no returns: one is below -1, or missing.
    """
    if len(rows.returns) and not rows.returns.min() >= -1.0:
        raise ModelError(
            f"objective = dollar_profit learns returns, but the label to learn is {rows.returns.min():g} of a row: of a label that has dollars or classes beside its return set "
            'training.label_column = "return"'
        )
    return hedged_returns(rows.returns, rows.sizes) if settings.hedged else rows.returns


def taught(rows: CrossSections, settings: ObjectiveSettings, objective: str) -> np.ndarray:
    """What a row is taught, of shape (n_rows,)."""
    if objective == "lambdarank":
        return session_grades(rows)
    if objective == "classification":
        return above_median(rows)
    return money_returns(rows, settings) if objective == "dollar_profit" else rows.y


def stopping_figure(rows: CrossSections, settings: ObjectiveSettings, objective: str) -> Figure:
    """The figure of scores of these rows; of classification the scores are log-odds."""
    if objective == "classification":
        sign = 1.0 - 2.0 * above_median(rows)
        return lambda scores: -float(np.logaddexp(0.0, sign * scores).mean())
    if objective == "quantile":
        share, y = settings.quantile, rows.y
        return lambda scores: -float(np.maximum(share * (y - scores), (share - 1.0) * (y - scores)).mean())
    if objective == "dollar_profit":
        returns, terms = money_returns(rows, settings), settings.profit_terms
        return lambda scores: session_profit(scores, returns, rows.sizes, terms)
    outcomes = standardised(ranks(rows.y, rows.sizes), rows.sizes)
    return lambda scores: float(mean_product(standardised(scores, rows.sizes), outcomes, rows.sizes).mean())


def _shares(rows: CrossSections) -> np.ndarray:
    return (ranks(rows.y, rows.sizes) - 0.5) / np.repeat(rows.sizes, rows.sizes)
