"""What models are to predict, and what predictions are judged by."""

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ats_assets.settings.section import Gathering, Name, Positive, Section

FORWARD_RETURNS = "forward_returns"
"""The label that is always there: skill, champion and probabilities are judged by it."""


class ForwardReturnsSettings(Section):
    """Forward returns."""

    horizons_sessions: tuple[Positive, ...] = (1, 5, 20)


class LabelsSettings(Gathering, ForwardReturnsSettings):
    """Forward returns, and the other labels. Each of these is a table, `[labels.<name>]`, which the label's own class checks."""

    own: dict[Name, dict[str, Any]] = Field(
        default_factory=dict,
        description="written as [labels.<name>]: the label's own settings; `kind` says which, default: the name",
    )

    @model_validator(mode="after")
    def _forward_returns_are_there_once(self) -> "LabelsSettings":
        if FORWARD_RETURNS in self.own:
            raise ValueError(
                f"the settings of {FORWARD_RETURNS} stand in [labels] itself; give a second one with other horizons another name"
            )
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values = handler(self)
        return values | values.pop("own", {})

    @property
    def forward_returns(self) -> ForwardReturnsSettings:
        """The settings of forward returns alone."""
        return ForwardReturnsSettings(horizons_sessions=self.horizons_sessions)


class KnownAfter(Section):
    """How many sessions after its decision a label is known: at the close of the `first` at the earliest, and of the `last` at the latest."""

    first: Positive
    last: Positive
