"""The Dagster runs of a command, and the order in which they are run.

Models are fitted by threads beside the graph (`models.fits_ahead`). For these to have work while the graph goes on, a part of a history is two runs, and what the models of the next
part read is made before what is made of the models of this one:

    before(1)  before(2)  after(1)  before(3)  after(2)  after(3)
               fits(1)              fits(2)    fits(3)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.models.choosing import models
from ats_assets.orchestration.graph import asset_key

PRIORITY = "dagster/priority"
"""Of a check that waits for a second process, below zero: it is one of the later half."""


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One Dagster run: a job, over sessions or (none) over assets without partitions."""

    job: str
    assets: tuple[str, ...]
    sessions: tuple[date, ...] = ()
    checks: frozenset[dg.AssetCheckKey] | None = None
    """None: those of the assets."""

    @property
    def name(self) -> str:
        """A name for people."""
        if not self.sessions:
            return ", ".join(self.assets).replace("_", " ")
        first, last = self.sessions[0], self.sessions[-1]
        return f"{first}" if first == last else f"{first} to {last}"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A run of a part, or of half of it: what is made before its models, or the rest.

    Attributes
    ----------
    part
        The whole.
    before, after
        The half; both None: the whole.
    """

    part: PlannedRun
    before: PlannedRun | None = None
    after: PlannedRun | None = None

    @property
    def now(self) -> PlannedRun:
        """What is run."""
        return self.before or self.after or self.part


def turns(parts: Sequence[PlannedRun], definitions: dg.Definitions, deployment: Deployment) -> list[Turn]:
    """The runs of some parts, in halves where several follow each other that make models and what these read; then all others, in order."""
    several = [part for part in parts if part.sessions and part.assets == parts[0].assets]
    before, after = _halves(several[0], definitions, deployment) if len(several) > 1 else (None, None)
    if before is None or after is None:
        return [Turn(part=part) for part in parts]
    first = [Turn(part=part, before=replace(before, sessions=part.sessions)) for part in several]
    second = [Turn(part=part, after=replace(after, sessions=part.sessions)) for part in several]
    order = [first[0], *(turn for pair in zip(first[1:], second[:-1], strict=True) for turn in pair), second[-1]]
    return order + [Turn(part=part) for part in parts if part not in several]


def _halves(part: PlannedRun, definitions: dg.Definitions, deployment: Deployment) -> tuple[PlannedRun | None, PlannedRun | None]:
    """What a part makes that no model is behind, and the rest; None where there is no model among it, or nothing before."""
    graph = definitions.resolve_asset_graph()
    fitted = {asset_key(deployment, model.asset) for model in deployment.of(models).values() if model.asset in part.assets}
    behind, children = set(fitted), {key: graph.get(key).child_keys for key in graph.materializable_asset_keys}
    while more := {child for key in behind for child in children.get(key, ())} - behind:
        behind |= more
    keys = {asset_key(deployment, name): name for name in part.assets}
    before = tuple(name for key, name in keys.items() if key not in behind)
    if not fitted or not before:
        return None, None
    late = {key for check in definitions.asset_checks or () if int(check.node_def.tags.get(PRIORITY, 0)) < 0 for key in check.check_keys}
    checks = {key for key in graph.asset_check_keys if key.asset_key in keys}
    early = frozenset(key for key in checks if key.asset_key not in behind and key not in late)
    after = tuple(name for name in part.assets if name not in before)
    return replace(part, assets=before, checks=early), replace(part, assets=after, checks=frozenset(checks - early))
