"""How Alpaca is reached, by the source and the broker alike."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from ats_assets.settings.section import Positive, Section


class AlpacaSettings(Section):
    """How Alpaca is reached. The keys come from the environment only: APCA_API_KEY_ID and APCA_API_SECRET_KEY."""

    account: Literal["paper", "live"] = Field(default="paper", description="live trades real money, and only where orders.live says so too")
    data_url: str | None = Field(default=None, description="another server than Alpaca's, on this machine only: http://127.0.0.1:8080")
    trading_url: str | None = Field(default=None, description="likewise")
    stream_url: str | None = Field(default=None, description="likewise: ws://127.0.0.1:8081")
    timeout_seconds: float = Field(default=30.0, gt=0, le=600, description="of one request")
    max_attempts: Positive = Field(
        default=6, description="of a request that changes nothing; an order is never sent again without asking for it first"
    )
    max_wait_seconds: float = Field(default=120.0, gt=0, description="between two attempts, whatever Retry-After says")

    @model_validator(mode="after")
    def _other_servers_are_local(self) -> "AlpacaSettings":
        for name in ("data_url", "trading_url", "stream_url"):
            url = getattr(self, name)
            if url and urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
                raise ValueError(f"{name} is {url}: only a server on this machine may stand in for Alpaca's; unset it to reach Alpaca")
        return self
