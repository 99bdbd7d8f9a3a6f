"""What is collected beside daily bars, and its contract: one asset a kind. Times are nanoseconds in UTC."""

from dataclasses import dataclass
from typing import Final

import pandera.polars as pa
import polars as pl
from pandera.api.polars.container import DataFrameSchema

from ats_assets.sources.wire_frames import WireColumn

NANOSECONDS: Final = pl.Datetime("ns", "UTC")


@dataclass(frozen=True, kw_only=True)
class Collected:
    """One kind of data.

    Attributes
    ----------
    asset
        The name of its asset.
    stamp
        The column with the time.
    lasts_seconds
        From the stamp until a row is complete.
    columns
        Name, key on the wire, type.
    """

    name: str
    asset: str
    stamp: str
    columns: tuple[WireColumn, ...]
    lasts_seconds: int = 0

    @property
    def schema(self) -> pl.Schema:
        """The columns of the frame, with those that the reader adds."""
        measured = {column.name: NANOSECONDS if column.name == self.stamp else column.dtype for column in self.columns}
        return pl.Schema({"symbol": pl.String, "session": pl.Date, **measured, "defects": pl.String})

    @property
    def contract(self) -> DataFrameSchema:
        """The same as a pandera contract."""
        columns = {name: pa.Column(dtype, nullable=name not in ("symbol", "session")) for name, dtype in self.schema.items()}
        return DataFrameSchema(columns, name=self.name, strict=True, ordered=True)
