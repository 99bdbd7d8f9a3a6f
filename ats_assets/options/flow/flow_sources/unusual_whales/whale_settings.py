"""What is asked of Unusual Whales, and how it is reached: `[option_flow.source]`."""

from datetime import date
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from ats_assets.settings import NonNegative, Section

URL = "https://api.unusualwhales.com"


class WhaleFlowSettings(Section):
    """Option flow from Unusual Whales. The token comes from the environment only: UNUSUAL_WHALES_API_TOKEN (or UNUSUAL_WHALES_API_KEY, or UW_TOKEN)."""

    symbols: tuple[str, ...] = Field(min_length=1, description="underlyings: AAPL, SPY")
    kinds: tuple[Literal["flow_alerts", "dark_pool", "greek_exposure"], ...] = Field(
        default=("flow_alerts", "dark_pool", "greek_exposure"), min_length=1, description="what is asked for"
    )
    exposure_by: tuple[Literal["total", "strike", "expiry"], ...] = Field(
        default=("total",),
        min_length=1,
        description="greek exposure of all contracts of an underlying, of each strike, of each expiry: a request each",
    )
    first_session: date = Field(default=date(2024, 1, 2), description="from which on flow is asked for; plans go back differently far")
    min_premium: NonNegative = Field(
        default=0,
        description="US dollars: alerts and trades of less are not asked for; without one a liquid share has a hundred thousand trades a session in dark pools",
    )
    late_minutes: NonNegative = Field(
        default=60,
        description="so long before the close of the session before, trades in dark pools are asked for again, since some are reported late",
    )
    url: str = Field(default=URL, description="another one on this machine only, in tests")

    @field_validator("url")
    @classmethod
    def _is_theirs_or_local(cls, url: str) -> str:
        if url != URL and urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError(f"{url} is neither {URL} nor on this machine: the token is shown to these only")
        return url
