"""The champion is what the skill known at the last refit session says, whatever else is stored."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import SettingsError
from ats_assets.evaluation.schema import SKILL_SCHEMA
from ats_assets.predictions.champion import champion_rows, of_champion
from ats_assets.predictions.contracts import Champion
from ats_assets.settings import ChampionSettings, load_settings
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, files_of, make_history, small_market

DAYS = [date(2024, 1, day) for day in range(1, 31)]
SETTINGS = ChampionSettings(lookback_sessions=10, min_judged_sessions=3)


def skill(values: dict[int, float | None]) -> pl.DataFrame:
    """Rank ICs by the place of the session at which they became known."""
    rows = [
        {"session": DAYS[i], "decision_session": DAYS[i], "rank_ic": ic, "horizon_sessions": 1, "model_session": DAYS[0], "n_symbols": 5}
        for i, ic in values.items()
    ]
    return pl.DataFrame(rows, schema=SKILL_SCHEMA)


def chosen(skills: dict[str, pl.DataFrame], refit: int, **changes: object) -> str:
    rows = champion_rows(skills, {DAYS[-1]: DAYS[refit]}, DAYS, SETTINGS.model_copy(update=changes))
    Champion.validate(rows)
    return rows.filter("is_champion")["model"].item()


def test_the_best_skill_known_at_the_refit_session_wins() -> None:
    skills = {"a": skill({5: 0.01, 6: 0.01, 7: 0.01, 9: 9e-1}), "b": skill({5: 0.02, 6: 0.02, 7: 0.02})}
    assert chosen(skills, refit=8) == "b"
    assert chosen(skills, refit=9) == "a"  # from the session on at which its outcome was known
    assert chosen(skills, refit=9, rule="fixed") == "a"
    assert chosen(skills, refit=8, rule="fixed", model="a") == "a"


def test_what_is_not_judged_often_enough_does_not_run_and_ties_go_to_the_first() -> None:
    few, many = skill({5: 0.5, 6: 0.5, 7: None}), skill({5: 0.0, 6: 0.0, 7: 0.0})
    assert chosen({"few": few, "many": many}, refit=8) == "many"
    assert chosen({"few": few, "many": few}, refit=8) == "few"
    assert chosen({"one": many, "other": many}, refit=8) == "one"
    assert (
        chosen({"one": many, "other": skill({5: 0.3, 6: 0.3, 7: 0.3})}, refit=20) == "one"
    )  # ten sessions later nothing is known of either


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_outcomes_after_the_refit_session_change_nothing(data: st.DataObject) -> None:
    values = st.dictionaries(st.integers(0, 29), st.floats(-1, 1), max_size=20)
    skills = {name: data.draw(values) for name in ("a", "b", "c")}
    refit = data.draw(st.integers(0, 29))
    whole = champion_rows({name: skill(found) for name, found in skills.items()}, {DAYS[-1]: DAYS[refit]}, DAYS, SETTINGS)
    known = {name: skill({i: ic for i, ic in found.items() if i <= refit}) for name, found in skills.items()}
    assert champion_rows(known, {DAYS[-1]: DAYS[refit]}, DAYS, SETTINGS).equals(whole)
    means = {name: [ic for i, ic in found.items() if refit - 10 < i <= refit] for name, found in skills.items()}
    runs = {name: sum(ics) / len(ics) for name, ics in means.items() if len(ics) >= 3}
    assert runs.get(whole.filter("is_champion")["model"].item(), 2.0) >= max(runs.values(), default=0.0) - 1e-12


def test_two_models_and_the_champions_predictions_are_traded(tmp_path: Path) -> None:
    models = {**EARLY_MODELS["models"], "forest": {"kind": "random_forest", "trees": 3, "min_samples_leaf": 5}}
    changes = {**EARLY_MODELS, "models": models, "champion": {"lookback_sessions": 10, "min_judged_sessions": 3}}
    deployment = small_market(tmp_path / "whole", **changes)
    last = deployment.calendar.offset(FIRST, 44)
    assert make_history(deployment, FIRST, last).success
    warehouse, days = deployment.warehouse, deployment.calendar.sessions(FIRST, last)
    champion = warehouse.read("champion", days)
    lanes = {name: warehouse.read(f"{name}_predictions", days) for name in models}
    assert of_champion(champion, lanes).equals(warehouse.read("predictions", days))
    assert set(champion.filter("is_champion")["model"]) == {"lightgbm", "forest"}, "the market is made so that both run"
    assert champion.filter("is_champion").group_by("session").len()["len"].unique().to_list() == [1]
    assert warehouse.read("signals", [last]).height == 10
    again = small_market(tmp_path / "again", **changes)
    assert make_history(again, FIRST, deployment.calendar.offset(FIRST, 20)).success
    assert make_history(again, deployment.calendar.offset(FIRST, 21), last).success
    assert files_of(tmp_path / "again") == files_of(tmp_path / "whole")


def test_a_champion_that_is_no_model_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"champion\.model is 'forest', which is none of \[models\]: choose one of lightgbm"):
        load_settings(champion={"model": "forest"})
