"""What `ats models` tells and decides, over a market in which two persons have decided."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, SettingsError
from ats_assets.evaluation.skill import skill
from ats_assets.promotions import journal_of
from ats_assets.promotions.promoting import promote, roll_back
from ats_assets.runs.model_comparison import compared_models
from ats_assets.serving.queries.known_models import known_models, model_facts
from ats_assets_tests.promotions.titled_market import LAST, made_market, titled_market
from ats_assets_tests.small_market import FIRST, small_market

NOW = datetime(2021, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return made_market(tmp_path_factory)


def test_the_list_has_the_active_version_and_the_champion_with_its_story(market: Deployment) -> None:
    lightgbm, forest = known_models(market)
    assert (lightgbm.name, lightgbm.kind, forest.kind) == ("lightgbm", "lightgbm", "random_forest")
    assert (lightgbm.is_champion, forest.is_champion) == (True, False)
    assert lightgbm.reason == "champion since 2021-03-03: rolled back to by bob at 2021-03-03 12:00 UTC: fewer trees"
    record = market.model_store("forest_model").active(LAST)
    assert (forest.fitted_session, forest.model_sha256) == (record.fitted_session, record.model_sha256)
    assert forest.age_sessions == market.calendar.count(record.fitted_session, LAST)  # pyright: ignore[reportArgumentType]


def test_the_facts_of_a_model_are_those_of_its_record(market: Deployment) -> None:
    facts = model_facts(market, "forest", date(2021, 2, 18))
    record = market.model_store("forest_model").active(date(2021, 2, 18))
    assert facts["sha256"] == record.model_sha256
    assert [one["name"] for one in facts["signature"]["inputs"]] == list(record.features)
    assert set(facts["data"]) >= {"alpha158", "trend", "universe", "forward_returns"}
    assert "scikit-learn" in facts["libraries"]
    assert Path(facts["file"]).is_file()
    with pytest.raises(SettingsError, match="there is no model 'gru' in the settings: choose one of lightgbm, forest"):
        model_facts(market, "gru", None)


def test_the_comparison_has_the_differences_that_each_models_own_skill_gives(market: Deployment) -> None:
    """Both models score the whole universe here, so that the symbols they share are all of them."""
    found = compared_models(market, "forest", "lightgbm")
    days = market.calendar.sessions(FIRST, LAST)
    own = {}
    for name in ("forest", "lightgbm"):
        judged = skill(market.warehouse.read(f"{name}_predictions", days), market.warehouse.read("forward_returns", days), days)
        own[name] = dict(judged.filter(horizon_sessions=1).select("decision_session", "rank_ic").iter_rows())
    both = sorted(own["forest"].keys() & own["lightgbm"].keys())[-found.ics.height :]
    assert found.ics["difference"].to_list() == [own["forest"][day] - own["lightgbm"][day] for day in both]
    assert found.challenge.paired.difference == pytest.approx(found.ics["difference"].mean())
    assert found.challenge.tries == 1, "two models, one refit session in five sessions"
    with pytest.raises(SettingsError, match="name two different models"):
        compared_models(market, "forest", "forest")
    with pytest.raises(SettingsError, match="choose two of lightgbm, forest"):
        compared_models(market, "gru", "forest")


def test_a_rollback_goes_to_the_champion_before_even_where_no_partition_knows_the_last_one_yet(market: Deployment, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    linked = titled_market(tmp_path)
    for name in ("warehouse", "models"):
        (tmp_path / name).symlink_to(getattr(market.settings.storage, name), target_is_directory=True)
    assert roll_back(linked, who="ann", reason="again", known_at=NOW).decision.model == "forest", "lightgbm is champion since 3 March"
    assert linked.of(journal_of).decisions()[-1].who == "ann"
    later = promote(linked, "lightgbm", who="ann", reason="after all", known_at=NOW.replace(day=11))
    assert (later.effective, later.remark) == (date(2021, 3, 11), "")
    undone = roll_back(linked, who="ann", reason="no", known_at=NOW.replace(day=12))
    assert (undone.decision.action, undone.decision.model, undone.effective) == ("rollback", "forest", date(2021, 3, 12))
    early = promote(linked, "forest", who="ann", reason="late", known_at=NOW.replace(day=1))
    assert "is made already" in early.remark
    beyond = promote(linked, "forest", who="ann", reason="late", known_at=NOW.replace(year=2026))
    assert "the source ends at 2021-06-09" in beyond.remark


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "lightgbm is the only model, which is traded: there is nothing to promote"),
        ({"models": {"lightgbm": {}, "b": {"kind": "lightgbm"}}}, "under which nobody is promoted: set champion.rule"),
    ],
)
def test_where_nobody_is_promoted_it_is_said_what_to_do(changes: dict[str, dict[str, object]], said: str, tmp_path: Path) -> None:
    deployment = small_market(tmp_path, **changes)
    with pytest.raises(SettingsError, match=said):
        promote(deployment, "lightgbm", who="ann", reason="x", known_at=NOW)
    assert not (tmp_path / "data").exists()


def test_a_promotion_needs_a_model_and_a_reason_and_a_rollback_somebody_before(tmp_path: Path) -> None:
    deployment = titled_market(tmp_path)
    with pytest.raises(SettingsError, match="there is no model 'gru' to promote: choose one of lightgbm, forest"):
        promote(deployment, "gru", who="ann", reason="x", known_at=NOW)
    with pytest.raises(SettingsError, match="a promotion needs a reason"):
        promote(deployment, "forest", who="ann", reason=" ", known_at=NOW)
    with pytest.raises(AtsError, match="there is none to go back to"):
        roll_back(deployment, who="ann", reason="x", known_at=NOW)


def test_a_single_model_is_its_own_champion_in_three_lines_of_settings(tmp_path: Path) -> None:
    """`[models.deepalpha]` and its kind are all that there is to set."""
    deployment = small_market(tmp_path, models={"deepalpha": {"kind": "lightgbm"}})
    (one,) = known_models(deployment)
    assert (one.name, one.kind, one.status, one.is_champion, one.reason) == ("deepalpha", "lightgbm", "not stored", True, "the only model")
    with pytest.raises(SettingsError, match="there is one model only"):
        compared_models(deployment, "deepalpha", "x")
    assert pl.DataFrame([vars(one)]).height == 1
