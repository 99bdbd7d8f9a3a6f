"""Rebuilding stale partitions: the graph's declarations as lineage rules, the order of rebuilding, and the sensor for it."""

from collections.abc import Iterator, Mapping
from datetime import date

import dagster as dg
import polars as pl
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.lineage import LineageIndex, Rule, Rules, Stale, Staleness, Window, contiguous, judge
from ats_assets.orchestration.graph import CODE, RECORD, SETTINGS, TELLS_RESTATEMENTS, VINTAGES, asset_name, reads_of
from ats_assets.storage.warehouse import DELIVERED, VINTAGES_OF, data_version

ASKED_AT_ONCE = 250
"""Sessions in one question to the source."""


def rules_of(deployment: Deployment, graph: BaseAssetGraph) -> Rules:
    """What the assets of a graph declare, for the lineage."""
    rules: list[Rule] = []
    for key in graph.materializable_asset_keys:
        node, name = graph.get(key), asset_name(key)
        if RECORD in node.metadata:
            continue
        windows = [Window(asset=r.asset, back=r.back, lag=r.lag) for r in reads_of(node.metadata)]
        if node.partitions_def is None:
            windows = [Window(asset=asset_name(parent)) for parent in sorted(node.parent_keys)]
        rules.append(
            Rule(
                asset=name,
                windows=tuple(windows),
                code_version=_text(node.metadata, CODE),
                settings_version=_text(node.metadata, SETTINGS),
                made_with=tuple(sorted(asset_name(other) for other in node.execution_set_asset_keys)) or (name,),
                partitioned=node.partitions_def is not None,
                refit=deployment.settings.training.refit if name in deployment.models else None,
                from_source=VINTAGES in node.metadata,
                vintages_of=VINTAGES_OF.get(name, ""),
                tells_restatements=TELLS_RESTATEMENTS in node.metadata,
            )
        )
    return Rules(sorted(rules, key=lambda rule: rule.asset))


def _text(metadata: Mapping[str, object], key: str) -> str:
    value = metadata.get(key, "")
    return value.text or "" if isinstance(value, dg.TextMetadataValue) else str(value)


def delivered_versions(deployment: Deployment) -> dict[str, dict[str, str]]:
    """Asset -> session (ISO) -> data version of what the source delivers now, for the stored sessions that it has.

    Raises
    ------
    SourceError
        If the source can't be read.
    """
    source = deployment.source
    first, latest = source.first_session(), source.latest_session()
    read = dict(zip(DELIVERED, (source.bars, source.actions), strict=True))
    versions: dict[str, dict[str, str]] = {}
    for asset, ask in read.items():
        sessions = [day for day in deployment.sessions(asset) if first <= day <= latest]
        found = versions.setdefault(asset, {})
        for run in contiguous(sessions, deployment.calendar, ASKED_AT_ONCE):
            rows = ask(run)
            found |= {day.isoformat(): data_version(rows.filter(pl.col("session") == day)) for day in run}
    return versions


class Healing:
    """The stale partitions of a deployment, asset after asset.

    Parameters
    ----------
    delivered
        See `Staleness`.
    full
        See `LineageIndex.refresh`.
    """

    def __init__(
        self, deployment: Deployment, rules: Rules, delivered: Mapping[str, Mapping[str, str]] | None = None, *, full: bool = True
    ) -> None:
        self._deployment = deployment
        self._rules = rules
        self._delivered = delivered
        self._full = full
        self.index = LineageIndex(deployment)

    def stale(self, *, deep: bool = False) -> list[Stale]:
        """All that is stale now, in the order in which it is to be made."""
        self.index.refresh(deep=deep, full=self._full)
        self._full = False  # what is made from now on is announced
        if self._delivered is not None:
            return Staleness(self._deployment, self._rules, self.index.entries(), self._delivered).stale()
        return judge(self._deployment, self._rules, self.index)

    def version(self, asset: str, session: str) -> str | None:
        """The data version of what is stored now, of all vintages where there are several; None where there is nothing that says it, or no partitions."""
        if not session:
            return None
        day, warehouse = date.fromisoformat(session), self._deployment.warehouse
        try:
            if asset not in VINTAGES_OF:
                return self._deployment.data_versions(asset, [day])[session]
            paths = [path for _, path in sorted(warehouse.made_vintages(asset, day).items())]
            return " ".join(f"{path.name}:{warehouse.footer_of(path).data_version}" for path in paths) or None
        except AtsError:
            return None

    def steps(self, longest: int) -> Iterator[tuple[tuple[str, ...], list[date], list[Stale]]]:
        """What to make next: assets, neighbouring sessions (none: no partitions), and why; judged anew whenever the caller has made what it was handed.

        Each asset comes after all that it reads. A carried model becomes stale only when the fit that it is carried from has been made, so an asset
        is asked again until nothing of it is stale; what is stale again right after it was made is not handed out twice.
        """
        for assets in self._rules.steps():
            handed: set[tuple[str, str]] = set()
            while stale := [one for one in self.stale() if one.asset in assets and (one.asset, one.session) not in handed]:
                handed |= {(one.asset, one.session) for one in stale}
                days = {one.session for one in stale}
                if "" in days:
                    yield assets, [], stale
                    continue
                for run in contiguous(map(date.fromisoformat, days), self._deployment.calendar, longest):
                    names = {day.isoformat() for day in run}
                    yield assets, run, [one for one in stale if one.session in names]
