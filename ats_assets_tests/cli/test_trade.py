"""`ats trade` through a closing that no calendar had: known before the command, and found while it runs; at Alpaca and on paper."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from typer.testing import Result

from ats_assets.calendar import session_calendar
from ats_assets.deployment import Deployment
from ats_assets.execution.clock import SystemClock
from ats_assets.runs.runner import Runner
from ats_assets.settings import CalendarSettings, load_settings
from ats_assets.storage.stored_calendar import CalendarStore
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.alpaca_double import KEY_ID, SECRET_KEY, AlpacaDouble, Reference, Request, Response, serving
from ats_assets_tests.alpaca_double.trading import Trading
from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import make_home

XNYS = session_calendar("XNYS", date(2020, 10, 1))
BEFORE, MOURNING, AFTER = XNYS.sessions(date(2021, 3, 22), date(2021, 3, 24))
KEYS = {"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY}
Made = tuple[Path, CompletedProcess[str]]


def evening(day: date) -> datetime:
    return XNYS.closes_at(day) + timedelta(hours=4, minutes=30)


@pytest.fixture
def home(made: Made, tmp_path: Path) -> Path:
    """A copy of the finished run, with signals of all days, the day of mourning among them."""
    home = make_home(tmp_path / "home")
    for name in ("warehouse", "models"):
        shutil.copytree(made[0] / name, home / name)
    return home


def warehouse(home: Path) -> Warehouse:
    return Warehouse(home / "warehouse" / "synthetic")


def traded(home: Path) -> list[date]:
    return warehouse(home).stored_sessions("orders")


def is_session(home: Path, day: date) -> bool:
    return CalendarStore(warehouse(home), CalendarSettings(first_session=date(2020, 10, 1))).open().is_session(day)


class Announced(Reference):
    """Alpaca's calendar, which learns of the day of mourning after so many questions."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.asked = -after

    def _days(self, request: Request) -> Response:
        if self.asked >= 0:
            self.closed.add(MOURNING)
        self.asked += 1
        return super()._days(request)


class Exchange:
    """Alpaca with the symbols of the market, at the clock of which the machine is, too."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reference = Announced(after=1_000)
        for symbol in warehouse(home).read("bars", [BEFORE])["symbol"].unique():
            self.reference.add_asset(symbol)
        self.desk = Trading(self.reference)
        prices = warehouse(home).read("bars", [BEFORE], ["symbol", "close"])
        self.desk.prices = {symbol: Decimal(str(round(close, 2))) for symbol, close in prices.iter_rows()}
        self.double: AlpacaDouble
        monkeypatch.setattr(SystemClock, "now", lambda _: self.double.now)
        monkeypatch.setattr(SystemClock, "sleep", lambda _, seconds: None)

    def changes(self) -> dict[str, str]:
        return KEYS | {"ATS_ORDERS__BROKER": "alpaca", "ATS_ALPACA__TRADING_URL": self.double.url}

    def opens(self, day: date) -> None:
        self.double.now = XNYS.opens_at(day)
        self.desk.auction(self.desk.prices, self.double.now)


@pytest.fixture
def exchange(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exchange]:
    made = Exchange(home, monkeypatch)
    with serving(made.reference, made.desk, now=evening(BEFORE)) as made.double:
        yield made


def shown(run: Result) -> str:
    return f"{run.stdout}\n{run.stderr}\n{run.exception!r}"


def the_night_before(command: Command, exchange: Exchange, home: Path) -> None:
    """Orders are sent that will be filled at the next open, whichever day that is; nobody knows of a closing."""
    run = command("trade", "--from", str(BEFORE), "--to", str(BEFORE), home=home, **exchange.changes())
    assert run.exit_code == 0, shown(run)
    assert len(exchange.desk.orders) > 1
    assert traded(home) == [BEFORE]


def check_that_trading_has_gone_past(home: Path, exchange: Exchange, n_sent: int) -> None:
    assert traded(home) == [BEFORE, AFTER]
    assert not is_session(home, MOURNING)
    assert not warehouse(home).exists("account", MOURNING)
    fills, account = warehouse(home).read("fills", [AFTER]), warehouse(home).read("account", [AFTER])
    assert (fills.height, account["differences"].null_count()) == (n_sent, 1)
    assert set(warehouse(home).read("orders", [AFTER])["state"]) <= {"accepted"}
    names = [order["client_order_id"] for order in exchange.desk.orders.values()]
    assert len(names) == len(set(names)) > n_sent
    assert exchange.desk.refused == []


def test_at_alpaca_a_closing_that_is_known_before_the_command_is_asked_for_whatever_the_source_is(
    command: Command, home: Path, exchange: Exchange
) -> None:
    """The source has no rows of the day: the command ended with the advice to set `calendar.closed`."""
    the_night_before(command, exchange, home)
    n_sent = len(exchange.desk.orders)
    shutil.rmtree(warehouse(home).folder("targets", MOURNING))
    exchange.reference.closed.add(MOURNING)
    exchange.opens(AFTER)
    exchange.double.now = evening(AFTER)
    run = command("trade", "--to", str(AFTER), home=home, **exchange.changes())
    assert run.exit_code == 0, shown(run)
    assert f"calendar changed: {MOURNING} is no session any more (by the broker" in run.stderr
    check_that_trading_has_gone_past(home, exchange, n_sent)


def test_at_alpaca_a_closing_that_is_found_in_mid_run_is_gone_past(command: Command, home: Path, exchange: Exchange) -> None:
    """The source has rows of the day, as vendors do. The calendar says at the start that it is a session, and when it is settled that it is none."""
    the_night_before(command, exchange, home)
    n_sent = len(exchange.desk.orders)
    exchange.opens(AFTER)
    exchange.double.now = evening(AFTER)
    exchange.reference.asked = -1
    run = command("trade", "--to", str(AFTER), home=home, **exchange.changes())
    assert run.exit_code == 0, shown(run)
    assert f"session {MOURNING} is not settled: Alpaca's calendar has no session {MOURNING}" in run.stderr
    assert "trading continues with the new one" in run.stderr
    check_that_trading_has_gone_past(home, exchange, n_sent)


def test_on_paper_a_closing_found_in_mid_run_comes_to_what_one_known_before_does(
    command: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process stores it after the first session: the command had gone on with the sessions that it had begun with."""
    other = tmp_path / "other"
    shutil.copytree(home, other)
    days = ("--from", str(BEFORE), "--to", str(AFTER))
    known = command("trade", *days, home=home, ATS_CALENDAR__CLOSED=f'["{MOURNING}"]')
    assert known.exit_code == 0, shown(known)

    class Overtaken(Runner):
        def run(self, *given: Any) -> None:
            super().run(*given)
            Deployment(load_settings()).calendar_store.close(MOURNING, datetime.now(UTC))

    monkeypatch.setattr(import_module("ats_assets.runs.trade_sessions"), "Runner", Overtaken)
    found = command("trade", *days, home=other)
    assert found.exit_code == 0, shown(found)
    assert "trading continues with the new one" in found.stderr
    assert traded(home) == traded(other) == [BEFORE, AFTER]
    for asset in ("fills", "account", "positions", "orders"):
        one, two = (warehouse(place).read(asset, [BEFORE, AFTER]) for place in (home, other))
        assert one.equals(two), asset
    assert not warehouse(home).read("fills", [AFTER]).is_empty()
    assert warehouse(home).read("fills", [AFTER])["session"].unique().to_list() == [AFTER]
    assert [line[:10] for line in found.stdout.splitlines() if line.startswith("2021")] == [str(day) for day in traded(other)]
    _check_status(command, home)
    report = command("orders", "report", home=home)
    page = Path(report.stdout.strip()).read_text(encoding="utf-8")
    held = warehouse(home).read("positions", [AFTER])
    assert not held.is_empty()
    assert all(f">{symbol}</td>" in page for symbol in held["symbol"])
    assert "Over the 2 sessions that both have: account" in page
    symbol = warehouse(home).read("orders", [BEFORE])["symbol"][0]
    explained = command("explain", symbol, str(BEFORE), "--order", home=home)
    assert explained.exit_code == 0, shown(explained)
    assert f"main-{BEFORE:%Y%m%d}-{symbol}-" in explained.stdout


def _check_status(command: Command, home: Path) -> None:
    """Positions and cash are the equity, and what the positions brought since the close before is what the account did."""
    told = json.loads(command("orders", "status", "--json", home=home).stdout)
    held = [row for row in told["positions"] if row["quantity"]]
    assert held
    assert told["total"]["value"] == pytest.approx(sum(row["quantity"] * row["price"] for row in held), abs=0.05)
    assert told["total"]["value"] + told["cash"] == pytest.approx(told["equity"], abs=0.05)
    assert told["total"]["unrealised"] == pytest.approx(told["total"]["value"] - sum(row["cost"] for row in held), abs=0.05)
    assert told["total"]["session_profit"] == pytest.approx(told["session_profit"], abs=0.05)
    shown = command("orders", "status", home=home).stdout
    assert f"equity         {told['equity']:,.2f}" in shown
    assert f"{told['total']['value']:,.2f}" in shown
