"""Facts hold until something that they follow from changes."""

import sys
from pathlib import Path
from typing import Any

import pytest

from ats_assets.errors import SettingsError
from ats_assets.lineage import known_rules
from ats_assets.runs import known_facts
from ats_assets.runs.known_facts import KnownFacts
from ats_assets_tests.small_market import small_market


def is_known(folder: Path, **settings: Any) -> bool:
    return KnownFacts(small_market(folder, **settings)).get("graph", lambda: None) is not None


def test_settings_code_and_installations_change_what_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, installed, own = tmp_path / "package", tmp_path / "site-packages", tmp_path / "own" / "learners"
    for folder in (package, installed, own):
        folder.mkdir(parents=True)
    monkeypatch.setattr(known_rules, "PACKAGE", package)
    monkeypatch.syspath_prepend(str(installed))
    plugins = {"plugins": {"folder": own.parent}}
    assert not is_known(tmp_path, **plugins)
    KnownFacts(small_market(tmp_path, **plugins)).keep("graph", "built")
    assert is_known(tmp_path, **plugins)
    assert not is_known(tmp_path, **plugins, labels={"horizons_sessions": (1, 5, 20)})
    for file in (package / "code.py", own / "mine.py"):
        file.write_text("a = 1\n", encoding="utf-8")
        assert not is_known(tmp_path, **plugins)
        file.unlink()
        assert is_known(tmp_path, **plugins)
    (installed / "library.dist-info").mkdir()
    assert not is_known(tmp_path, **plugins)


def test_what_fails_is_asked_again_and_what_is_none_is_not_kept(tmp_path: Path) -> None:
    facts = KnownFacts(small_market(tmp_path))

    def wrong() -> str:
        raise SettingsError("a label is named wrongly")

    for _ in range(2):
        with pytest.raises(SettingsError):
            facts.get("graph", wrong)
    assert facts.get("broker", lambda: None) is None
    assert facts.get("broker", lambda: "paper") == "paper"
    assert KnownFacts(small_market(tmp_path)).get("broker", lambda: None) == "paper"


def test_a_damaged_file_and_a_folder_that_cant_be_written_are_no_error(tmp_path: Path) -> None:
    KnownFacts(small_market(tmp_path)).keep("graph", "built")
    (file,) = small_market(tmp_path).settings.storage.data.glob("known-facts.json")
    for content in (b"", b"[]", b'{"key": 1}', b'{"key": "", "facts": []}', file.read_bytes()[:-5]):
        file.write_bytes(content)
        assert not is_known(tmp_path)
    (tmp_path / "taken").write_text("", encoding="utf-8")
    KnownFacts(small_market(tmp_path, storage={"data": tmp_path / "taken" / "data"})).keep("graph", "built")


def test_nothing_is_kept_where_additions_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their code may be worked on in place: a label that was right when it was kept may be wrong now."""
    monkeypatch.setattr(known_facts, "has_entry_points", lambda: True)
    KnownFacts(small_market(tmp_path)).keep("graph", "built")
    assert not is_known(tmp_path)
    assert sys.modules["ats_assets.plugins"].has_entry_points() is False
