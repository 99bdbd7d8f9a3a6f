"""Weighted rules over indicators: each rule that holds adds its weight, and enough weight is a position. As many desks keep them: a file of rule, weight and threshold.

    [strategies.desk]
    kind = "weighted_rules"
    file = "trading_config.json"

    {"rules": [{"name": "oversold", "indicator": "RSI14", "below": 30, "weight": 2},
               {"name": "uptrend", "indicator": "$close / Mean($close, 50) - 1", "above": 0, "weight": 1},
               {"name": "overbought", "indicator": "RSI14", "above": 70, "weight": -2}],
     "enter": 0.6, "leave": 0.0}

An indicator is an expression over adjusted bars, or the name of a factor of the family `technical` (`ats features list technical`). The score of a symbol is the sum of the weights of the rules that
hold, over the sum of all positive weights: 1 where everything speaks for it. It is entered at `enter` and left at `leave`. A rule whose indicator is missing does not hold. Rules may stand in
the settings themselves, too (`rules = [{...}]`); what the file says then comes first.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import Field, model_validator

from ats_assets.errors import AtsError
from ats_assets.expressions import lookback
from ats_assets.features.built_in import TECHNICAL
from ats_assets.plugins import Plugin
from ats_assets.settings import Section
from ats_assets.strategies.entry_rule import Conditions, EntryRule, EntryRuleSettings


class WeightedRule(Section):
    """One condition, and what it counts."""

    name: str = Field(description="for people")
    indicator: str = Field(description="an expression, or a factor of the family technical")
    above: float | None = Field(default=None, description="it holds above this")
    below: float | None = Field(default=None, description="it holds below this; with both, between them")
    weight: float = Field(description="what it adds where it holds; negative speaks against the symbol")

    @model_validator(mode="after")
    def _says_when_it_holds(self) -> "WeightedRule":
        if self.above is None and self.below is None:
            raise ValueError(f"the rule {self.name!r} says neither `above` nor `below` what it holds")
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(f"the rule {self.name!r} never holds: above {self.above:g} and below {self.below:g}")
        if not self.weight:
            raise ValueError(f"the rule {self.name!r} has a weight of 0: leave it out")
        try:
            lookback({self.name: self.expression})
        except AtsError as error:  # with its place
            raise ValueError(f"the rule {error}") from None
        return self

    @property
    def expression(self) -> str:
        """What the indicator is computed by."""
        return TECHNICAL.get(self.indicator, self.indicator)

    @property
    def holds(self) -> pl.Expr:
        """The condition on the indicator's column, which is named after the rule."""
        value = pl.col(self.name)
        parts = [value > self.above] if self.above is not None else []
        parts += [value < self.below] if self.below is not None else []
        return pl.all_horizontal(parts).fill_null(value=False)


class WeightedRulesSettings(EntryRuleSettings):
    """The rules, and how much weight is a position."""

    file: Path | None = Field(default=None, description="JSON or TOML with rules, enter and leave; a path relative to the current folder")
    rules: tuple[WeightedRule, ...] = Field(
        default=(
            WeightedRule(name="uptrend", indicator="$close / Mean($close, 50) - 1", above=0.0, weight=1.0),
            WeightedRule(name="oversold", indicator="RSI14", below=40.0, weight=1.0),
            WeightedRule(name="overbought", indicator="RSI14", above=70.0, weight=-1.0),
        ),
        min_length=1,
    )
    enter: float = Field(default=0.9, le=1, description="score at which a position is entered (its negative for the short side)")
    leave: float = Field(default=0.0, description="score at or below which it is left")

    @model_validator(mode="before")
    @classmethod
    def _what_the_file_says(cls, values: Any) -> Any:
        """The content of the file is part of the settings, so that a change of it is a change of what is made."""
        if not isinstance(values, dict) or values.get("file") is None:
            return values
        found = _read(Path(str(values["file"])))
        return {**found, **{name: value for name, value in values.items() if name != "rules"}} | {
            "rules": (*found.get("rules", ()), *values.get("rules", ()))
        }

    @model_validator(mode="after")
    def _can_be_met(self) -> "WeightedRulesSettings":
        names = [rule.name for rule in self.rules]
        if len(set(names)) < len(names):
            raise ValueError(f"two rules are called {max(names, key=names.count)!r}: give each its own name")
        if self.leave >= self.enter:
            raise ValueError(
                f"leave ({self.leave:g}) must be less than enter ({self.enter:g}): a position would be left where it is entered"
            )
        if not any(rule.weight > 0 for rule in self.rules):
            raise ValueError("no rule has a positive weight: nothing can speak for a symbol")
        return self


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        found = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise ValueError(f"{file} can't be read: {error}") from None
    except ValueError as error:
        raise ValueError(f"{file} is no {'TOML' if file.suffix == '.toml' else 'JSON'}: {error}") from None
    if isinstance(found, dict):
        return found
    raise ValueError(f"{file} must hold a table with rules, enter and leave")


def weighted_rules(settings: WeightedRulesSettings) -> EntryRule:
    """Hold what enough rules speak for."""
    total = sum(rule.weight for rule in settings.rules if rule.weight > 0)
    score = pl.sum_horizontal(pl.when(rule.holds).then(rule.weight).otherwise(0.0) for rule in settings.rules) / total
    return EntryRule(
        "weighted_rules",
        settings,
        {rule.name: rule.expression for rule in settings.rules},
        long=Conditions(enter=score >= settings.enter - 1e-12, leave=score <= settings.leave, score=score),
        short=Conditions(enter=score <= -settings.enter + 1e-12, leave=score >= -settings.leave, score=-score),
    )


QUICK = {"rules": [{"name": "rose", "indicator": "$close / Ref($close, 1) - 1", "above": 0.0, "weight": 1.0}], "max_sessions": 3}
PLUGIN = Plugin(settings=WeightedRulesSettings, make=weighted_rules, quick=QUICK)
