"""Where warehouse, models and the data of the instance lie."""

from pathlib import Path

from pydantic import Field

from ats_assets.settings.section import Section


class StorageSettings(Section):
    """Where the artefacts lie. Relative paths are relative to the folder of the settings file.

    Unless they are set, the warehouse and the models lie in a folder of the source's kind (`warehouse/synthetic`), so that a trial on the synthetic
    market and real data never make one history. With `graph.prefix` all three lie in a folder of that name: `warehouse/crypto/alpaca`, `data/crypto`.
    """

    warehouse: Path = Field(default=Path("warehouse"), description="default: warehouse/<source.kind>")
    models: Path = Field(default=Path("models"), description="default: models/<source.kind>")
    data: Path = Field(default=Path("data"), description="instance, MLflow, reports, Data Docs")
    compression_level: int = Field(default=1, ge=1, le=22, description="of zstd")
    fsync: bool = Field(default=True, description="off only where a lost power supply may cost the newest files")
