"""Which of several models is traded."""

from typing import Literal

from pydantic import Field, model_validator

from ats_assets.settings.section import NonNegative, Positive, Section


class ChampionSettings(Section):
    """Which of several models is traded; the rules are in `ats_assets/predictions/champion.py` and `ats_assets/predictions/champions/title_chain.py`."""

    rule: Literal["skill", "fixed", "challenge"] = Field(
        default="skill",
        description="the best rank IC known at the last refit session; the model named; or the one that holds the title until another beats it by a paired test",
    )
    model: str | None = Field(
        default=None,
        description="with rule fixed, while none is judged, and the first to hold the title: the name of a model; default: the first",
    )
    lookback_sessions: Positive = Field(default=126, description="of known outcomes that models are compared over; with rule skill")
    min_judged_sessions: Positive = Field(
        default=42, description="fewer decisions than this: the model does not run; with rule challenge at least 60, and 10 horizons"
    )
    margin: float = Field(default=0.002, ge=0, lt=1, description="rank IC by which a challenger has to be better; with rule challenge")
    confidence: float = Field(
        default=0.95,
        gt=0.5,
        lt=1,
        description="that none of all tries promotes a challenger that is not better by the margin; with rule challenge",
    )
    paired_sessions: Positive = Field(
        default=504, description="of known outcomes that challenger and champion are compared over; with rule challenge"
    )
    tries_sessions: Positive = Field(
        default=2520,
        description="sessions whose refits count as tries of each challenger: over so long the confidence holds; with rule challenge",
    )
    memory_sessions: Positive = Field(
        default=252,
        description="a title that was not won again for so long lapses, back to the model that a person promoted last or named; with rule challenge",
    )
    hold_sessions: NonNegative = Field(
        default=63, description="from a person's promotion or rollback on, no challenger is promoted for so long; with rule challenge"
    )
    dormant: Literal["refuse", "fall_back"] = Field(
        default="refuse",
        description="where the model that should predict is unavailable or too old: nothing is predicted, or an error; or the last good model predicts, "
        "then the best of the others, then nothing, with an alert",
    )

    @model_validator(mode="after")
    def _models_can_be_judged(self) -> "ChampionSettings":
        if self.rule == "skill" and self.lookback_sessions < self.min_judged_sessions:
            raise ValueError(
                f"lookback_sessions is {self.lookback_sessions}, in which no model is judged the {self.min_judged_sessions} times of min_judged_sessions, so that the first of the "
                "settings is champion for good: raise one or lower the other"
            )
        return self

    def of_rule(self) -> "ChampionSettings":
        """What the rules skill and fixed depend on."""
        return ChampionSettings(**self.model_dump(include={"rule", "model", "lookback_sessions", "min_judged_sessions"}))
