"""What is asked of CoinGecko."""

from datetime import date
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from ats_assets.settings import Section


class CoinGeckoSettings(Section):
    """Coins of CoinGecko. The key is read from COINGECKO_DEMO_API_KEY or COINGECKO_PRO_API_KEY, by the plan."""

    plan: Literal["keyless", "demo", "pro"] = Field(default="demo", description="pro: any paid plan; keyless: a few requests a minute")
    symbols: tuple[str, ...] = Field(default=(), description='coin and currency: ["BTC/USD", "ETH/USD"]')
    ids: dict[str, str] = Field(
        default_factory=dict, description='coin -> CoinGecko\'s id of it, where several coins have its ticker: { BTC = "bitcoin" }'
    )
    first_session: date = Field(default=date(2018, 2, 10), description="history starts here")
    bars_from: Literal["ohlc", "prices"] = Field(
        default="ohlc",
        description="ohlc: candles, of the last 29 days without a paid plan; prices: an hourly price each, a year without one, whose highs and lows are those of 24 prices",
    )
    collect: tuple[Literal["market_caps"], ...] = Field(default=(), description="assets beside the daily bars, of the same coins")
    base_url: str | None = Field(default=None, description="another server than CoinGecko's, on this machine only: http://127.0.0.1:8080")

    @field_validator("base_url")
    @classmethod
    def _is_local(cls, url: str | None) -> str | None:
        if url and urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError(f"base_url is {url}: only a server on this machine may stand in for CoinGecko's, since it is shown the key")
        return url

    @field_validator("symbols")
    @classmethod
    def _are_pairs(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        odd = [symbol for symbol in symbols if symbol.count("/") != 1 or symbol != symbol.upper().strip() or "" in symbol.split("/")]
        if odd:
            raise ValueError(f"symbols has {', '.join(map(repr, odd))}: write coin and currency as BTC/USD")
        return symbols
