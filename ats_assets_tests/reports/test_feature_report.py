"""The feature report as an asset: where settings want it, of what is stored, and what it was made from."""

from datetime import date
from pathlib import Path

import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.evaluation.stored_factors import evaluate_family
from ats_assets.features.choosing import families
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.small_market import make_history, run_job, small_market

FIRST, LAST = date(2021, 1, 4), date(2021, 3, 12)
MADE = ("raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions", "trend")
CHANGES = {"features": {"families": (), "report": True}, "training": {"families": ("trend",)}}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A small market's features and forward returns."""
    deployment = small_market(tmp_path_factory.mktemp("features"), **CHANGES)
    make_history(deployment, FIRST, LAST, [*MADE, "forward_returns"])
    return deployment


def test_it_is_an_asset_only_where_settings_want_it(tmp_path: Path) -> None:
    plain = build(small_market(tmp_path))
    assert "feature_report" not in {key.to_user_string() for key in plain.resolve_all_asset_keys()}


def test_the_asset_shows_each_family_and_tells_what_it_read(stored: Deployment) -> None:
    run = run_job(stored, "backtest_reports", assets=["feature_report"])
    (made,) = run.asset_materializations_for_node("feature_report")
    table = made.metadata["trend"].value
    found = evaluate_family(stored, stored.of(families)["trend"], features=[*stored.of(families)["trend"].expressions], horizon_sessions=5)
    for skill in found.skills:
        own = skill.horizon(5)
        assert own.rank_ic is not None
        assert f"| {skill.feature} | {own.rank_ic:+.4f} |".replace("-", "−") in table
    path = Path(made.metadata["path"].value)
    page = path.read_text(encoding="utf-8")
    assert all(skill.feature in page for skill in found.skills)
    run_job(stored, "backtest_reports", assets=["feature_report"])
    assert path.read_text(encoding="utf-8") == page

    def stale() -> list[str]:
        return [one.asset for one in healing_of(stored).stale() if one.asset in {"feature_report", "forward_returns"}]

    assert stale() == []
    make_history(stored, date(2021, 3, 15), date(2021, 3, 15), [*MADE, "forward_returns"])
    assert stale() == ["feature_report"]
