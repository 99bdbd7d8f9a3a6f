"""Which way an alert takes is said by its route: Apprise, a file of JSON lines, or a notifier of one's own."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ats_assets.alerts import Alert, Alerts, Severity, open_alerts
from ats_assets.alerts.choosing import notifiers
from ats_assets.errors import SettingsError
from ats_assets.settings import AlertsSettings, Settings
from ats_assets_tests.alerts.receiver import receiving
from ats_assets_tests.alerts.test_alerts import Clock, alert, memory

OWN = '''"""A file for each severity."""

from pathlib import Path

from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class BellSettings(Section):
    folder: Path
    word: str = "ding"


class Bell:
    secrets = ("BELL_CODE",)

    def __init__(self, own, route, data):
        self.own, self.route = own, route

    def deliver(self, message):
        (self.own.folder / f"{self.route}.{message.severity}").write_text(f"{self.own.word} {message.title}")


PLUGIN = Plugin(settings=BellSettings, make=Bell)
'''


def settings(root: Path, routes: dict[str, Any]) -> Settings:
    return Settings.model_validate(
        {"alerts": {"routes": routes}, "storage": {"data": root, "warehouse": root / "warehouse"}, "plugins": {"folder": root / "plugins"}}
    )


def lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_each_route_takes_its_own_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "plugins" / "notifiers" / "bell.py"
    own.parent.mkdir(parents=True)
    own.write_text(OWN, encoding="utf-8")
    with receiving() as desk:
        monkeypatch.setenv("DESK", desk.address)
        routes = {
            "DESK": "warning",
            "log": {"kind": "json_lines", "path": "logs/alerts.jsonl"},
            "door": {"kind": "bell", "severity": "critical", "folder": str(tmp_path)},
        }
        alerts = open_alerts(settings(tmp_path, routes))
        for severity in Severity:
            sent = alerts.send(alert(severity, severity, text="line one\nline two: ü"))
            assert sent.failed == {}
        assert desk.titles == ["title of warning", "title of critical"]
    told = lines(tmp_path / "logs" / "alerts.jsonl")
    assert [one["severity"] for one in told] == ["info", "warning", "critical"]
    assert {one["text"] for one in told} == {"line one\nline two: ü"}
    assert all(datetime.fromisoformat(one["at"]).utcoffset() is not None for one in told)
    assert (tmp_path / "door.critical").read_text() == "ding title of critical"
    assert not (tmp_path / "door.warning").exists()


def test_a_file_that_can_not_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    clock, wanted = Clock(), AlertsSettings.model_validate({"routes": {"log": {"kind": "json_lines"}}})
    (tmp_path / "alerts.jsonl").mkdir()
    alerts = Alerts(wanted, memory, clock=clock, notifiers=notifiers(wanted, data=tmp_path))
    assert "can't be written" in alerts.send(alert(text="first")).failed["log"]
    (tmp_path / "alerts.jsonl").rmdir()
    clock.now += 120
    assert alerts.send_waiting() == 1
    assert [one["text"] for one in lines(tmp_path / "alerts.jsonl")] == ["first"]
    assert datetime.fromisoformat(lines(tmp_path / "alerts.jsonl")[0]["at"]).timestamp() == clock.now - 120


def test_no_secret_reaches_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_SECRET_KEY", "verySecret7Value9")
    alerts = open_alerts(settings(tmp_path, {"log": {"kind": "json_lines"}}))
    at = datetime(2024, 1, 5, tzinfo=UTC)
    alerts.send(Alert(key="k", severity=Severity.INFO, title="of verySecret7Value9", text="key=verySecret7Value9", at=at))
    assert "verySecret7Value9" not in (tmp_path / "alerts.jsonl").read_text()
    assert "***" in (tmp_path / "alerts.jsonl").read_text()


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ({"kind": "pigeon"}, r"alerts\.routes\.log is 'pigeon', which is no notifier: choose one of apprise, json_lines"),
        ({"kind": "json_lines", "pth": "x"}, r"\[alerts\.routes\.log\] has 1 wrong setting: pth.*It knows path"),
        ({"severity": "info", "path": "x"}, r"\[alerts\.routes\.log\] has 1 wrong setting: path"),
    ],
)
def test_a_mistake_in_a_route_is_told_when_alerts_are_opened(tmp_path: Path, route: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        open_alerts(settings(tmp_path, {"log": route}))


def test_a_severity_alone_is_apprise() -> None:
    (route,) = AlertsSettings.model_validate({"routes": {"DESK": "critical"}}).routes.values()
    assert (route.kind, route.severity, route.own) == ("apprise", "critical", {})
    assert AlertsSettings.model_validate(AlertsSettings(routes={"DESK": route}).model_dump(mode="json")).routes == {"DESK": route}
    with pytest.raises(ValueError, match="severity"):
        AlertsSettings.model_validate({"routes": {"DESK": "loud"}})
