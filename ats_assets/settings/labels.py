"""What models are to predict, and what predictions are judged by."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ats_assets.settings.section import Name, Positive, Section

FORWARD_RETURNS = "forward_returns"
"""The label that is always there: skill, champion and probabilities are judged by it."""


class ForwardReturnsSettings(Section):
    """Forward returns."""

    horizons_sessions: tuple[Positive, ...] = (1, 5, 20)


class LabelsSettings(ForwardReturnsSettings):
    """Forward returns, and the other labels. Each of these is a table, `[labels.<name>]`, which the label's own class checks."""

    own: dict[Name, dict[str, Any]] = Field(
        default_factory=dict,
        description="written as [labels.<name>]: the label's own settings; `kind` says which, default: the name",
    )

    @model_validator(mode="before")
    @classmethod
    def _tables_are_other_labels(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        tables = {name: table for name, table in values.items() if name not in cls.model_fields and isinstance(table, Mapping)}
        if FORWARD_RETURNS in tables:
            raise ValueError(
                f"the settings of {FORWARD_RETURNS} stand in [labels] itself; give a second one with other horizons another name"
            )
        rest = {name: value for name, value in values.items() if name not in tables}
        return rest | ({"own": dict(rest.get("own", {})) | tables} if tables else {})

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
