"""The trading side's reference data, which the data half needs too: clock, calendar, assets. Orders, positions and the account are another desk's."""

import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ats_assets.calendar import session_calendar
from ats_assets_tests.alpaca_double.wire import NEW_YORK, Refusal, Request, Response, Route

FIRST = date(2005, 1, 3)


_PAIR = {"min_order_size": "0.000000001", "min_trade_increment": "0.000000001", "price_increment": "0.000000001"}
"""What an asset of class crypto has beside the rest, as text."""


class Reference:
    """Clock, calendar and assets. `assets` is symbol -> the asset as on the wire; other desks may read it (tradable, fractionable, shortable …).

    The sessions are those of XNYS, but `closed` and `early` may change them, as a day of mourning or a storm does.
    """

    name = "reference"

    def __init__(self) -> None:
        self.assets: dict[str, dict[str, Any]] = {}
        self.closed: set[date] = set()
        self.early: dict[date, str] = {}
        self._calendar = session_calendar("XNYS", FIRST)

    def add_asset(self, symbol: str, **fields: Any) -> None:
        """An asset, active and tradable unless `fields` say otherwise (status="inactive" for a delisted one)."""
        self.assets[symbol] = (
            {
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, symbol)),
                "class": "crypto" if "/" in symbol else "us_equity",
                "exchange": "CRYPTO" if "/" in symbol else "NASDAQ",
                "symbol": symbol,
                "name": f"{symbol} Common Stock",
                "status": "active",
                "tradable": True,
                "marginable": True,
                "maintenance_margin_requirement": 30,
                "shortable": True,
                "easy_to_borrow": True,
                "fractionable": True,
                "attributes": [],
            }
            | (_PAIR if "/" in symbol else {})
            | fields
        )

    def routes(self) -> list[Route]:
        """As in Alpaca's reference of the Trading API."""
        return [
            Route(method="GET", pattern=r"/v2/clock", handle=self._clock),
            Route(method="GET", pattern=r"/v2/calendar", handle=self._days),
            Route(method="GET", pattern=r"/v2/assets", handle=self._all_assets),
            Route(method="GET", pattern=r"/v2/assets/(?P<symbol>.+)", handle=self._asset),
        ]

    def control(self, what: str, body: Mapping[str, Any]) -> Any:
        """Fill it from another process: add_asset, close."""
        if what == "add_asset":
            self.add_asset(**body)
        elif what == "close":
            self.closed.add(date.fromisoformat(body["day"]))
        else:
            raise KeyError(what)
        return "ok"

    def hours(self, day: date) -> tuple[datetime, datetime] | None:
        """Open and close of a day; None where there is no session."""
        if day in self.closed or not self._calendar.is_session(day):
            return None
        close = self._calendar.closes_at(day)
        if day in self.early:
            close = datetime.combine(day, time.fromisoformat(self.early[day]), NEW_YORK)
        return self._calendar.opens_at(day).astimezone(NEW_YORK), close.astimezone(NEW_YORK)

    def is_open(self, now: datetime) -> bool:
        """Whether the market is open."""
        hours = self.hours(now.astimezone(NEW_YORK).date())
        return hours is not None and hours[0] <= now < hours[1]

    def _clock(self, request: Request) -> Response:
        now = request.now.astimezone(NEW_YORK)
        ahead = [hours for i in range(15) if (hours := self.hours(now.date() + timedelta(days=i)))]
        return Response(
            body={
                "timestamp": now.isoformat(),
                "is_open": self.is_open(now),
                "next_open": next(opens for opens, _ in ahead if opens > now).isoformat(),
                "next_close": next(closes for _, closes in ahead if closes > now).isoformat(),
            }
        )

    def _days(self, request: Request) -> Response:
        first = _day(request.query.get("start", "2005-01-03"))
        last = _day(request.query.get("end", "2029-12-31"))
        days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
        listed = [
            {
                "date": day.isoformat(),
                "open": f"{hours[0]:%H:%M}",
                "close": f"{hours[1]:%H:%M}",
                "session_open": "0400",
                "session_close": "2000",
                "settlement_date": day.isoformat(),
            }
            for day in days
            if self._calendar.first <= day <= self._calendar.last and (hours := self.hours(day))
        ]
        return Response(body=listed)

    def _all_assets(self, request: Request) -> Response:
        wanted = {key: request.query[name] for name, key in (("status", "status"), ("asset_class", "class")) if request.query.get(name)}
        if wanted.get("status") == "all":
            del wanted["status"]
        chosen = [asset for _, asset in sorted(self.assets.items()) if all(asset[key] == value for key, value in wanted.items())]
        return Response(body=chosen)

    def _asset(self, request: Request) -> Response:
        symbol = request.parts["symbol"].replace("%2F", "/")
        if symbol not in self.assets:
            raise Refusal(404, f"asset not found for {symbol}", 40410000)
        return Response(body=self.assets[symbol])


def _day(text: str) -> date:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).date()
    except ValueError:
        raise Refusal(422, f"invalid date: {text}", 40010001) from None
