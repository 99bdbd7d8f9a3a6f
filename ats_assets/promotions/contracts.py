"""The contract of `raw_promotions`."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig


class RawPromotions(pa.DataFrameModel):
    """All that persons had decided by the close of the session, in order of time; and last, how many models had been tried by then."""

    session: date = pa.Field(description="session at whose close it was known")
    action: str = pa.Field(isin=["promote", "rollback", "tried"], description="what was decided; tried: no decision, but a count")
    model: str = pa.Field(nullable=True, description="name of the model that is champion from then on; null for a count")
    effective: date = pa.Field(nullable=True, description="first session whose champion follows it; null for a count")
    known_at: pl.Datetime("us", "UTC") = pa.Field(description="when it was decided, or the last of the tries begun")  # pyright: ignore[reportInvalidTypeForm]
    who: str = pa.Field(nullable=True, description="who decided it")
    reason: str = pa.Field(nullable=True, description="why, in that person's words")
    tries: pl.UInt32 = pa.Field(nullable=True, description="different models and ensembles that were fitted, by the ledger of trials")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
