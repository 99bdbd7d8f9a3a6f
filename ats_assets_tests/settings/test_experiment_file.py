from datetime import date
from pathlib import Path

import pytest

from ats_assets.errors import SettingsError
from ats_assets.settings.experiment_file import Experiment, read_experiment


def written(folder: Path, text: str) -> Experiment:
    for name in ("base", "trees", "forest"):
        (folder / f"{name}.toml").write_text("", encoding="utf-8")
    file = folder / "horizons.toml"
    file.write_text(text, encoding="utf-8")
    return read_experiment(file)


def test_each_combination_is_a_variant_and_the_last_setting_changes_fastest(tmp_path: Path) -> None:
    found = written(tmp_path, '[sweep]\n"training.horizon_sessions" = [5, 10]\n"portfolio.top_k" = [1, 2]\n')
    assert [one.name for one in found.variants] == [
        f"horizon_sessions={horizon},top_k={k}" for horizon, k in ((5, 1), (5, 2), (10, 1), (10, 2))
    ]
    assert found.variants[2].changes == {"training.horizon_sessions": 10, "portfolio.top_k": 1}
    assert (found.name, found.base, found.first, found.last) == ("horizons", None, None, None)


def test_files_can_be_swept_over_and_variants_listed(tmp_path: Path) -> None:
    text = """
[experiment]
name = "mine"
base = "base.toml"
first = 2021-01-04
[sweep]
extends = ["trees.toml", ["trees.toml", "forest.toml"], []]
[[variant]]
name = "careful"
extends = "forest.toml"
set = { "portfolio.max_turnover" = 0.2, training = { label = "raw" } }
"""
    found = written(tmp_path, text)
    assert [one.name for one in found.variants] == ["trees", "trees+forest", "base", "careful"]
    assert [len(one.extends) for one in found.variants] == [1, 2, 0, 1]
    assert found.variants[-1].differs == {"extends": "forest", "portfolio.max_turnover": 0.2, "training.label": "raw"}
    assert (found.base, found.first) == (tmp_path / "base.toml", date(2021, 1, 4))


def test_values_that_are_no_names_still_make_one(tmp_path: Path) -> None:
    found = written(tmp_path, '[sweep]\n"universe.focus" = [["A/B", "C"]]\n"features.report" = [true]\n"a.x" = [0.5]\n"b.x" = ["p q"]\n')
    assert found.variants[0].name == "focus=A-B+C,report=true,a.x=0.5,b.x=p-q"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no variants"),
        ('[sweep]\n"a.b" = []\n', r"\[sweep\] a\.b is an empty list"),
        ('[sweep]\n"a.b" = 3\n', r"sweep\.a\.b: .*list"),
        ("[sweep]\nhorizon = [1]\n", r"horizon of the variant .* is no setting: write section\.name"),
        ('[sweep]\n"storage.data" = ["x"]\n', r"changes storage\.data, which belongs to the base"),
        ('[[variant]]\nname = "a"\n[[variant]]\nname = "a"\n', "several variants are called a"),
        ('[[variant]]\nname = "Careful"\n[[variant]]\nname = "careful"\n', "several variants are called Careful"),
        ('[sweep]\n"a.b" = [["' + "x" * 300 + '"]]\n', r"a name of 302 letters, too long for a folder \(b=xxx.*: write it as"),
        ('[[variant]]\nname = "../a"\n', r"variant\.0\.name: .*match pattern"),
        ('[[variant]]\nname = "a"\nextends = "none.toml"\n', r"names .*none\.toml, which is not a file"),
        ('[experiment]\nbasis = "x"\n', r"experiment\.basis: there is no such setting; did you mean base\?"),
        ("[sweep\n", r"horizons\.toml can't be read"),
        ('[sweep]\n"a.b" = ' + str([*range(1001)]), "more than 1,000"),
    ],
)
def test_what_is_wrong_is_said_with_its_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        written(tmp_path, text)
    assert "horizons.toml" in str(caught.value)
