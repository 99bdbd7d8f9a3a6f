"""What the assets of a graph declare, as rules for the lineage, which knows no Dagster."""

from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

from ats_assets.deployment import Deployment
from ats_assets.lineage import AssetRule, LineageRules, PartitionWindow
from ats_assets.orchestration.graph import BEGINS_WITH, CODE, EXPORT, RECORD, SETTINGS, TELLS_RESTATEMENTS, VINTAGES, asset_name, reads_of
from ats_assets.storage.vintages import VINTAGES_OF


def rules_of(deployment: Deployment, graph: BaseAssetGraph) -> LineageRules:
    """What the assets of a graph declare, for the lineage."""
    rules: list[AssetRule] = []
    for key in graph.materializable_asset_keys:
        node, name = graph.get(key), asset_name(key)
        if RECORD in node.metadata or EXPORT in node.metadata:
            continue
        windows = [PartitionWindow(asset=r.asset, back=r.back, lag=r.lag) for r in reads_of(node.metadata)]
        if node.partitions_def is None:
            windows = [PartitionWindow(asset=asset_name(parent)) for parent in sorted(node.parent_keys)]
        rules.append(
            AssetRule(
                asset=name,
                windows=tuple(windows),
                code_version=_text(node.metadata, CODE),
                settings_version=_text(node.metadata, SETTINGS),
                made_with=tuple(sorted(asset_name(other) for other in node.execution_set_asset_keys)) or (name,),
                partitioned=node.partitions_def is not None,
                refit=deployment.carried(name),
                from_source=VINTAGES in node.metadata,
                vintages_of=VINTAGES_OF.get(name, ""),
                tells_restatements=TELLS_RESTATEMENTS in node.metadata,
                begins_with=tuple(filter(None, _text(node.metadata, BEGINS_WITH).split(", "))),
            )
        )
    return LineageRules(sorted(rules, key=lambda rule: rule.asset))


def _text(metadata: Mapping[str, object], key: str) -> str:
    value = metadata.get(key, "")
    return value.text or "" if isinstance(value, dg.TextMetadataValue) else str(value)
