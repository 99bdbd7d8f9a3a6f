"""Which families there are, which are assets, and which a model may use together."""

from pathlib import Path

import polars as pl
import pytest

from ats_assets.errors import ContractError, FeatureError, SettingsError
from ats_assets.features import joined
from ats_assets.features.built_in import ALPHA158, ALPHA360, FAMILIES
from ats_assets.features.choosing import chosen_families, families_of_model, own_families

ONE = '[features]\nA1 = "$close / $open"\n'


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_built_in_ones() -> None:
    assert FAMILIES["alpha158"].expressions == ALPHA158
    assert FAMILIES["alpha360"].expressions == ALPHA360


def test_own_ones_are_found_by_their_files(tmp_path: Path) -> None:
    write(tmp_path, mine=ONE, other=ONE, _draft="not read", **{".hidden": "not read"})
    (tmp_path / "README.md").write_text("not read", encoding="utf-8")
    assert list(own_families(tmp_path)) == ["mine", "other"]
    assert own_families(tmp_path / "nowhere") == {}


def test_an_own_one_can_t_have_a_built_in_name(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=r"alpha360\.toml: there is a built-in family `alpha360`; give the file another name"):
        own_families(write(tmp_path, alpha360=ONE))


def test_assets_are_the_named_the_model_s_and_all_own_ones(tmp_path: Path) -> None:
    write(tmp_path, mine=ONE)
    assert list(chosen_families(["alpha158"], ["alpha158"], tmp_path / "nowhere")) == ["alpha158"]
    assert list(chosen_families(["alpha158"], ["alpha158"], tmp_path)) == ["alpha158", "mine"]
    assert list(chosen_families([], ["mine"], tmp_path)) == ["mine"]
    assert list(chosen_families(["mine"], ["alpha360"], tmp_path)) == ["mine", "alpha360"]


@pytest.mark.parametrize("setting", ["features.families", "training.families"])
def test_a_name_of_no_family_is_refused(tmp_path: Path, setting: str) -> None:
    names, of_model = (["alpha159"], ["alpha158"]) if setting.startswith("features") else (["alpha158"], ["alpha159"])
    with pytest.raises(SettingsError, match=rf"{setting} names `alpha159`, which is no family: built in are alpha158, .* there are mine"):
        chosen_families(names, of_model, write(tmp_path, mine=ONE))


def test_a_model_s_factors_need_names_of_their_own(tmp_path: Path) -> None:
    families = chosen_families(["alpha360"], ["alpha158"], write(tmp_path, mine=ONE))
    assert list(families_of_model(["mine", "alpha158"], families)) == ["mine", "alpha158"]
    with pytest.raises(FeatureError, match="two factors named OPEN0, one of alpha158 and one of alpha360"):
        families_of_model(["alpha158", "alpha360"], families)
    with pytest.raises(SettingsError, match=r"^event_training.families names a family twice: mine, mine"):  # it named training.families
        families_of_model(["mine", "mine"], families, "event_training.families")


LEFT = pl.DataFrame({"symbol": ["A", "B", "A"], "session": [1, 1, 2], "x": [1.0, 2.0, 3.0]})
RIGHT = LEFT.select("symbol", "session", y=pl.col("x") * 10, z=pl.col("x"))


def test_frames_are_joined_row_by_row() -> None:
    assert joined({"one": LEFT}) is LEFT
    assert joined({"one": LEFT, "two": RIGHT}).equals(LEFT.join(RIGHT, on=["symbol", "session"], maintain_order="left"))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (RIGHT.head(2), "two lacks 1 rows of one, such as A at 2"),
        (pl.concat([RIGHT, RIGHT.head(1).with_columns(symbol=pl.lit("C"))]), "two has 1 rows more than one, such as C at 1"),
        (RIGHT.reverse(), "in another order or more than once"),
        (pl.concat([RIGHT, RIGHT.head(1)]), "in another order or more than once"),
    ],
)
def test_frames_of_other_rows_are_refused(other: pl.DataFrame, message: str) -> None:
    with pytest.raises(ContractError, match=f"{message}: materialise both"):
        joined({"one": LEFT, "two": other})
