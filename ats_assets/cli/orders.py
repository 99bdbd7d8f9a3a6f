"""`ats orders`: the state of trading, and how to resume it after a halt."""

import json
import signal
import sys
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.table import Table

from ats_assets.alerts import Alert, open_alerts
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution import state as intents_state
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.choosing import chosen_broker
from ats_assets.execution.clock import SystemClock
from ats_assets.execution.closings import learn_closings
from ats_assets.execution.context import Timeouts
from ats_assets.execution.kill_switch import KillSwitch
from ats_assets.execution.lease import break_lease as take_lease_away
from ats_assets.execution.names import identities_now
from ats_assets.execution.order import BrokerOrder, ForeignOrder, OrderIntent
from ats_assets.execution.trading import TradingServices, open_trading, session_at
from ats_assets.execution.watching import WakeSignal, WatchIntervals
from ats_assets.execution.watching import watch as keep_watching
from ats_assets.reports.execution_report import execution_report
from ats_assets.runs.writing import console, say
from ats_assets.settings import load_settings
from ats_assets.storage.atomic_file import replace_file
from ats_assets.trade_state import open_trade_state

_ASK_FOR_CLOSINGS_SECONDS = 3_600.0


def status(*, as_json: bool) -> None:
    """Account, positions, open orders, and what stops trading, on standard output."""
    deployment = Deployment(load_settings())
    with open_trading(deployment) as trading:
        told = _status(deployment, trading)
    if as_json:
        sys.stdout.write(json.dumps(told, indent=2, default=str) + "\n")
        return
    out = console()
    for name in ("broker", "live", "account", "at", "cash", "equity", "buying_power", "stopped"):
        if told.get(name) is not None:
            out.print(f"{name.replace('_', ' '):<14} {told[name]}")
    for title, rows in (("positions", told["positions"]), ("open orders", told["open_orders"])):
        if rows:
            table = Table(*rows[0], title=title, title_justify="left")
            for row in rows:
                table.add_row(*("-" if value is None else str(value) for value in row.values()))
            out.print(table)
        else:
            out.print(f"no {title}")


def resume(*, who: str, note: str, accept: bool) -> None:
    """Clear the halts, on a person's decision."""
    deployment = Deployment(load_settings())
    with open_trading(deployment) as trading:
        cleared = trading.executor.resume(who, note, accept=accept)
        if not cleared and not accept:
            raise AtsError("trading is not halted: nothing was cleared")
        differences = trading.executor.reconcile()
    if differences:
        raise AtsError(
            f"trading is halted again: {'; '.join(one.message for one in differences)}; --accept takes the broker's account as correct"
        )
    say(f"{cleared} halt(s) cleared; our records agree with the broker's account")


def break_lease(*, who: str, note: str, force: bool) -> None:
    """Take the lease away from an executor that is gone. The broker is not asked: the next execution asks it for all that is unknown."""
    with open_trade_state(load_settings()) as state:
        broken = take_lease_away(state, SystemClock(), who, note, seconds=Timeouts().lease_seconds, force=force)
    say(
        f"the lease of {broken} is broken: its holder can write and send nothing more. The next execution asks the broker about orders in flight"
    )


def report(*, open_it: bool) -> None:
    """Write the report of execution quality, and print its path."""
    deployment = Deployment(load_settings())
    warehouse, settings = deployment.warehouse, deployment.settings
    sessions = warehouse.sessions("execution_quality")
    if not sessions:
        raise AtsError("no session has been traded yet: run ats trade first")
    account = warehouse.read("account", sessions)
    live = deployment.of(chosen_broker).is_live
    page = execution_report(account, warehouse.read("execution_quality", sessions), broker=str(account["broker"][-1]), live=live)
    path = settings.storage.data / "reports" / "execution.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda file: file.write(page.encode()))
    sys.stdout.write(f"{path}\n")
    if open_it and not webbrowser.open(path.as_uri()):
        say(f"no browser could be started: open {path}")


def watch(*, every: float) -> None:
    """Keep the records up with the broker until SIGTERM or SIGINT; status 0 then, 1 where the keys are refused."""
    deployment = Deployment(load_settings())
    settings = deployment.settings
    broker = deployment.of(chosen_broker)
    if broker.embedded:
        say(
            f"ats orders watch: nothing to watch. The {broker.kind} broker fills orders when the bars of the next session are stored, and ats trade records the fills"
        )
        return
    send = open_alerts(settings).send

    def alert(one: Alert) -> None:
        say(f"{one.at:%Y-%m-%d %H:%M:%S} UTC {one.severity}: {one.title}")
        send(one)

    wake_signal, calendar = WakeSignal(), _Calendar(deployment)
    with (
        open_trading(deployment, alert=alert) as trading,
        _stopping(wake_signal),
        broker.updates(wake_signal.wake) as updates,
    ):
        say(f"following orders at {trading.broker.name}, {'LIVE' if trading.broker.live else 'paper account'}; Ctrl-C or SIGTERM ends it")

        def ready() -> None:
            updates.check()
            calendar.look()

        looks = keep_watching(trading.executor, wake_signal, alert=alert, alive=ready, intervals=WatchIntervals(interval_seconds=every))
    say(f"stopped; the account was reconciled {looks} times")


class _Calendar:
    """Keeps the calendar of a deployment up, in a process that lives for weeks: with what others have stored, and with the broker's own now and then."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._asked: float | None = None

    def look(self) -> None:
        now = time.monotonic()
        if self._asked is None or now - self._asked >= _ASK_FOR_CLOSINGS_SECONDS:
            self._asked = now
            for change in learn_closings(self._deployment):
                say(f"calendar changed: {change}")
        self._deployment.refresh_calendar()


@contextmanager
def _stopping(wake_signal: WakeSignal) -> Iterator[None]:
    """SIGTERM and SIGINT stop the watch, once the look that has begun is at its end; a second one does what it did before."""

    def stop(number: int, _: object) -> None:
        signal.signal(number, before[signal.Signals(number)])
        wake_signal.stop()

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _status(deployment: Deployment, trading: TradingServices) -> dict[str, Any]:
    orders = deployment.settings.orders
    halt, kill = trading.executor.halted(), KillSwitch.of(orders).reason()
    stops = [f"halted since {halt.at:%Y-%m-%d %H:%M} UTC: {halt.reason}"] if halt else []
    stops += [kill] if kill else []
    told: dict[str, Any] = {"broker": trading.broker.name, "live": trading.broker.live, "stopped": "; ".join(stops) or "no"}
    try:
        account = trading.broker.account()
        told |= {
            "account": account.account_id,
            "at": account.at,
            "cash": account.cash,
            "equity": account.equity,
            "buying_power": account.buying_power,
        }
        held, waiting = trading.broker.positions(), trading.broker.open_orders()
    except BrokerError as error:
        told["stopped"] = "; ".join([*stops, str(error)])
        held, waiting = [], []
    today = session_at(deployment.calendar, datetime.now(UTC))
    known = identities_now(deployment)(today)
    told["positions"] = [
        {
            "symbol": p.symbol,
            "instrument": known.of(p.symbol, today),
            "quantity": _number(p.quantity),
            "price": _number(p.price),
            "cost": _number(p.cost),
        }
        for p in held
    ]
    with trading.state.begin() as connection:
        decided = {order.client_order_id: intents_state.of_order(connection, order) for order in waiting}
    told["open_orders"] = [_open_order(order, decided[order.client_order_id]) for order in waiting]
    return told


def _open_order(order: BrokerOrder | ForeignOrder, decided: OrderIntent | None) -> dict[str, Any]:
    if isinstance(order, ForeignOrder):
        what = dict.fromkeys(("symbol", "instrument", "side", "quantity", "filled"))
        return {"client_order_id": order.client_order_id, **what, "status": f"not ours: {order.description}"}
    return {
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "instrument": None if decided is None else decided.instrument,
        "side": order.side,
        "quantity": _number(order.quantity),
        "filled": _number(order.filled_quantity),
        "status": order.status,
    }


def _number(value: Decimal | None) -> str | None:
    """Digits without an exponent."""
    return None if value is None else format(value, "f")
