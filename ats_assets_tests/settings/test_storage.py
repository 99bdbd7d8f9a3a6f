"""Roots in an object store: their URLs, where what is known of them lies, and what the page says of their settings."""

import re
from pathlib import Path

import pytest

from ats_assets.errors import SettingsError
from ats_assets.settings import BucketUrl, ObjectStoreSettings, StorageSettings, load_settings

PAGE = (Path(__file__).parents[2] / "docs" / "object_store.md").read_text(encoding="utf-8")


def test_a_root_is_a_folder_or_a_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "base.toml").write_text('[storage]\nwarehouse = "gs://bucket/prefix/"\n', encoding="utf-8")
    (tmp_path / "ats.toml").write_text('extends = "base/base.toml"\n[storage]\nmodels = "own"\n', encoding="utf-8")
    monkeypatch.setenv("ATS_SETTINGS", str(tmp_path / "ats.toml"))
    storage = load_settings().storage
    assert storage.warehouse == BucketUrl("gs://bucket/prefix")
    assert (storage.models, storage.models_folder) == (tmp_path / "own", tmp_path / "own")
    assert storage.warehouse_folder.is_relative_to(storage.data / "objects")
    again = StorageSettings.model_validate(storage.model_dump())
    assert again == storage
    elsewhere = again.model_copy(update={"object_store": ObjectStoreSettings(endpoint="http://127.0.0.1:9000")})
    assert elsewhere.warehouse_folder != storage.warehouse_folder, "the same name on another server is another store"


@pytest.mark.parametrize(
    "url", ["http://a/b", "s3:/bucket/x", "s3://", "s3://key:s3cret@bucket/x", "s3://bucket/x?token=s3cret", "s3://bucket//x"]
)
def test_what_is_no_url_of_a_store_is_refused_without_being_repeated(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATS_STORAGE__WAREHOUSE", url)
    with pytest.raises(SettingsError, match=r"storage\.warehouse: an object store is named as s3://bucket/prefix") as refused:
        load_settings()
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("models", ["s3://bucket/x", "s3://bucket/x/models", "s3://bucket"])
def test_roots_that_lie_in_each_other_are_refused(models: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATS_STORAGE__WAREHOUSE", "s3://bucket/x")
    monkeypatch.setenv("ATS_STORAGE__MODELS", models)
    with pytest.raises(SettingsError, match=r"name two folders beside each other"):
        load_settings()
    monkeypatch.setenv("ATS_STORAGE__MODELS", "s3://bucket/xy")
    assert load_settings().storage.models == "s3://bucket/xy"


def test_the_page_has_the_settings_that_there_are() -> None:
    shown = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE.split("setting of `[storage.object_store]`")[1].split("\n## ")[0], re.MULTILINE)
    assert [name for name, _ in shown] == list(ObjectStoreSettings.model_fields)
    defaults = {name: field.default for name, field in ObjectStoreSettings.model_fields.items()}
    assert all(defaults[name] is None or f"{defaults[name]:g}" == told for name, told in shown)
