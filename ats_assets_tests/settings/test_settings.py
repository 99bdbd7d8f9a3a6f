"""Where settings come from, which win, and what is said of a wrong one."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, ValidationError

import ats_assets.settings as module
from ats_assets.errors import SettingsError
from ats_assets.settings import Settings, load_settings, settings_file


def write(home: Path, text: str) -> None:
    (home / "ats.toml").write_text(text, encoding="utf-8")


def sections(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Every section below `model`, by its dotted path."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield path + name, field.annotation
            yield from sections(field.annotation, f"{path}{name}.")


def test_an_empty_file_means_the_defaults(home: Path) -> None:
    settings = load_settings()
    assert settings.calendar.exchange == "XNYS"
    assert settings.labels.horizons_sessions == (1, 5, 20)
    assert settings.storage.warehouse == home / "warehouse" / "synthetic"


def test_the_project_s_own_file_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(module.__file__).resolve().parents[2]
    monkeypatch.setenv("ATS_SETTINGS", str(root / "ats.toml"))
    assert load_settings().storage.models == root / "models" / "synthetic"


def test_the_file_is_read(home: Path) -> None:
    write(home, '[calendar]\nexchange = "XLON"\nfirst_session = 2015-01-01\n[source.synthetic]\nseed = 8\n[universe]\nfocus = ["A", "B"]\n')
    settings = load_settings()
    assert (settings.calendar.exchange, settings.calendar.first_session) == ("XLON", date(2015, 1, 1))
    assert settings.source.synthetic.seed == 8
    assert settings.source.synthetic.symbols == 60
    assert settings.universe.focus == ("A", "B")


def test_the_environment_wins_over_the_file_and_arguments_over_both(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        home,
        "[training]\nembargo_sessions = 1\ntrain_sessions = 100\n[models.lightgbm]\nseed = 1\nnum_leaves = 7\n[source.synthetic]\nseed = 8\nsymbols = 9\n",
    )
    monkeypatch.setenv("ATS_MODELS__LIGHTGBM__SEED", "2")
    monkeypatch.setenv("ATS_TRAINING__EMBARGO_SESSIONS", "2")
    monkeypatch.setenv("ATS_SOURCE__SYNTHETIC__SEED", "10")
    monkeypatch.setenv("ATS_LABELS__HORIZONS_SESSIONS", "[1, 5]")
    monkeypatch.setenv("ats_bars__suspicions__stale_sessions", "6")
    settings = load_settings(universe={"size": 3})
    assert settings.models == {"lightgbm": {"seed": "2", "num_leaves": 7}}  # what a number is, the model's own class says
    assert (settings.training.embargo_sessions, settings.training.train_sessions) == (2, 100)
    assert (settings.source.synthetic.seed, settings.source.synthetic.symbols) == (10, 9)
    assert settings.labels.horizons_sessions == (1, 5)
    assert settings.bars.suspicions.stale_sessions == 6
    assert settings.universe.size == 3
    assert load_settings(models={"lightgbm": {"seed": 3}}).models["lightgbm"]["seed"] == 3


@pytest.mark.parametrize("path", ["exchnge", "training.sed", "source.synthetic.sed", "bars.suspicions.spike"])
def test_an_unknown_key_in_the_file_is_named(home: Path, path: str) -> None:
    section, _, key = path.rpartition(".")
    write(home, f"[{section}]\n{key} = 1\n" if section else f"{key} = 1\n")
    with pytest.raises(SettingsError, match=re.escape(path)) as caught:
        load_settings()
    assert str(home / "ats.toml") in str(caught.value)


@pytest.mark.parametrize("name", ["ATS_TRAINING__SED", "ATS_SOURCE__SYNTHETIC__SED", "ATS_SOURC__KIND", "ats_lightgmb__seed"])
def test_an_unknown_key_in_the_environment_is_named(home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    dotted = name.lower().removeprefix("ats_").replace("__", ".")
    assert name in str(caught.value) or dotted in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[universe]\nsize = 0\n", r"universe\.size: .*greater than or equal to 1"),
        ('[source]\nkind = "../mine"\n', r"source\.kind: .*should match pattern"),
        ("[source]\npaht = 1\n", r"source\.paht: there is no such setting; did you mean path\?"),
        ("[tuning.ridge]\ntrials = 4\n", r"tuning\.ridge: there is no such setting; there are models, trials, .*budget_fits"),
        ("[confidence]\nlevels = 0.8\n", r"confidence\.levels: there is no such setting; did you mean level\?"),
        ('[automation]\nretrain_at = "half past ten"\n', r"automation\.retrain_at"),
        ("[labels]\nhorizons_sessions = [1, 20]\n", r"training\.horizon_sessions is 5, but labels\.horizons_sessions has only \[1, 20\]"),
        ("[bars.suspicions]\ntwin_sessions = 40\n", r"bars\.suspicions: .*raise lookback_sessions"),
        ("[option_strategies.wheel]\ncapital = 1.4\n", r"option_strategies: the strategies have 1\.4 of the equity"),  # no "Value error"
        ("[universe\n", r"can't be read"),
    ],
)
def test_a_wrong_value_is_said_with_its_place(home: Path, text: str, said: str) -> None:
    write(home, text)
    with pytest.raises(SettingsError, match=said):
        load_settings()


def test_every_wrong_setting_is_said_at_once(home: Path) -> None:
    write(home, "[universe]\nsize = 0\n[training]\nhorizon_sessions = 0\n")
    with pytest.raises(SettingsError, match=r"2 wrong settings.*universe\.size.*training\.horizon_sessions"):
        load_settings()


def test_an_environment_value_that_is_no_json_is_said_to_be_unreadable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATS_UNIVERSE__FOCUS", "AAPL,MSFT")
    with pytest.raises(SettingsError, match=r"focus|universe"):
        load_settings()


def test_a_file_that_ats_settings_names_must_be_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATS_SETTINGS", str(home / "other.toml"))
    with pytest.raises(SettingsError, match=r"ATS_SETTINGS names .*other\.toml.*correct it or unset it"):
        load_settings()


def test_without_ats_settings_the_current_folder_s_file_is_taken_or_the_project_s(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATS_SETTINGS")
    monkeypatch.chdir(home)
    assert settings_file() == home / "ats.toml"
    (home / "ats.toml").unlink()
    assert settings_file() == Path(module.__file__).resolve().parents[2] / "ats.toml"


def test_storage_is_relative_to_the_file_and_a_source_to_the_current_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    write(home, '[storage]\nmodels = "../m"\nwarehouse = "/w"\n[source]\npath = "bars.csv"\n')
    settings = load_settings()
    assert settings.storage.models == home.parent / "m"
    assert settings.storage.warehouse == Path("/w")
    assert settings.storage.data == home / "data"
    assert settings.source.files.path == elsewhere / "bars.csv"


def test_the_two_names_of_the_source_s_path_mean_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATS_SOURCE__PATH", "~/bars")
    short = load_settings()
    monkeypatch.delenv("ATS_SOURCE__PATH")
    monkeypatch.setenv("ATS_SOURCE__FILES__PATH", "~/bars")
    assert load_settings() == short
    assert short.source.files.path == Path("~/bars").expanduser()


def test_settings_are_frozen(home: Path) -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.universe.size = 3  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValidationError, match="frozen"):
        settings.universe = settings.universe  # pyright: ignore[reportAttributeAccessIssue]


def test_every_section_is_frozen_refuses_unknown_keys_and_says_what_it_is() -> None:
    for path, section in sections(Settings):
        assert section.model_config.get("frozen"), path
        assert section.model_config.get("extra") == "forbid", path
        assert section.__doc__, path


UNITS = (
    "sessions",
    "bps",
    "share",
    "seconds",
    "rounds",
    "weight",
    "gross",
    "net",
    "turnover",
    "price",
    "ic",
    "rows",
    "path",
    "cash",
    "commission",
    "band",
)
PLAIN = {
    "kind", "seed", "size", "symbols", "focus", "objective", "label", "threads", "max_bin", "num_leaves", "learning_rate", "min_data_in_leaf", "columns",
    "feature_fraction", "bagging_fraction", "lambda_l2", "enabled", "experiment", "method", "top_k", "quantile", "warehouse", "models",
    "fractional_shares", "delisting_haircut",
}  # fmt: skip
"""Fields whose name says all, among them LightGBM's own parameters."""


def test_a_field_has_a_description_a_unit_in_its_name_or_a_name_that_says_all() -> None:
    unexplained = [
        f"{path}.{name}"
        for path, section in sections(Settings)
        for name, field in section.model_fields.items()
        if not field.description
        and name not in PLAIN
        and not any(unit in name for unit in UNITS)
        and not any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in (field.annotation, *get_args(field.annotation)))
    ]
    assert not unexplained, f"give these a description (or a unit in the name): {unexplained}"


def test_the_section_of_old_says_where_its_settings_are_now(home: Path) -> None:
    write(home, "[lightgbm]\ntrain_sessions = 100\n")
    with pytest.raises(SettingsError, match=r"\[training\] holds families, .*\[models.lightgbm\] what is LightGBM's own"):
        load_settings()


def test_a_model_must_not_be_too_old_before_the_next_fit() -> None:
    with pytest.raises(SettingsError, match=r"max_age_sessions is 63, .* up to 66 sessions: set it to 66 or more"):
        load_settings(training={"refit": "quarterly"})
    assert load_settings(training={"refit": "quarterly", "max_age_sessions": 66}).training.refit == "quarterly"
