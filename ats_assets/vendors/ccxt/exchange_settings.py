"""How an exchange is reached, whatever is asked of it."""

from datetime import date
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from ats_assets.settings import Section


class ExchangeSettings(Section):
    """An exchange by ccxt's id, and its pairs. Public market data alone: no key is needed, and none is read.

    How patiently it is asked, and how much, is said by `[vendors.<exchange>]`.
    """

    exchange: str = Field(default="binance", pattern=r"^[a-z0-9]+$", description="ccxt's id: binance, kraken, coinbase, okx …")
    symbols: tuple[str, ...] = Field(default=(), description='pairs as ccxt writes them, spot: ["BTC/USDT", "ETH/USDT"]')
    first_session: date = Field(default=date(2018, 1, 1), description="history starts here")
    base_url: str | None = Field(
        default=None,
        description="another server with the same paths, such as https://data-api.binance.vision, Binance's for market data alone; or one on this machine",
    )

    @field_validator("base_url")
    @classmethod
    def _is_encrypted_or_local(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "https://api.example")
        local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if not parts.hostname or parts.scheme not in {"https", "http"} or (parts.scheme == "http" and not local):
            raise ValueError(f"base_url is {url}: use https://, or http:// for a server on this machine")
        return url.rstrip("/") if url else None

    @field_validator("symbols")
    @classmethod
    def _are_pairs(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        odd = [symbol for symbol in symbols if symbol.count("/") != 1 or ":" in symbol or symbol != symbol.strip()]
        if odd:
            raise ValueError(
                f"symbols has {', '.join(map(repr, odd))}: write spot pairs as BTC/USDT (what has a colon is a future or swap)"
            )
        return symbols
