"""Charts as pictures: the same for the same data, whatever is missing in it; by the route of the service."""

import io
from datetime import date, timedelta
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from ats_assets.serving.queries.symbol_chart import GAIN, HEIGHT, LOSS, WIDTH, symbol_chart

FIRST = date(2024, 1, 1)
PRICES = ("open", "high", "low", "close")


def bars(number: int, **changes: Any) -> list[dict[str, Any]]:
    """So many, every other one rising."""
    return [
        {
            "session": FIRST + timedelta(days=at),
            "open": 100.0,
            "high": 104.0,
            "low": 96.0,
            "close": 103.0 if at % 2 else 97.0,
            "volume": 1e6,
        }
        | changes
        for at in range(number)
    ]


def colours(picture: bytes) -> dict[str, int]:
    """Colour -> pixels."""
    image = Image.open(io.BytesIO(picture))
    assert image.size == (WIDTH, HEIGHT)
    return {"#{:02x}{:02x}{:02x}".format(*colour[:3]): count for count, colour in image.convert("RGB").getcolors(WIDTH * HEIGHT) or []}


def test_the_same_data_are_the_same_picture() -> None:
    trade = {"of": "traded", "session": FIRST, "side": "buy", "price": 99.0}
    assert symbol_chart("AAA", bars(5), [trade]) == symbol_chart("AAA", bars(5), [trade])
    assert symbol_chart("AAA", bars(5), [trade]) != symbol_chart("AAA", bars(5), [])


@pytest.mark.parametrize("number", [1, 500])
def test_rising_and_falling_sessions_have_their_colours(number: int) -> None:
    found = colours(symbol_chart("AAA", bars(number), []))
    assert found.get(LOSS, 0) > 20
    assert (found.get(GAIN, 0) > 20) is (number > 1)


def test_sessions_without_prices_leave_a_hole_and_no_fault() -> None:
    """A symbol that had no bar, prices that are null, no volume, a price of 0, trades outside of the picture, and a name with marks of a formula."""
    holes = [
        *bars(3),
        *bars(1, session=FIRST + timedelta(days=3), **dict.fromkeys(PRICES)),
        *bars(1, session=FIRST + timedelta(days=4), volume=None),
    ]
    flat = bars(1, session=FIRST + timedelta(days=5), **dict.fromkeys(PRICES, 0.0))
    outside = {"of": "backtest", "session": FIRST - timedelta(days=1), "side": "sell", "price": 1.0}
    assert colours(symbol_chart("A$_{$/USD", [*holes, *flat], [outside]))
    assert colours(symbol_chart("AAA", bars(2, **dict.fromkeys(PRICES)), []))


def test_the_route_answers_a_picture_that_a_caller_may_keep(client: TestClient) -> None:
    answer = client.get("/api/v1/charts/SYN0009.png", params={"sessions": 20, "to": "2021-03-26"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert colours(answer.content)
    again = client.get(
        "/api/v1/charts/SYN0009.png", params={"sessions": 20, "to": "2021-03-26"}, headers={"if-none-match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/v1/charts/SYN0009.png", params={"sessions": 21, "to": "2021-03-26"}).headers["etag"] != answer.headers["etag"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("NOSUCH.png", 404),
        ("BTC/USD.png", 404),
        ("..%2F..%2Fme.png", 404),
        ("SYN0009.png?sessions=501", 422),
        ("SYN0009.png?to=1999-01-01", 404),
    ],
)
def test_what_there_is_no_picture_of_is_a_problem(client: TestClient, path: str, status: int) -> None:
    answer = client.get(f"/api/v1/charts/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
