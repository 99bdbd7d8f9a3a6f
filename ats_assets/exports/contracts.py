"""The contract of an export's partitions."""

from datetime import date
from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig


class ExportReceipts(pa.DataFrameModel):
    """Which versions of its assets an export takes of a session. Sorted as the settings name them."""

    session: date = pa.Field(description="the session")
    asset: str = pa.Field(description="what is exported")
    rows: pl.UInt32 = pa.Field(description="of the version that the session's own partition reads")
    data_version: str = pa.Field(description="SHA-256 of these rows")
    code_version: str = pa.Field(description="of the code that made them; empty for what was delivered by earlier versions")
    model_version: str = pa.Field(description="the models behind them, each with the SHA-256 of its file; empty without any")
    known_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(description="from when they were known")
    vintages: pl.UInt32 = pa.Field(
        description="vintages that the warehouse has of the session, beside which it is one; 0 for what keeps none"
    )

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "asset"]  # noqa: RUF012
