"""Limits of a book's exposure to a factor of one's own: a column of a feature family, or an expression over adjusted bars.

The exposure of a book is the sum of its weights, each times its symbol's value. By default values are told in standard deviations from the mean of the candidates (`unit = "deviations"`), as risk models
have it: 0 is a book like the candidates' mean. A symbol whose value is not known is no candidate, so that what is said of the book is said of all of it.
"""

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ats_assets.portfolio.optimisation.weight_ranges import WeightLimit
from ats_assets.settings import Section

Floats = NDArray[np.float64]


class FactorLimit(Section):
    """How much of a factor a book may have."""

    asset: str | None = Field(default=None, description="a feature family, or another asset with a row a symbol and session: alpha158")
    column: str | None = Field(default=None, description="of the asset, with each symbol's exposure")
    expression: str | None = Field(default=None, description="over adjusted bars, in the place of asset and column")
    least: float | None = Field(default=None, description="exposure of the book")
    most: float | None = Field(default=None, description="exposure of the book")
    unit: Literal["deviations", "value"] = Field(
        default="deviations", description="of the exposures: standard deviations from the mean of the candidates, or values as they are"
    )

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> Self:
        if (self.expression is None) == (self.asset is None) or (self.asset is None) != (self.column is None):
            raise ValueError("say whose exposure it is: asset and column, or an expression over bars")
        if self.least is None and self.most is None:
            raise ValueError("least and most are both missing: give one of them")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"least ({self.least:g}) is above most ({self.most:g})")
        return self


def expression_name(place: int) -> str:
    """What the expression of a factor is called among those of a method, by its place among the names of the factors.

    Examples
    --------
    >>> expression_name(0)
    'factor_0'
    """
    return f"factor_{place}"


def factor_rows(factors: Mapping[str, FactorLimit], exposures: Mapping[str, Floats]) -> list[WeightLimit]:
    """The limits as a book must keep them.

    Parameters
    ----------
    exposures
        By the name of the factor, each candidate's, of shape (n_symbols,), finite and of one symbol at least.

    Examples
    --------
    >>> found = factor_rows({"size": FactorLimit(expression="$volume", most=0.5)}, {"size": np.array([1.0, 3.0])})
    >>> found[0].name, found[0].coefficients.tolist(), found[0].high
    ('size at most 0.5 deviations', [-1.0, 1.0], 0.5)
    """
    made: list[WeightLimit] = []
    for name, limit in sorted(factors.items()):
        values = exposures[name]
        unit = ""
        if limit.unit == "deviations":
            spread, unit = float(values.std()), " deviations"
            values = (values - values.mean()) / spread if spread > 0.0 else np.zeros(len(values))
        parts = [f"at least {limit.least:.4g}"] if limit.least is not None else []
        parts += [f"at most {limit.most:.4g}"] if limit.most is not None else []
        low, high = -np.inf if limit.least is None else limit.least, np.inf if limit.most is None else limit.most
        made.append(WeightLimit(name=f"{name} {' and '.join(parts)}{unit}", coefficients=values, low=low, high=high))
    return made
