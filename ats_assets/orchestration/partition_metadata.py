"""Metadata of the partitions of a step, told to Dagster all at once.

Dagster's `add_asset_metadata` lists every partition of the run for each partition that something is said of, to see that it is one of them, and copies all that was
said before: 1 to 2 ms a partition and asset in a run of some hundred sessions. The materialisations that come of it are the same, which a test shows.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.execution.context.metadata_logging import AssetMetadataHandle, OutputMetadataAccumulator
from dagster._core.execution.context.system import StepExecutionContext


def add_partition_metadata(step: StepExecutionContext, asset: dg.AssetKey, metadata: Mapping[str, Mapping[str, Any]]) -> None:
    """Add to what was said of the partitions of an asset.

    Parameters
    ----------
    metadata
        By partition key.

    Raises
    ------
    DagsterInvariantViolationError
        If the step does not make the asset.
    """
    if step.assets_def is None or asset not in step.assets_def.keys:
        raise dg.DagsterInvariantViolationError(f"{asset.to_user_string()} is not made by the step {step.step.key}")
    said = dict(step._metadata_accumulator.per_output_metadata)
    for partition, more in metadata.items():
        handle = AssetMetadataHandle(asset_key=asset, partition_key=partition)
        said[handle] = {**said.get(handle, {}), **more}
    step._metadata_accumulator = OutputMetadataAccumulator(per_output_metadata=said)
