"""`ats orders watch` in a process of its own, against the double."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ats_assets.brokers.alpaca.broker import AlpacaBroker
from ats_assets.execution.executor import Executor
from ats_assets.settings import Settings
from ats_assets.trade_state import TradeState
from ats_assets.vendors.alpaca import read_credentials
from ats_assets_tests.alpaca_double import KEY_ID, SECRET_KEY, AlpacaDouble, Point, Reference, TradeUpdatesDouble
from ats_assets_tests.alpaca_double.trading import Trading
from ats_assets_tests.cli.market import ROOT, ats, environment, make_home
from ats_assets_tests.ending_with_tests import ends_with_tests
from ats_assets_tests.execution.exchange import TestClock, intent

EVENING = datetime(2024, 3, 2, 0, 30, tzinfo=UTC)
OPEN = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
KEYS = {"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY}


@pytest.fixture
def trading() -> Iterator[tuple[AlpacaDouble, Trading, TradeUpdatesDouble]]:
    reference = Reference()
    reference.add_asset("AAA")
    desk = Trading(reference)
    desk.prices = {"AAA": Decimal(10)}
    with AlpacaDouble([reference, desk], now=EVENING) as double, TradeUpdatesDouble(double, desk) as stream:
        yield double, desk, stream


def changes(double: AlpacaDouble, stream: TradeUpdatesDouble, home: Path) -> dict[str, str]:
    return KEYS | {
        "ATS_ORDERS__BROKER": "alpaca",
        "ATS_ALPACA__TRADING_URL": double.url,
        "ATS_ALPACA__STREAM_URL": stream.url,
        "DB_CONNECTION_STR": f"sqlite:///{home / 'state.sqlite'}",
    }


def test_the_paper_broker_has_nothing_to_watch(tmp_path: Path) -> None:
    done = ats(make_home(tmp_path), "orders", "watch")
    assert done.returncode == 0
    assert "nothing to watch" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_of_fills_until_it_is_stopped(
    tmp_path: Path, trading: tuple[AlpacaDouble, Trading, TradeUpdatesDouble], number: signal.Signals
) -> None:
    (double, desk, stream), home = trading, make_home(tmp_path)
    told = changes(double, stream, home)
    settings = Settings(alpaca={"trading_url": double.url})  # pyright: ignore[reportArgumentType]
    clock = TestClock(EVENING)
    with TradeState(told["DB_CONNECTION_STR"]) as state:
        broker = AlpacaBroker(settings, read_credentials(KEYS), alert=lambda _: None, now=clock.now)
        Executor(broker, state, settings.orders, alert=lambda _: None, clock=clock).execute(date(2024, 3, 1), [intent("AAA")])
    double.now = OPEN
    command = [sys.executable, "-m", "ats_assets.cli", "orders", "watch"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(home, **told), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        ends_with_tests(process)
        stream.reached(Point.LISTENING, seconds=120)
        with double.lock:
            desk.fill(intent("AAA").client_order_id, Decimal(10), Decimal("10.07"), OPEN)
        lines = []
        for line in process.stderr or ():
            lines.append(line)
            if "buy 10 AAA at 10.07" in line:
                break
        process.send_signal(number)
        out, rest = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "the account was reconciled" in rest
    assert "info: buy 10 AAA at 10.07" in lines[-1]
    for key in KEYS.values():
        assert key not in out + rest + "".join(lines)


def test_wrong_keys(tmp_path: Path, trading: tuple[AlpacaDouble, Trading, TradeUpdatesDouble]) -> None:
    (double, _, stream), home = trading, make_home(tmp_path)
    done = ats(home, "orders", "watch", **changes(double, stream, home) | {"APCA_API_SECRET_KEY": "wRoNg0000sEcReT"})
    assert done.returncode == 1
    assert "APCA_API_KEY_ID and APCA_API_SECRET_KEY are" in done.stderr
    assert "Traceback" not in done.stderr
    for key in (KEY_ID, SECRET_KEY, "wRoNg0000sEcReT"):
        assert key not in done.stdout + done.stderr
