from pathlib import Path
from typing import Any

import pytest

from ats_assets.automation.lineage_rules import rules_of
from ats_assets.definitions import build
from ats_assets.lineage import known_rules
from ats_assets.lineage.known_rules import read_rules, write_rules
from ats_assets_tests.small_market import small_market


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    deployment = small_market(tmp_path)
    assert read_rules(deployment) is None
    rules = rules_of(deployment, build(deployment).resolve_asset_graph())
    write_rules(deployment, rules)
    found = read_rules(deployment)
    assert found is not None
    assert list(found) == list(rules)


def test_any_change_of_what_they_follow_from_makes_them_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "features"
    own.mkdir()
    package, plugins = tmp_path / "package", tmp_path / "plugins" / "learners"
    package.mkdir()
    plugins.mkdir(parents=True)
    (package / "code.py").write_text("a = 1\n")
    monkeypatch.setattr(known_rules, "PACKAGE", package)
    folders: dict[str, Any] = {"features": {"folder": own}, "plugins": {"folder": tmp_path / "plugins"}}
    deployment = small_market(tmp_path, **folders)
    write_rules(deployment, rules_of(small_market(tmp_path / "other"), build(small_market(tmp_path / "other")).resolve_asset_graph()))
    assert read_rules(deployment) is not None
    assert read_rules(small_market(tmp_path, **folders, labels={"horizons_sessions": (1, 5, 20)})) is None  # a setting
    (own / "mine.toml").write_text("")  # a family of one's own
    assert read_rules(deployment) is None
    (own / "mine.toml").unlink()
    assert read_rules(deployment) is not None
    (plugins / "mine.py").write_text("a = 1\n")  # a plugin of one's own, whose change `ats stale` did not see
    assert read_rules(deployment) is None
    (plugins / "__pycache__").mkdir()
    (plugins / "mine.py").rename(plugins / "__pycache__" / "mine.py")
    assert read_rules(deployment) is not None
    (package / "page.css").write_text("")  # a template of a report: its code version is another one, and it was not asked for again
    assert read_rules(deployment) is None
    (package / "page.css").unlink()
    assert read_rules(deployment) is not None
    (package / "code.py").write_text("a = 2\n")  # the code
    assert read_rules(deployment) is None


def test_a_damaged_file_is_no_file(tmp_path: Path) -> None:
    deployment = small_market(tmp_path)
    write_rules(deployment, rules_of(deployment, build(deployment).resolve_asset_graph()))
    file = deployment.settings.storage.data / "lineage-rules.json"
    for content in (b"", b"{", b"[]", b'{"key": 1}', file.read_bytes()[:-20]):
        file.write_bytes(content)
        assert read_rules(deployment) is None
