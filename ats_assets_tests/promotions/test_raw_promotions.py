"""The champion by challenges in the graph: the same bytes however it is made, with a person's decisions replayed; and nothing of it where a single model is traded."""

import base64
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import asset_name
from ats_assets.predictions.score_explanation import explain_score
from ats_assets.promotions import PromotionDecision, journal_of
from ats_assets.runs.signals_table import signals_heading
from ats_assets.serving.queries.known_models import champion_titles
from ats_assets.serving.queries.stored_signals import signals_rows
from ats_assets.storage.vintages import DELIVERED
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.promotions.titled_market import LAST, decide, made_market, titled_market
from ats_assets_tests.small_market import FIRST, Files, files_of, make_history, run_job, small_market


def champions(deployment: Deployment, last: date) -> dict[date, str]:
    rows = deployment.warehouse.read("champion", deployment.calendar.sessions(FIRST, last))
    return dict(rows.filter("is_champion").select("session", "model").iter_rows())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Deployment, Files]:
    """A history with a promotion and a rollback, made in one go."""
    deployment = made_market(tmp_path_factory)
    return deployment, files_of(deployment.settings.storage.data.parent)


def test_a_promotion_and_a_rollback_are_traded_from_their_sessions_on_and_say_who_and_why(whole: tuple[Deployment, Files]) -> None:
    deployment, last = whole[0], LAST
    found = champions(deployment, last)
    assert {day for day, name in found.items() if name == "forest"} == set(
        deployment.calendar.sessions(date(2021, 2, 17), date(2021, 3, 2))
    )
    rows = deployment.warehouse.read("champion", [date(2021, 2, 17), date(2021, 3, 3)]).filter("is_champion")["reason"].to_list()
    assert rows[0] == "champion since 2021-02-17: promoted by ann at 2021-02-17 12:00 UTC: more trees"
    assert rows[1] == "champion since 2021-03-03: rolled back to by bob at 2021-03-03 12:00 UTC: fewer trees"
    day = date(2021, 2, 24)
    lane = deployment.warehouse.read("forest_predictions", [day])
    assert deployment.warehouse.read("predictions", [day]).equals(lane)


def test_a_replay_in_two_parts_and_of_single_partitions_gives_the_same_bytes(whole: tuple[Deployment, Files], tmp_path: Path) -> None:
    last, files = LAST, whole[1]
    again = titled_market(tmp_path)
    decide(again)
    middle = again.calendar.offset(FIRST, 33)
    assert make_history(again, FIRST, middle).success
    assert make_history(again, again.calendar.offset(middle, 1), last).success
    assert files_of(tmp_path) == files
    for session in (last, date(2021, 3, 3), date(2021, 2, 17)):  # alone, and backwards
        assert run_job(again, "history", [session], ["raw_promotions", "model_skill", "champion", "predictions"]).success
    assert files_of(tmp_path) == files


def test_a_decision_that_is_told_too_late_changes_no_partition_that_was_made(whole: tuple[Deployment, Files], tmp_path: Path) -> None:
    last, files = LAST, whole[1]
    late = titled_market(tmp_path)
    late.of(journal_of).add(
        PromotionDecision(action="promote", model="forest", who="ann", reason="more trees", known_at=datetime(2021, 2, 17, 12, tzinfo=UTC))
    )
    assert make_history(late, FIRST, date(2021, 3, 5)).success
    before = {name: content for name, content in files_of(tmp_path).items() if "/champion/" in name or "/predictions/" in name}
    assert before
    late.of(journal_of).add(
        PromotionDecision(
            action="rollback", model="lightgbm", who="bob", reason="fewer trees", known_at=datetime(2021, 3, 3, 12, tzinfo=UTC)
        )
    )
    assert make_history(late, FIRST, last).success
    after = files_of(tmp_path)
    assert {name: after[name] for name in before} == before
    assert len(late.warehouse.stamps("raw_promotions", date(2021, 3, 4))) == 2, "what was told later is kept beside what was known"
    found = champions(late, last)
    assert [one.asset for one in healing_of(late).stale()] == [], "nor makes it stale: a partition reads what was known then"
    assert found[date(2021, 3, 5)] == "forest"
    assert found[last] == "lightgbm"
    assert files != after


def test_a_single_model_has_nothing_of_it_and_a_rule_without_persons_no_delivery(tmp_path: Path) -> None:
    def names(**changes: object) -> set[str]:
        deployment = small_market(tmp_path, **changes)  # pyright: ignore[reportArgumentType]
        return {asset_name(key) for key in build(deployment).resolve_asset_graph().materializable_asset_keys}

    of_titles = {"raw_promotions", "model_skill", "champion"}
    assert not names(models={"deepalpha": {"kind": "lightgbm"}}, champion={"rule": "challenge"}) & of_titles
    assert names(models={"lightgbm": {}, "other": {"kind": "lightgbm"}}) & of_titles == {"champion"}
    assert names(models={"lightgbm": {}, "other": {"kind": "lightgbm"}}, champion={"rule": "challenge"}) >= of_titles
    assert "raw_promotions" in DELIVERED


def test_skill_is_compared_on_the_symbols_that_both_scored(whole: tuple[Deployment, Files]) -> None:
    deployment, last = whole[0], LAST
    rows = deployment.warehouse.read("model_skill", deployment.calendar.window(last, 10))
    assert rows.group_by("decision_session").agg(pl.col("n_symbols").n_unique(), pl.col("model").n_unique()).drop(
        "decision_session"
    ).unique().rows() == [(1, 2)]


def test_the_report_has_the_picture_of_champions_and_why_they_changed(whole: tuple[Deployment, Files], tmp_path: Path) -> None:
    root = tmp_path / "market"
    shutil.copytree(whole[0].settings.storage.data.parent, root)
    deployment = titled_market(root)
    assert run_job(deployment, "backtest_reports", [], ["backtest", "backtest_report"]).success
    page = (deployment.warehouse.root / "backtest_report" / "report.html").read_text(encoding="utf-8")
    for said in (
        "2 changes of champion in",
        "promoted by ann at 2021-02-17 12:00 UTC: more trees",
        "rolled back to by bob at 2021-03-03 12:00 UTC: fewer trees",
        "forest is champion",
    ):
        assert said in page


def test_a_score_is_explained_by_the_champion_that_made_it(whole: tuple[Deployment, Files]) -> None:
    deployment, day = whole[0], date(2021, 2, 24)
    symbol = deployment.warehouse.read("predictions", [day])["symbol"][0]
    told = explain_score(deployment, symbol, day)
    assert told is not None
    assert told.model == "forest_model"
    assert told.champion == "forest: champion since 2021-02-17: promoted by ann at 2021-02-17 12:00 UTC: more trees"


def test_signals_name_the_champion_that_made_them(whole: tuple[Deployment, Files]) -> None:
    rows = signals_rows(whole[0], date(2021, 2, 24))
    assert rows["champion"] == "forest"
    assert signals_heading(rows).endswith(f"model of {rows['model_session']}, champion forest")


def test_the_champion_tells_its_history_to_the_ui(whole: tuple[Deployment, Files], tmp_path: Path) -> None:
    root = tmp_path / "market"
    shutil.copytree(whole[0].settings.storage.data.parent, root)
    run = run_job(titled_market(root), "history", [LAST], ["champion"])
    (made,) = [event for event in run.get_asset_materialization_events() if event.asset_key and asset_name(event.asset_key) == "champion"]
    shown = made.materialization.metadata
    assert shown["champion"].value == "lightgbm"
    assert "rolled back to by bob" in str(shown["why"].value)
    table = str(shown["promotions"].value).splitlines()
    assert [line.split("|")[3].strip() for line in table[2:]] == ["lightgbm", "forest", "lightgbm"]
    picture = base64.b64decode(str(shown["history"].value).split("base64,")[1][:-1])
    titles = [one.text for one in ET.fromstring(picture).iter() if one.tag.endswith("title")]
    assert "forest from 2021-02-17 to 2021-03-02" in titles
    lanes = whole[0].warehouse.read("predictions", whole[0].calendar.sessions(FIRST, LAST), ["session"])
    first = lanes["session"].min()
    assert f"lightgbm from {first} to 2021-02-16" in titles, "before that nobody predicted"
    assert table[-1].split("|")[1].strip() == f"{first}"
    assert champion_titles(whole[0])[-1]["session"] == first
    assert champions(whole[0], LAST).keys() >= {FIRST}
