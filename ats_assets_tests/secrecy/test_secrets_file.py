import json
import logging
import os
from pathlib import Path

import pytest

from ats_assets.errors import SettingsError
from ats_assets.secrecy import read_secrets_file
from ats_assets_tests.cli.market import ats, make_home


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "environ", {"SET": "before"})


def write(folder: Path, text: str, mode: int = 0o600) -> None:
    (folder / ".env").write_text(text)
    (folder / ".env").chmod(mode)


def test_the_environment_wins_over_the_file(tmp_path: Path):
    write(tmp_path, "# keys\nSET=after\nexport A_TOKEN='x$HOME y#z'\nEMPTY=\n")
    assert read_secrets_file(tmp_path) == ["A_TOKEN"]
    assert os.environ["SET"] == "before"
    assert os.environ["A_TOKEN"] == "x$HOME y#z"
    assert "EMPTY" not in os.environ


def test_no_file_sets_nothing(tmp_path: Path):
    assert read_secrets_file(tmp_path) == []


@pytest.mark.parametrize("line", ["ATS_SOURCE__KIND=files", "DAGSTER_HOME=/elsewhere", "PYTHONPATH=/elsewhere"])
def test_what_is_no_secret_is_refused(tmp_path: Path, line: str):
    write(tmp_path, f"A_TOKEN=x\n{line}\n")
    with pytest.raises(SettingsError, match=line.split("=", maxsplit=1)[0]):
        read_secrets_file(tmp_path)
    assert "A_TOKEN" not in os.environ


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe")
    with pytest.raises(SettingsError, match="can't be read"):
        read_secrets_file(tmp_path)


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_told(tmp_path: Path, mode: int, warned: bool, caplog: pytest.LogCaptureFixture):
    write(tmp_path, "A_TOKEN=x\n", mode)
    with caplog.at_level(logging.WARNING):
        read_secrets_file(tmp_path)
    assert ("chmod 600" in caplog.text) is warned


@pytest.mark.parametrize("name", ["APCA_API_KEY_ID", "C_TOKEN"])
def test_the_doctor_names_secrets_and_shows_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.undo()
    monkeypatch.setenv(name, "a secret of the surroundings")  # where it wins, nothing in the file of that name is used
    home = make_home(tmp_path)
    write(home, "APCA_API_KEY_ID=PKabcdef123456\nDESK=json://me:S3cretWord@127.0.0.1/x\n", 0o644)
    with (home / "ats.toml").open("a") as file:
        file.write('[alerts]\nroutes = {DESK = "info"}\n')
    shown = ats(home, "doctor", "--json")
    found = next(one["text"] for one in json.loads(shown.stdout)["findings"] if one["subject"] == "secrets")
    assert {"APCA_API_KEY_ID", "DESK", name} <= set(found.split(";")[0].split(", "))
    assert "other users can read it" in shown.stdout
    assert "of the surroundings" not in shown.stdout + shown.stderr
    assert "PKabcdef" not in shown.stdout + shown.stderr
    assert "S3cretWord" not in shown.stdout + shown.stderr
