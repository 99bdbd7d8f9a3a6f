"""One exchange: ccxt's class of it, whose requests go through `VendorHttp`.

1. ccxt makes the address of a question (`sign`) and weighs it; `fetch`, where it would send it, is ours.
2. The share of the exchange's budget is taken in milliseconds: ccxt says how far apart two requests of weight 1 must be.
3. The answer is read, repeated and logged as any vendor's. An error that an exchange puts into an answer with status 200 is found by ccxt: a passing one is asked again.
4. Where it is known what else is in a candle, the volume-weighted average price is made of it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

from ats_assets.errors import SourceError
from ats_assets.settings import Settings
from ats_assets.vendors.answer import Answer
from ats_assets.vendors.ccxt.exchange_settings import ExchangeSettings
from ats_assets.vendors.ccxt.library import exchange_class
from ats_assets.vendors.errors import VendorError, VendorPagesError, VendorRefusedError
from ats_assets.vendors.http import VendorHttp
from ats_assets.vendors.open_vendor import open_vendor
from ats_assets.vendors.vendor_limits import Limit, VendorLimits

_WINDOW_SECONDS: Final = 10
"""Requests may come in a burst of so many seconds' worth."""
EXCHANGE_LIMITS: Final = VendorLimits((Limit(1000 * _WINDOW_SECONDS, _WINDOW_SECONDS),))
"""In milliseconds of the time that requests must be apart."""
_SPOT_ONLY: Final = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
_QUOTE_VOLUME: Final = {"binance": 7, "binanceus": 7}
_AVERAGE: Final = {"kraken": 5}
"""Where a candle of an exchange has its volume in the quote currency, or its average price."""
WITH_VWAP: Final = frozenset({*_QUOTE_VOLUME, *_AVERAGE})
_HARMLESS: Final = frozenset({"content-type", "accept", "user-agent"})


class Exchange:
    """A spot exchange. Opening it asks nothing.

    Parameters
    ----------
    server
        A client of the server at an address.
    weighs
        Whether a request takes its milliseconds of the budget; else it takes one, where the settings count requests.
    """

    def __init__(self, own: ExchangeSettings, server: Callable[[str], VendorHttp], *, weighs: bool = True) -> None:
        self.id = own.exchange
        self._own = own
        self._opened = server
        self._weighs = weighs
        self._servers: dict[str, VendorHttp] = {}

    @cached_property
    def library(self) -> Any:
        """Ccxt's object; its markets are asked for at their first use."""
        kind: Any = type(f"Ours{self.id}", (_Ours, exchange_class(self.id)), {"ours_answer": staticmethod(self._answer)})
        made = kind({"enableRateLimit": True, "options": dict(_SPOT_ONLY)})
        if not made.has.get("spot", True):
            raise SourceError(f"{self.id} has no spot market: choose another exchange")
        return made

    @property
    def page_limit(self) -> int:
        """How many candles one page has at most."""
        spot = (self.library.features or {}).get("spot") or {}
        return int((spot.get("fetchOHLCV") or {}).get("limit") or 100)

    def now(self) -> datetime | None:
        """The exchange's clock, in UTC; None where it tells none."""
        if not self.library.has.get("fetchTime"):
            return None
        found = self.asked(self.library.fetch_time)
        return datetime.fromtimestamp(found / 1000, UTC) if found else None

    def require(self, symbols: list[str]) -> None:
        """Refuse pairs that the exchange does not list.

        Raises
        ------
        SourceError
            Naming them, and pairs that it has of the same coin.
        """
        markets: Mapping[str, Mapping[str, Any]] = self.asked(self.library.load_markets)
        unknown = [symbol for symbol in symbols if not (markets.get(symbol) or {}).get("spot")]
        if unknown:
            bases = {symbol.split("/")[0] for symbol in unknown}
            offered = sorted(name for name, market in markets.items() if market.get("spot") and market.get("base") in bases)
            has = f" (it has {', '.join(offered[:8])})" if offered else ""
            raise SourceError(
                f"{self.id} lists no spot pair {', '.join(unknown)}: correct symbols{has}; what was delisted is in no list of an exchange, but may be in its dumps"
            )

    def asked(self, question: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """What a method of ccxt answers, its errors as ours.

        Raises
        ------
        VendorError
            What the request failed of, or what the exchange said in its answer.
        """
        from ccxt.base.errors import BaseError  # noqa: PLC0415

        try:
            return question(*given, **named)
        except BaseError as error:
            raise VendorRefusedError(
                f"{self.id}: {type(error).__name__}: {str(error)[:300]}", status=200, reason=str(error)[:300]
            ) from None
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise VendorError(
                f"{self.id}: ccxt can't read the answer ({type(error).__name__}: {str(error)[:200]}): the exchange changed its format, or this is another server. Look for a "
                "newer ccxt"
            ) from error

    def _answer(
        self, url: str, method: str, headers: Mapping[str, str] | None, weight: float, judge: Callable[[Answer], str | None]
    ) -> Answer:
        parts = urlsplit(url)
        own = {name for name in headers or {} if name.lower() not in _HARMLESS}
        if method != "GET" or own:
            how = f"{method} with {', '.join(sorted(own))}" if own else method
            raise VendorError(f"{self.id}: {parts.path} is asked by {how}, but only public GETs are sent: choose another exchange")
        base = self._own.base_url or f"{parts.scheme}://{parts.netloc}"
        if base not in self._servers:
            self._servers[base] = self._opened(base)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        units = min(max(1, round(weight)), 1000 * _WINDOW_SECONDS) if self._weighs else 1
        try:
            return self._servers[base].get(path, weight=units, form="bytes", is_whole=judge)
        except VendorRefusedError as error:
            if error.status == 451 and self.id == "binance":
                text = f'{error}: Binance does not serve this place; its server for market data alone may: base_url = "https://data-api.binance.vision"'
                raise error.worded(text) from None
            raise


def open_exchange(own: ExchangeSettings, settings: Settings) -> Exchange:
    """The exchange over what all processes of a deployment share: `[vendors.<exchange>]` says how it is asked."""
    chosen = settings.vendors.of(own.exchange)
    counted = bool(chosen.requests_per_minute or chosen.requests_per_second)
    limits = VendorLimits() if counted else EXCHANGE_LIMITS
    return Exchange(own, lambda base: open_vendor(settings, own.exchange, base, None, limits), weighs=not counted)


class _Ours:
    """What is laid over ccxt's class of an exchange: its requests go elsewhere, its answers are looked at before they count."""

    ours_answer: Callable[..., Answer]
    ours_weight = 1.0
    ours_read: tuple[bytes, Any] = (b"", None)

    def throttle(self: Any, cost: float | None = None) -> None:
        """Only remembers the weight: the wait is where all processes see it."""
        self.ours_weight = float(self.rateLimit) * (1.0 if cost is None else float(cost))

    def fetch(self: Any, url: str, method: str = "GET", headers: Any = None, _body: Any = None) -> Any:
        """What ccxt's own would give: the answer as JSON says it."""
        found = self.ours_answer(url, method, headers, self.ours_weight, lambda answer: self.ours_doubts(answer, url, method))
        self.ours_errors(found, url, method)
        return self.ours_json(found)

    def ours_doubts(self: Any, found: Answer, url: str, method: str) -> str | None:
        """Why an answer should be asked for again: it is no JSON, or says that the exchange is busy. What else it refuses is told by `fetch`, where ccxt expects it."""
        from ccxt.base.errors import BaseError, OperationFailed  # noqa: PLC0415

        try:
            self.ours_errors(found, url, method)
        except OperationFailed as error:
            return f"{type(error).__name__}: {str(error)[:200]}"
        except BaseError:
            return None
        return None if self.ours_json(found) is not None else f"the answer ({found.status}, {len(found.content)} bytes) is not JSON"

    def ours_json(self: Any, found: Answer) -> Any:
        """The answer as ccxt reads it, once: a list of all markets is megabytes."""
        if self.ours_read[0] is not found.content:
            self.ours_read = (found.content, self.parse_json(found.content.decode(errors="replace")))
        return self.ours_read[1]

    def ours_errors(self: Any, found: Answer, url: str, method: str) -> None:
        """Raise what ccxt finds to be an error in it."""
        text = found.content.decode(errors="replace")
        self.handle_errors(found.status, "", url, method, dict(found.headers), text, self.ours_json(found), {}, None)

    def parse_ohlcvs(self: Any, ohlcvs: Any, market: Any = None, timeframe: str = "1m", since: Any = None, *more: Any, **named: Any) -> Any:
        """As ccxt's own, which drops what is older than asked for: a page that came before would look like days without candles.

        Raises
        ------
        VendorPagesError
            If all that came is older.
        """
        if ohlcvs and since is not None and all((self.parse_ohlcv(row, market)[0] or since) < since for row in ohlcvs):
            raise VendorPagesError(
                f"{self.id}: asked for candles from {since} on, it answers {len(ohlcvs)} older ones: a page came twice. Ask again later"
            )
        return super().parse_ohlcvs(ohlcvs, market, timeframe, since, *more, **named)  # pyright: ignore[reportAttributeAccessIssue]

    def parse_ohlcv(self: Any, ohlcv: Any, market: Any = None) -> list[Any]:
        """Time, open, high, low, close, volume as ccxt has them, and the average price where it is known."""
        return [*super().parse_ohlcv(ohlcv, market)[:6], _average(self, ohlcv)]  # pyright: ignore[reportAttributeAccessIssue]


def _average(exchange: Any, ohlcv: Any) -> float | None:
    found = None
    if (place := _AVERAGE.get(exchange.id)) is not None:
        found = exchange.safe_number(ohlcv, place)
    elif (place := _QUOTE_VOLUME.get(exchange.id)) is not None:
        quote, volume = exchange.safe_number(ohlcv, place), exchange.safe_number(ohlcv, 5)
        found = quote / volume if quote and volume else None
    return found or None
