"""The settings that all nets have."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ats_assets.models.objectives import ObjectiveSettings
from ats_assets.settings import Positive, Search, SearchRange

NetInput = Literal["features", "prices", "returns"]


class NetSettings(ObjectiveSettings):
    """What a net sees, what it is taught, and how it is trained."""

    inputs: NetInput = Field(
        default="features", description="features of each session; or prices, or returns, of the sessions that a row of alpha360 has"
    )
    sequence_sessions: int = Field(default=20, ge=1, le=250, description="sessions that it looks at, the decision's own included")
    objective: Literal["regression", "ic", "classification", "quantile", "dollar_profit"] = Field(
        default="regression",
        description="squared error on the label; the correlation of score and label within each session; or as trees have it, a class, a quantile, "
        "or profit after costs",
    )
    batch_rows: Positive = Field(default=2_048, description="rows of a step at least: whole sessions are taken until there are as many")
    learning_rate: float = Field(default=1e-3, gt=0, le=1)
    weight_decay: float = Field(default=1e-3, ge=0, le=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    max_gradient_norm: float = Field(default=1.0, gt=0)
    min_epochs: Positive = Field(default=3, description="that a net is trained for at least, since the figure that stops it is noisy")
    max_epochs: Positive = 40
    patience_epochs: Positive = Field(
        default=6, description="without a better information coefficient on the validation sessions, then it stops"
    )
    device: Literal["cpu", "cuda", "auto"] = Field(default="cpu", description="where it is trained; auto: a GPU where there is one")
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="of products on a GPU; a processor always takes float32"
    )
    seed: int = Field(default=7, ge=0)

    @model_validator(mode="after")
    def _epochs_in_order(self) -> Self:
        if self.min_epochs > self.max_epochs:
            raise ValueError(f"min_epochs ({self.min_epochs}) is above max_epochs ({self.max_epochs})")
        return self


NET_SPACE: dict[str, Search] = {
    "learning_rate": SearchRange(low=1e-4, high=1e-2, log=True),
    "weight_decay": SearchRange(low=1e-5, high=1e-1, log=True),
    "dropout": SearchRange(low=0.0, high=0.5),
}
"""What tuning of every net chooses from."""
