"""The columns of what an export says of itself."""

import polars as pl

EXPORTS = "exports"
RECEIPTS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "asset": pl.String,
        "rows": pl.UInt32,
        "data_version": pl.String,
        "code_version": pl.String,
        "model_version": pl.String,
        "known_at": pl.Datetime("us", "UTC"),
        "vintages": pl.UInt32,
    }
)


def export_asset(name: str) -> str:
    """The asset of an export."""
    return f"{name}_export"
