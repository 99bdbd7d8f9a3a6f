import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool

from ats_assets.alerts import Alert, Alerts, Severity, open_alerts
from ats_assets.alerts.ledger import GIVE_UP_SECONDS, HOUR
from ats_assets.alerts.notifier import Message
from ats_assets.errors import AtsError
from ats_assets.settings import AlertsSettings, load_settings
from ats_assets.trade_state import TradeState
from ats_assets_tests.alerts.receiver import Receiver, receiving
from ats_assets_tests.rounds import rounds

NOON = datetime(2024, 1, 5, 12, tzinfo=UTC)


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def memory() -> Engine:
    return create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})


def alert(key: str = "k", severity: Severity = Severity.WARNING, title: str = "", text: str = "text") -> Alert:
    return Alert(key=key, severity=severity, title=title or f"title of {key}", text=text, at=NOON)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as server:
        monkeypatch.setenv("DESK", server.address)
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def alerts(receiver: Receiver, clock: Clock, database_url: str) -> Iterator[Alerts]:
    with TradeState(database_url) as state:
        yield Alerts(AlertsSettings(routes={"DESK": "warning"}), lambda: state.engine, clock=clock)


def test_an_alert_arrives_whole(alerts: Alerts, receiver: Receiver):
    assert alerts.send(alert(text="limit breached: 7 > 5")).delivered == ["DESK"]
    (message,) = receiver.messages
    assert (message["title"], message["message"], message["type"]) == ("title of k", "limit breached: 7 > 5", "warning")


def test_routes_get_their_severity_and_above(receiver: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    with receiving() as pager:
        monkeypatch.setenv("PAGER", pager.address)
        alerts = Alerts(AlertsSettings(routes={"DESK": "info", "PAGER": "critical"}), memory, clock=clock)
        for severity in Severity:
            alerts.send(alert(severity, severity))
        assert receiver.titles == ["title of info", "title of warning", "title of critical"]
        assert pager.titles == ["title of critical"]


def test_the_same_key_is_sent_once_in_its_time_and_again_after(alerts: Alerts, receiver: Receiver, clock: Clock):
    alerts.send(alert())
    clock.now += 3599
    assert alerts.send(alert()).repeated
    assert alerts.send(alert("other")).delivered
    clock.now += 1
    assert alerts.send(alert()).delivered
    assert receiver.titles == ["title of k", "title of other", "title of k"]


def test_what_has_become_worse_is_no_repetition(alerts: Alerts, receiver: Receiver):
    alerts.send(alert())
    assert alerts.send(alert(severity=Severity.CRITICAL)).delivered
    assert alerts.send(alert(severity=Severity.CRITICAL)).repeated
    assert alerts.send(alert(severity=Severity.WARNING)).repeated
    assert len(receiver.messages) == 2


def test_what_is_over_the_limit_is_told_in_one_message_and_critical_ones_go(alerts: Alerts, receiver: Receiver, clock: Clock):
    outcomes = [alerts.send(alert(f"a{i}")) for i in range(40)]
    assert [bool(one.delivered) for one in outcomes] == [True] * 30 + [False] * 10
    assert all(one.held == ["DESK"] for one in outcomes[30:])
    assert alerts.send(alert("urgent", Severity.CRITICAL)).delivered
    assert alerts.send_waiting() == 0
    clock.now += HOUR
    assert alerts.send_waiting() == 1
    assert alerts.send_waiting() == 0
    assert receiver.titles[30:] == ["title of urgent", "10 alerts were held back"]
    assert "title of a39" in receiver.messages[-1]["message"]


def test_a_failed_alert_is_logged_without_the_address_and_sent_later(
    alerts: Alerts, receiver: Receiver, clock: Clock, caplog: pytest.LogCaptureFixture
):
    receiver.status = 500
    with caplog.at_level(logging.DEBUG):
        assert list(alerts.send(alert()).failed) == ["DESK"]
    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("ats_assets"))
    assert "DESK failed" in said
    assert "tried again later" in said
    assert not any(secret in said for secret in ("pass7Word9", "T0ken4Receiver"))
    assert alerts.send(alert("next")).later == ["DESK"]  # the route has failed a moment ago: the caller does not wait for it again
    receiver.status = 200
    assert alerts.send_waiting() == 0
    clock.now += 61
    assert alerts.send_waiting() == 2
    assert receiver.titles == ["title of k", "title of next"]
    assert alerts.send_waiting() == 0


def test_a_critical_alert_is_tried_though_the_route_failed(alerts: Alerts, receiver: Receiver):
    receiver.status = 500
    alerts.send(alert())
    receiver.status = 200
    assert alerts.send(alert("urgent", Severity.CRITICAL)).delivered


def test_what_fails_for_a_day_is_given_up(alerts: Alerts, receiver: Receiver, clock: Clock):
    receiver.status = 500
    alerts.send(alert())
    for _ in range(60):
        clock.now += HOUR
        alerts.send_waiting()
    tried = receiver.requests
    assert GIVE_UP_SECONDS / HOUR <= tried <= GIVE_UP_SECONDS / HOUR + 6
    receiver.status = 200
    clock.now += HOUR
    assert alerts.send_waiting() == 0
    assert receiver.requests == tried


@pytest.mark.parametrize("address", ["", "nonsense", "json://127.0.0.1:1/nobody/L1stens"])
def test_an_address_that_does_not_work_raises_nothing(clock: Clock, monkeypatch: pytest.MonkeyPatch, address: str):
    monkeypatch.setenv("DESK", address)
    sent = Alerts(AlertsSettings(routes={"DESK": "info"}), memory, clock=clock).send(alert())
    assert "L1stens" not in sent.failed["DESK"]


def test_a_database_that_fails_raises_nothing_and_alerts_go_on(receiver: Receiver, clock: Clock, caplog: pytest.LogCaptureFixture):
    def connect() -> Engine:
        raise AtsError("postgresql://ats:Db5ecretWord@127.0.0.1/ats is down")

    alerts = Alerts(AlertsSettings(routes={"DESK": "info"}), connect, clock=clock)
    assert alerts.send(alert()).delivered
    assert alerts.send(alert()).repeated
    assert "Db5ecretWord" not in caplog.text


def test_without_routes_an_alert_is_a_line_in_the_log(clock: Clock, caplog: pytest.LogCaptureFixture):
    alerts = Alerts(AlertsSettings(), memory, clock=clock)
    alerts.send(alert(severity=Severity.CRITICAL))
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "title of k: text" in caplog.text


def test_no_secret_is_in_an_alert(alerts: Alerts, receiver: Receiver, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APCA_API_SECRET_KEY", "abCDEF123456ghIJ")
    alerts.send(alert(title="denied for abCDEF123456ghIJ", text=f"sent to {receiver.address}"))
    (message,) = receiver.messages
    assert message["title"] == "denied for ***"
    assert "pass7Word9" not in message["message"]
    assert "T0ken4Receiver" not in message["message"]


PROCESS = """
import sys
from datetime import UTC, datetime
from ats_assets.alerts import Alert, Severity, open_alerts
from ats_assets.settings import load_settings
alerts = open_alerts(load_settings())
sys.stdin.readline()  # all at once
for i in range(25):
    alerts.send(Alert(key=f"k{i}", severity=Severity.CRITICAL, title=f"k{i}", text="text", at=datetime.now(UTC)))
"""


def test_two_processes_at_once_send_each_alert_once(home: Path, receiver: Receiver):
    (home / "ats.toml").write_text('[alerts]\nroutes = {DESK = "info"}\n')
    processes = [subprocess.Popen([sys.executable, "-c", PROCESS], stdin=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(receiver.titles) == sorted(f"k{i}" for i in range(25))


def test_what_a_dead_process_left_is_sent_by_another(home: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch):
    (home / "ats.toml").write_text('[alerts]\nroutes = {DESK = "info"}\n')
    receiver.status = 500
    open_alerts(load_settings()).send(alert())
    receiver.status = 200
    another = open_alerts(load_settings())
    later = Clock()
    later.now = datetime.now(UTC).timestamp() + 100
    monkeypatch.setattr(another, "_clock", later)
    assert another.send_waiting() == 1
    assert receiver.titles == ["title of k"]


@settings(max_examples=rounds(10, 30))
@given(steps=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(list(Severity)), st.integers(0, 5000)), max_size=25))
def test_any_order_of_alerts_repeats_none_and_loses_none(steps: list[tuple[str, Severity, int]]):
    class Heard:
        secrets = ()

        def deliver(self, message: Message) -> None:
            arrived.append((clock.now, message.title, message.severity))

    arrived: list[tuple[float, str, Severity]] = []
    clock = Clock()
    alerts = Alerts(AlertsSettings(routes={"DESK": "info"}, max_per_hour=1000), memory, clock=clock, notifiers={"DESK": Heard()})
    expected: list[tuple[float, str, Severity]] = []
    for key, severity, seconds in steps:
        clock.now += seconds
        before = [(at, s) for at, title, s in expected if title == key]
        if not before or clock.now - before[-1][0] >= 3600 or severity.rank > before[-1][1].rank:
            expected.append((clock.now, key, severity))
        alerts.send(alert(key, severity, title=key))
    assert arrived == expected
