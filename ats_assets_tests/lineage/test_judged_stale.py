"""What is told of the last look at what is stale: that of the same settings, and none other."""

from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.lineage import LineageIndex, LineageRules, judge
from ats_assets.lineage.judged_stale import stale_counts
from ats_assets_tests.lineage.test_judging import World, rule
from ats_assets_tests.small_market import small_market


def look(deployment: Deployment, rules: LineageRules) -> None:
    index = LineageIndex(deployment)
    index.refresh()
    judge(deployment, rules, index)


def test_a_look_under_other_settings_says_nothing_of_what_is_there(tmp_path: Path) -> None:
    world = World(tmp_path, seed=1)
    own = world.deployment
    assert stale_counts(own) is None, "nobody has looked yet"
    current = LineageRules([rule("features")])
    own.warehouse.write("features", world.days[0], world.rows(), code_version="c", settings_version="s", upstream={})
    look(own, current)
    assert stale_counts(own) == {}
    tried = small_market(tmp_path, portfolio={"top_k": 2})
    changed = LineageRules([rule("features", settings_version="of top_k = 2")])
    look(tried, changed)
    assert stale_counts(tried) == {"features": 1}
    assert stale_counts(own) is None, "what a change would make stale is not stale"
    look(own, current)
    assert stale_counts(own) == {}
    look(small_market(tmp_path, portfolio={"top_k": 4}), current)
    assert stale_counts(small_market(tmp_path, portfolio={"top_k": 4})) == {}, "verdicts that stand are of the newest settings"
