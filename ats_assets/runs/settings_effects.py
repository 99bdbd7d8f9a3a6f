"""What a change of settings does to the assets: which of them were made with other settings then, and so are stale."""

from ats_assets.automation.lineage_rules import rules_of
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.lineage.rules import AssetRule
from ats_assets.runs.startup import quiet
from ats_assets.settings import Settings


def settings_effects(old: Settings, new: Settings) -> dict[str, list[str]]:
    """Compare what the assets of two graphs declare; both are built, which takes seconds.

    Returns
    -------
    dict of lists of assets
        `stale`: made with other settings or code, or reading other assets. `reading them`: rebuilt after those, where their content has changed.
        `new`, `gone`: in one of the graphs only.
    """
    with quiet():
        before, after = (_rules(settings) for settings in (old, new))
    both = [name for name in after if name in before]
    stale = {name for name in both if _made_with(before[name]) != _made_with(after[name])}
    reading: set[str] = set()
    while more := {
        name for name in both if name not in stale | reading and {window.asset for window in after[name].windows} & (stale | reading)
    }:
        reading |= more
    return {
        "stale": sorted(stale),
        "reading them": sorted(reading),
        "new": sorted(set(after) - set(before)),
        "gone": sorted(set(before) - set(after)),
    }


def _rules(settings: Settings) -> dict[str, AssetRule]:
    deployment = Deployment(settings)
    return {rule.asset: rule for rule in rules_of(deployment, build(deployment).resolve_asset_graph())}


def _made_with(rule: AssetRule) -> tuple[object, ...]:
    return rule.code_version, rule.settings_version, rule.windows
