"""How Massive (formerly Polygon.io) is reached, by the sources of bars, ticks and options alike."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from ats_assets.settings.section import Section

LOCAL = ("127.0.0.1", "localhost", "::1")


class MassiveSettings(Section):
    """How Massive is reached. Keys come from the environment only: MASSIVE_API_KEY (or POLYGON_API_KEY), and of flat files MASSIVE_S3_ACCESS_KEY_ID and MASSIVE_S3_SECRET_ACCESS_KEY."""

    url: str = Field(default="https://api.massive.com", description="api.polygon.io works too; else a server on this machine only")
    files_url: str = Field(default="https://files.massive.com", description="of flat files; files.polygon.io works too")
    files_bucket: str = Field(default="flatfiles", min_length=1, description="of flat files")
    flat_files: Path | None = Field(
        default=None,
        description="a folder in the layout of the bucket (us_stocks_sip/day_aggs_v1/2024/03/2024-03-07.csv.gz); default: massive_flat_files in storage.data",
    )
    download: bool = Field(
        default=False, description="whether a flat file that is not in the folder is downloaded to it, which needs a plan with flat files"
    )
    delivery: Literal["end_of_day", "delayed", "real_time"] = Field(
        default="end_of_day",
        description="when the plan has a session: end_of_day from midnight in New York on (the free plan, five requests a minute), delayed thirty minutes after its close, real_time fifteen (a hundred a second, unless vendors.massive says otherwise)",
    )

    @model_validator(mode="after")
    def _servers_are_massives_or_local(self) -> "MassiveSettings":
        for name, known in (("url", ("api.massive.com", "api.polygon.io")), ("files_url", ("files.massive.com", "files.polygon.io"))):
            url = urlsplit(getattr(self, name))
            if not (url.hostname in LOCAL or (url.hostname in known and url.scheme == "https")):
                raise ValueError(
                    f"{name} is {getattr(self, name)}: the key is shown to https://{known[0]}, https://{known[1]} or a server on this machine only"
                )
        return self
