"""Executors that are killed by SIGKILL, or stopped and continued, against the double of Alpaca in a process of its own.

Run by hand for many more rounds than the tests make::

    python -m ats_assets_tests.execution.crashing --rounds 220 --folder /tmp/crashes
    python -m ats_assets_tests.execution.crashing --rounds 60 --two --folder /tmp/crashes
    python -m ats_assets_tests.execution.crashing --rounds 120 --options --folder /tmp/crashes

Each round is a plan of three orders (with `--options` for option contracts: of one leg, of two and of four) under ids of its own, on one trade state and one account for all rounds. Children are forked from this process, which has
no threads; a child is a process with its own connections, and SIGKILL is what ends it: at its n-th point (before and after each commit and each request),
or, with two at once, after a random time. Then others are started until the plan is through.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import alpaca.trading.client
import alpaca.trading.enums
import alpaca.trading.requests  # noqa: F401
import requests.adapters

from ats_assets.brokers.alpaca.broker import AlpacaBroker
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.context import Timeouts
from ats_assets.execution.contract_legs import ContractLeg
from ats_assets.execution.executor import Executor
from ats_assets.execution.option_intents import option_intent
from ats_assets.execution.order import client_order_id
from ats_assets.execution.outcome import ExecutorBusyError, LeaseLostError
from ats_assets.settings import Settings
from ats_assets.vendors.alpaca import AlpacaError, read_credentials
from ats_assets.vendors.backoff import Backoff
from ats_assets_tests.alpaca_double.misbehaviour import Fault, Plan
from ats_assets_tests.alpaca_double.server import KEY_ID, SECRET_KEY
from ats_assets_tests.execution.exchange import SESSION, PointedState, Points, intent

EVENING = datetime(2024, 3, 2, 0, 30, tzinfo=UTC)
OPEN = "2024-03-04T14:30:00Z"
SYMBOLS = ("AAA", "BBB", "CCC")
DESKS, OPTION_DESKS = "ats_assets_tests.alpaca_double.trading:desks", "ats_assets_tests.alpaca_double.option_trading:option_desks"
CONTRACTS = ("AAA240419P00009000", "AAA240419P00008000", "AAA240419C00011000", "AAA240419C00012000")
DONE, AGAIN, DIFFERS = 0, 3, 4
FAULTS = tuple(fault for fault in Fault if fault is not Fault.DUPLICATE)
TIMEOUT_SECONDS, LATE_SECONDS, SETTLING_SECONDS = 0.3, 0.45, 1.5


@dataclass
class Tally:
    """What has happened in all rounds."""

    rounds: int = 0
    killed: int = 0
    processes: int = 0
    orders: int = 0
    duplicates_refused: int = 0
    points: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)


class Double:
    """The double, in another process."""

    def __init__(self, *, options: bool = False) -> None:
        desks = OPTION_DESKS if options else DESKS
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ats_assets_tests.alpaca_double", "--desk", desks], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self.tell("now", EVENING.isoformat())
        for symbol in SYMBOLS:
            self.tell("reference/add_asset", {"symbol": symbol})
        for symbol in CONTRACTS if options else ():
            self.tell("trading/add_contract", {"symbol": symbol})

    def tell(self, what: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/_double/{what}", data=data), timeout=30) as answer:
            return json.loads(answer.read())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@dataclass
class Rounds:
    """The rounds on one trade state."""

    url: str
    folder: Path
    double: Double
    tally: Tally = field(default_factory=Tally)
    options: bool = False

    def plan(self, number: int) -> list[Any]:
        from dataclasses import replace  # noqa: PLC0415

        strategy = f"r{number}"
        if self.options:
            return _option_plan(strategy)
        return [
            replace(intent(s, "3"), strategy=strategy, client_order_id=client_order_id(SESSION, strategy, s, intent(s).leg))
            for s in SYMBOLS
        ]

    def child(self, number: int, work: Callable[[Executor], int], points: Points | None = None) -> int:
        """Start an executor in a process of its own; gives its pid."""
        pid = os.fork()
        if pid:
            self.tally.processes += 1
            return pid
        code = 9
        try:
            code = self._work(number, work, points or Points())
        except (BrokerError, ExecutorBusyError, LeaseLostError, AlpacaError) as error:
            (self.folder / "last-error").write_text(f"{type(error).__name__}: {error}\n")
            code = AGAIN
        except BaseException:  # noqa: BLE001
            import traceback  # noqa: PLC0415

            traceback.print_exc()
        finally:
            os._exit(code)

    def _work(self, number: int, work: Callable[[Executor], int], points: Points) -> int:
        settings = Settings(
            alpaca={"trading_url": self.double.url, "timeout_seconds": TIMEOUT_SECONDS, "max_attempts": 6},  # pyright: ignore[reportArgumentType]
            orders={"strategy": f"r{number}", "kill_file": self.folder / "KILL"},  # pyright: ignore[reportArgumentType]
        )
        keys = read_credentials({"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY})
        broker = AlpacaBroker(settings, keys, alert=lambda _: None, now=lambda: EVENING, backoff=Backoff(max_seconds=0.02))
        original = requests.adapters.HTTPAdapter.send

        def send(adapter: Any, request: Any, *positional: Any, **named: Any) -> Any:
            points.pass_by(f"before {request.method}")
            response = original(adapter, request, *positional, **named)
            points.pass_by(f"after {request.method}")
            return response

        requests.adapters.HTTPAdapter.send = send  # pyright: ignore[reportAttributeAccessIssue]
        timeouts = Timeouts(
            settling_seconds=SETTLING_SECONDS, pause_seconds=0.4, lease_seconds=1.0, lease_wait_seconds=30, retry_seconds=0.1, retries=8
        )
        with PointedState(self.url, points) as state:
            return work(Executor(broker, state, settings.orders, alert=lambda _: None, timeouts=timeouts))

    def execute(self, number: int) -> Callable[[Executor], int]:
        plan = self.plan(number)
        return lambda executor: AGAIN if executor.execute(SESSION, plan, options=self.options).stopped else DONE

    def wait(self, pid: int) -> int:
        """The exit code; minus the signal where one ended it."""
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code == -signal.SIGKILL:
            self.tally.killed += 1
        elif code not in (DONE, AGAIN, DIFFERS):
            raise AssertionError(f"an executor fails: {code}")
        return code

    def misbehave(self, number: int, *, share: float = 0.25) -> None:
        """Faults by chance, those that depend on the round alone; every second round without Alpaca's promise to take an id once."""
        self.double.tell("trading/unique", number % 2 == 1)
        faults = FAULTS if number % 2 == 0 else tuple(Fault)
        self.double.tell("plan", Plan(seed=number, share=share, faults=faults, most=2, seconds=LATE_SECONDS, retry_after="0").to_json())

    def finish(self, number: int) -> None:
        """Start executors until the plan is through, then fill, and compare."""
        for _ in range(15):
            if self.wait(self.child(number, self.execute(number))) == DONE:
                break
        else:
            raise AssertionError(f"round {number} is not through: {(self.folder / 'last-error').read_text()}")
        self.double.tell("plan", {})
        self.check(number)

    def check(self, number: int) -> None:
        """No order twice, none lost, and both sides agree once all is filled."""
        wanted = {planned.client_order_id for planned in self.plan(number)}
        listed = self.double.tell("trading/orders")
        legs = {leg["id"] for order in listed for leg in order["legs"] or ()}
        orders = Counter(order["client_order_id"] for order in listed if order["id"] not in legs)
        assert {name: orders[name] for name in wanted} == dict.fromkeys(wanted, 1), f"round {number}: {orders}"
        assert len(orders) == orders.total(), f"round {number}: an order twice"
        if self.options:
            self.double.tell("trading/fill_options", {"price": "1.37"})
        else:
            self.double.tell("trading/auction", {"prices": dict.fromkeys(SYMBOLS, "1.37"), "at": OPEN})
        code = self.wait(self.child(number, lambda executor: DIFFERS if executor.reconcile() else DONE))
        assert code == DONE, f"round {number}: our records and the broker's differ"
        self.tally.rounds += 1
        self.tally.orders = orders.total()
        self.tally.duplicates_refused = sum("unique" in message for _, message in self.double.tell("trading/refused"))

    def kill_at_points(self, number: int, point: int) -> bool:
        """One round with a kill at the `point`-th point, and one at a random point of the next process; False: there is no such point."""
        self.misbehave(number)
        draw = random.Random(number)
        first = self.wait(self.child(number, self.execute(number), _killing(point, self.folder)))
        if first == -signal.SIGKILL:
            self.tally.points[(self.folder / "point").read_text()] += 1
            self.wait(self.child(number, self.execute(number), _killing(draw.randrange(120), self.folder)))
        self.finish(number)
        return first == -signal.SIGKILL

    def two_at_once(self, number: int) -> None:
        """Two executors; one of them is killed, or stopped past its lease and continued."""
        self.misbehave(number)
        if number % 2 == 0:
            self.double.tell("trading/unique", True)  # a request that is on its way while its sender is stopped needs the promise
        draw = random.Random(number)
        pids = [self.child(number, self.execute(number)) for _ in range(2)]
        time.sleep(draw.uniform(0.05, 0.8))
        victim = draw.choice(pids)
        if number % 3 == 0:
            os.kill(victim, signal.SIGKILL)
        else:
            os.kill(victim, signal.SIGSTOP)
            time.sleep(draw.uniform(1.2, 2.5))
            os.kill(victim, signal.SIGCONT)
        for pid in pids:
            self.wait(pid)
        self.finish(number)


def _option_plan(strategy: str) -> list[Any]:
    """A put that is bought, a spread, and a condor."""
    put, lower, call, higher = CONTRACTS
    plans = ({put: 1}, {put: -2, lower: 2}, {put: -1, lower: 1, call: -1, higher: 1})
    return [
        option_intent(
            SESSION,
            strategy,
            "book",
            [ContractLeg(symbol, ratio, opens=True) for symbol, ratio in ratios.items()],
            decision_price=Decimal("1.00"),
            limit_price=Decimal("1.50") if len(ratios) == 1 else Decimal("-0.10"),
        )
        for ratios in plans
    ]


def _killing(point: int, folder: Path) -> Points:
    points = Points(stop_at=point, inside=True)

    def kill() -> None:
        (folder / "point").write_text(points.names[-1])
        os.kill(os.getpid(), signal.SIGKILL)

    points.act = kill
    return points


def main() -> None:
    """Run many rounds and print what has happened."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--step", type=int, default=1, help="between two points")
    parser.add_argument("--two", action="store_true", help="two executors at once, instead of kills at points")
    parser.add_argument("--options", action="store_true", help="orders for option contracts")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--url", help="of the database; default: SQLite in the folder")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    double = Double(options=arguments.options)
    url = arguments.url or f"sqlite:///{arguments.folder / 'state.sqlite'}"
    rounds = Rounds(url, arguments.folder, double, options=arguments.options)
    try:
        point = arguments.first
        for number in range(arguments.rounds):
            if arguments.two:
                rounds.two_at_once(number)
                continue
            point = point + arguments.step if rounds.kill_at_points(number, point) else arguments.first
        rounds.tally.faults.update(entry["fault"] for entry in double.tell("journal") if entry["fault"])
    finally:
        double.close()
    tally = rounds.tally
    print(  # noqa: T201
        json.dumps(
            {
                "rounds": tally.rounds,
                "killed": tally.killed,
                "processes": tally.processes,
                "orders": tally.orders,
                "duplicates_refused": tally.duplicates_refused,
                "points": tally.points,
                "faults": tally.faults,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
