"""What is said of partitions all at once is in their materialisations as if it had been said of one after the other."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from ats_assets.orchestration.partition_metadata import add_partition_metadata

KEYS = [f"p{i}" for i in range(5)]
PARTITIONS = dg.StaticPartitionsDefinition(KEYS)
SAID = {key: {"rows": i, "note": dg.MetadataValue.md(f"*{i}*")} for i, key in enumerate(KEYS[:4])}
Say = Callable[[dg.AssetExecutionContext], None]


def one_by_one(context: dg.AssetExecutionContext) -> None:
    for key, said in SAID.items():
        context.add_asset_metadata(said, partition_key=key)


def at_once(context: dg.AssetExecutionContext) -> None:
    add_partition_metadata(context.op_execution_context.get_step_execution_context(), context.asset_key, SAID)


def of_another(context: dg.AssetExecutionContext) -> None:
    add_partition_metadata(context.op_execution_context.get_step_execution_context(), dg.AssetKey("another"), SAID)


def told(say: Say) -> dict[str | None, Any]:
    @dg.asset(partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
    def thing(context: dg.AssetExecutionContext) -> None:
        context.add_asset_metadata({"all": True})
        context.add_asset_metadata({"rows": -1, "before": "kept"}, partition_key=KEYS[1])
        say(context)
        context.add_asset_metadata({"after": "kept"}, partition_key=KEYS[2])

    tags = {"dagster/asset_partition_range_start": KEYS[0], "dagster/asset_partition_range_end": KEYS[-1]}
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([thing], instance=instance, tags=tags)
    return {event.partition: event.materialization.metadata for event in result.get_asset_materialization_events()}


def test_the_materialisations_are_those_of_dagsters_own_calls() -> None:
    found = told(at_once)
    assert found == told(one_by_one)
    assert set(found) == set(KEYS)
    assert set(found[KEYS[1]]) >= {"all", "before", "rows", "note"}
    assert found[KEYS[1]]["rows"] == dg.MetadataValue.int(1)


def test_an_asset_that_the_step_does_not_make_is_named() -> None:
    with pytest.raises(dg.DagsterInvariantViolationError, match="another is not made by the step thing"):
        told(of_another)
