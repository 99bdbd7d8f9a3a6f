"""The questions that are put to CoinGecko, each within the length whose answer is fine enough.

How fine an answer is follows from how much is asked for (docs.coingecko.com, read in November 2026):

- `ohlc` by days: 1 to 2 are answered in candles of 30 minutes, 3 to 30 of 4 hours, more of 4 days. Candles are stamped by their close.
- `ohlc/range`, of paid plans: candles of a day, 180 at once, from 9 February 2018 on.
- `market_chart/range`: a day up to now is answered in steps of 5 minutes, 2 to 90 days in hours, more in days.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from ats_assets.errors import SourceError
from ats_assets.settings import Settings
from ats_assets.sources.adapters.coingecko.coingecko_settings import CoinGeckoSettings
from ats_assets.vendors.answer import Answer
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.credentials import VendorKeys
from ats_assets.vendors.errors import VendorRefusedError
from ats_assets.vendors.http import VendorHttp, key_header
from ats_assets.vendors.open_vendor import open_vendor
from ats_assets.vendors.vendor_limits import VendorLimits

CANDLE_DAYS: Final = 30
"""Days of a request where candles are of 4 hours: always the same, so that a session is made of the same candles whatever is asked for with it."""
_DAILY_AT_ONCE: Final = 180
_HOURLY_AT_ONCE: Final = 88
_DAY_SECONDS: Final = 86_400
_SERVERS: Final = {"pro": "https://pro-api.coingecko.com/api/v3"}
_SERVER: Final = "https://api.coingecko.com/api/v3"
_KEYS: Final = {"demo": ("COINGECKO_DEMO_API_KEY", "x-cg-demo-api-key"), "pro": ("COINGECKO_PRO_API_KEY", "x-cg-pro-api-key")}
_PER_MINUTE: Final = {"keyless": 5, "demo": 30, "pro": 250}
_WRONG_PLAN: Final = ("10010", "10011")
Rows = list[list[float | None]]


class Gecko:
    """See the module's text.

    Parameters
    ----------
    keys
        Those that it is asked with; None: none.
    """

    def __init__(self, http: VendorHttp, keys: VendorKeys | None = None) -> None:
        self._http = http
        self._keys = keys

    @property
    def key_said(self) -> str:
        """Whether there is a key, and in which variable; never what it is."""
        if self._keys is None:
            return "key: none is sent"
        return "; ".join(f"key: {name} is {'set' if there else 'NOT SET'}" for name, there in self._keys.which_are_set().items())

    def coins(self) -> list[dict[str, str]]:
        """Every coin: id, symbol, name. A day old at most."""
        return self._get("/coins/list", {}, _coins, ttl_seconds=_DAY_SECONDS)

    def recent_candles(self, coin: str, currency: str) -> Rows:
        """The candles of 4 hours of the last 30 days: close time (milliseconds), open, high, low, close."""
        return self._get(f"/coins/{coin}/ohlc", {"vs_currency": currency, "days": CANDLE_DAYS}, _candles)

    def daily_candles(self, coin: str, currency: str, sessions: Sequence[date]) -> Rows:
        """Of paid plans: the candles of a day of ascending sessions, and of days between them."""
        found: Rows = []
        for part in _parts(sessions, _DAILY_AT_ONCE):
            # stamped by the close, which is the midnight after
            asked = {"vs_currency": currency, "from": str(part[0]), "to": f"{part[-1] + timedelta(days=1)}T00:01", "interval": "daily"}
            found += self._get(f"/coins/{coin}/ohlc/range", asked, _candles)
        return found

    def hourly(self, coin: str, currency: str, sessions: Sequence[date]) -> dict[str, Rows]:
        """`prices`, `market_caps` and `total_volumes` (of the 24 hours before), about one an hour, each with its time in milliseconds."""
        found: dict[str, Rows] = {"prices": [], "market_caps": [], "total_volumes": []}
        for part in _parts(sessions, _HOURLY_AT_ONCE):
            first = midnight(part[0]) // 1000 - _DAY_SECONDS  # two days at least: one is answered in other steps
            asked = {"vs_currency": currency, "from": first, "to": midnight(part[-1]) // 1000 + _DAY_SECONDS}
            answer = self._get(f"/coins/{coin}/market_chart/range", asked, _chart)
            for name, rows in found.items():
                known = {row[0] for row in rows}
                rows += [row for row in answer[name] if row[0] not in known]
        return found

    def _get(self, path: str, parameters: dict[str, Any], wrong: Any, *, ttl_seconds: float | None = None) -> Any:
        def judge(answer: Answer) -> str | None:
            said = wrong(answer.body)
            return f"the answer {said}" if said else None

        try:
            return self._http.get(path, parameters, is_whole=judge, ttl_seconds=ttl_seconds).body
        except VendorRefusedError as error:
            if any(code in error.reason for code in _WRONG_PLAN):
                text = f"{error}: the key is of another plan, which has another server: set source.coingecko.plan to demo or pro"
                raise error.worded(text) from None
            raise


def open_gecko(own: CoinGeckoSettings, settings: Settings, *, backoff: Backoff | None = None) -> Gecko:
    """CoinGecko over what all processes share, with the key of the plan."""
    base = own.base_url or _SERVERS.get(own.plan, _SERVER)
    limits = VendorLimits.per_minute(_PER_MINUTE[own.plan])
    if own.plan == "keyless":
        return Gecko(open_vendor(settings, "coingecko", base, None, limits, backoff=backoff))
    variable, header = _KEYS[own.plan]
    why = 'A demo key is free (www.coingecko.com/en/api); without one set source.coingecko.plan = "keyless"'
    keys = VendorKeys(variable, why=why)
    return Gecko(open_vendor(settings, "coingecko", base, keys, limits, put_key=key_header(header), backoff=backoff), keys)


def midnight(day: date) -> int:
    """In UTC, in milliseconds since 1970."""
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1000


def _parts(sessions: Sequence[date], length: int) -> list[list[date]]:
    """Ascending sessions in stretches of so many days at most."""
    found: list[list[date]] = []
    for day in sessions:
        if found and (day - found[-1][0]).days < length:
            found[-1].append(day)
        else:
            found.append([day])
    return found


def _lacks(fine: object, said: str) -> str | None:
    return None if fine else said


def _coins(body: Any) -> str | None:
    return _lacks(isinstance(body, list) and all("id" in coin and "symbol" in coin for coin in body), "is no list of coins")


def _candles(body: Any) -> str | None:
    fine = isinstance(body, list) and all(isinstance(row, list) and len(row) == 5 and isinstance(row[0], int | float) for row in body)
    return _lacks(fine, "is no list of candles")


def _chart(body: Any) -> str | None:
    names = ("prices", "market_caps", "total_volumes")
    fine = isinstance(body, dict) and all(isinstance(body.get(name), list) for name in names)
    if not fine:
        return "has no prices, market_caps and total_volumes"
    counts = {len(body[name]) for name in names}
    return _lacks(len(counts) == 1, f"has {' and '.join(map(str, sorted(counts)))} points of what it should have as many of")


def require_symbols(own: CoinGeckoSettings) -> None:
    """Refuse settings without coins.

    Raises
    ------
    SourceError
        Saying what to set.
    """
    if not own.symbols:
        raise SourceError('source.coingecko.symbols is empty: name coins and a currency, such as ["BTC/USD", "ETH/USD"]')
