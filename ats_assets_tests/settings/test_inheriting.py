"""Settings files that extend others."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import SettingsError
from ats_assets.settings import load_settings, setting_origins
from ats_assets.settings.inheriting import written_settings
from ats_assets.settings.toml_text import toml_text


def write(folder: Path, **files: str) -> Path:
    """Files by their names; returns the last."""
    for name, text in files.items():
        path = folder / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path


def test_tables_are_merged_at_any_depth_and_a_list_is_replaced(tmp_path: Path) -> None:
    base = '[training]\ntrain_sessions = 100\nembargo_sessions = 1\n[universe]\nfocus = ["A", "B"]\n[models.lightgbm]\nseed = 1\n'
    own = 'extends = "base.toml"\n[training]\ntrain_sessions = 200\n[universe]\nfocus = ["C"]\n[models.lightgbm]\nnum_leaves = 7\n'
    file = write(tmp_path, base=base, own=own)
    assert written_settings(file).values == {
        "training": {"train_sessions": 200, "embargo_sessions": 1},
        "universe": {"focus": ["C"]},
        "models": {"lightgbm": {"seed": 1, "num_leaves": 7}},
    }


def test_of_several_files_the_later_wins_and_the_file_itself_over_all(tmp_path: Path) -> None:
    root = "[training]\ntrain_sessions = 1\nembargo_sessions = 1\nvalidation_sessions = 1\nmin_train_sessions = 1\n"
    first, second = (
        "[training]\nembargo_sessions = 2\nvalidation_sessions = 2\nmin_train_sessions = 2\n",
        "[training]\nvalidation_sessions = 3\nmin_train_sessions = 3\n",
    )
    own = 'extends = ["first.toml", "second.toml"]\n[training]\nmin_train_sessions = 4\n'
    file = write(tmp_path, root=root, first=f'extends = "root.toml"\n{first}', second=second, own=own)
    found = written_settings(file)
    assert [*found.values["training"].values()] == [1, 2, 3, 4]
    assert [found.origins[f"training.{name}"].stem for name in found.values["training"]] == ["root", "first", "second", "own"]


def test_the_same_file_may_be_reached_twice(tmp_path: Path) -> None:
    a = 'extends = "root.toml"\n'
    file = write(tmp_path, root="[universe]\nsize = 3\n", a=a, b=a, own='extends = ["a.toml", "b.toml"]\n')
    assert written_settings(file).values == {"universe": {"size": 3}}


def test_a_circle_is_told_with_its_files(tmp_path: Path) -> None:
    file = write(tmp_path, c='extends = "a.toml"\n', b='extends = "c.toml"\n', a='extends = "b.toml"\n')
    with pytest.raises(SettingsError, match=r"circle: .*a\.toml extends .*b\.toml extends .*c\.toml extends .*a\.toml"):
        written_settings(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('extends = "none.toml"\n', r"own\.toml: extends names .*none\.toml, which is not a file"),
        ("extends = 3\n", r"own\.toml: extends must be a text or a list of texts"),
        ('extends = ["bad.toml"]\n', r"bad\.toml can't be read: .*line 1"),
        ('extends = "base.toml"\nwithout = "universe.sizes"\n', r"own\.toml: without names universe\.sizes, which none"),
    ],
)
def test_what_is_wrong_is_said_with_its_file(tmp_path: Path, text: str, said: str) -> None:
    file = write(tmp_path, bad="[universe\n", base="[universe]\nsize = 3\n", own=text)
    with pytest.raises(SettingsError, match=said):
        written_settings(file)


def test_what_is_inherited_can_be_taken_out(tmp_path: Path) -> None:
    base = "[models.lightgbm]\nseed = 1\n[models.trees]\nkind = 'random_forest'\n[universe]\nsize = 3\nfocus = ['A']\n"
    own = 'extends = "base.toml"\nwithout = ["models.lightgbm", "universe.focus"]\n'
    found = written_settings(write(tmp_path, base=base, own=own))
    assert found.values == {"models": {"trees": {"kind": "random_forest"}}, "universe": {"size": 3}}
    assert set(found.origins) == {"models.trees.kind", "universe.size"}


def test_a_relative_folder_is_that_of_the_file_that_says_it(home: Path) -> None:
    shared = home / "shared"
    (shared / "mine").mkdir(parents=True)
    write(shared, base='[features]\nfolder = "mine"\n[storage]\nmodels = "kept"\n')
    (home / "ats.toml").write_text('extends = "shared/base.toml"\n[storage]\ndata = "here"\n')
    found = load_settings()
    assert found.features.folder == shared / "mine"
    assert found.storage.models == shared / "kept"
    assert found.storage.data == home / "here"
    assert found.storage.warehouse == home / "warehouse" / "synthetic", "what no file says is of the settings file"


def test_a_wrong_value_is_said_with_the_file_that_it_is_from(home: Path) -> None:
    write(home, base="[universe]\nsize = 0\n[training]\nhorizon_sessions = 0\n")
    (home / "ats.toml").write_text('extends = "base.toml"\n[training]\nhorizon_sessions = -1\n')
    with pytest.raises(SettingsError, match=r"universe\.size \(in .*base\.toml\): .*training\.horizon_sessions: ") as caught:
        load_settings()
    assert "2 wrong settings in" in str(caught.value)


def test_the_environment_wins_over_all_files_and_is_an_origin(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, base="[universe]\nsize = 3\nmin_price = 2.0\n")
    (home / "ats.toml").write_text('extends = "base.toml"\n[universe]\nmin_price = 3.0\n')
    monkeypatch.setenv("ATS_UNIVERSE__SIZE", "4")
    assert load_settings().universe.size == 4
    origins = setting_origins()
    assert (origins["universe.size"], Path(origins["universe.min_price"]).name) == ("ATS_UNIVERSE__SIZE", "ats.toml")


names = st.sampled_from("abc")
tables: st.SearchStrategy[Any] = st.recursive(
    st.integers(0, 9) | st.lists(st.integers(0, 3), max_size=2) | st.text(max_size=4) | st.booleans() | st.floats(allow_nan=False),
    lambda inner: st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def merged(under: Any, over: Any) -> Any:
    """The rule, written once more: tables are merged, all else is replaced."""
    if not isinstance(under, dict) or not isinstance(over, dict):
        return copy.deepcopy(over)
    return {
        name: merged(under[name], over[name]) if name in under and name in over else (over if name in over else under)[name]
        for name in {**under, **over}
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(names, tables, max_size=3), min_size=1, max_size=4))
def test_a_chain_is_one_layer_over_the_other(tmp_path_factory: pytest.TempPathFactory, layers: list[dict[str, Any]]) -> None:
    """Also that what is written as TOML is read as it was."""
    folder = tmp_path_factory.mktemp("chain", numbered=True)
    expected: Any = {}
    for n, layer in enumerate(layers):
        (folder / f"{n}.toml").write_text(toml_text(({"extends": f"{n - 1}.toml"} if n else {}) | layer), encoding="utf-8")
        expected = merged(expected, layer)
    assert written_settings(folder / f"{len(layers) - 1}.toml").values == expected
