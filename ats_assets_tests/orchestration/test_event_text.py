"""The text of an event is Dagster's own, whatever is in it; `test_event_rows` compares the tables of a run, too."""

import math
from datetime import date
from enum import Enum
from typing import Any, NamedTuple

import dagster as dg
import pytest
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._serdes import ConfigurableClassData, deserialize_value, serialize_value
from dagster_shared.serdes.errors import SerializationError

from ats_assets.orchestration.event_text import event_text

METADATA: dict[str, Any] = {
    "text": "“é” \u2028 \\ \n",
    "empty": "",
    "int": dg.MetadataValue.int(-(2**70)),
    "float": 0.1,
    "nan": math.nan,
    "infinite": -math.inf,
    "bool": dg.MetadataValue.bool(True),
    "null": None,
    "json": {"z": [1, {"b": None, "a": (2, 3)}], "__class__": "no class"},
    "md": dg.MetadataValue.md("![](data:image/svg+xml;base64,AAAA)"),
    "url": dg.MetadataValue.url("https://example.org/?a=1&b=2"),
    "path": dg.MetadataValue.path("/a/b"),
    "notebook": dg.MetadataValue.notebook("/a.ipynb"),
    "python": dg.MetadataValue.python_artifact(date),
    "asset": dg.AssetKey(["a", "b"]),
    "run": dg.MetadataValue.dagster_run("12"),
    "job": dg.MetadataValue.job("job", "location"),
    "timestamp": dg.MetadataValue.timestamp(1_700_000_000.5),
    "schema": dg.TableSchema(
        columns=[dg.TableColumn("a", "float", description="an", constraints=dg.TableColumnConstraints(nullable=False, other=["> 0"]))],
        constraints=dg.TableConstraints(other=["unique"]),
    ),
    "table": dg.MetadataValue.table([dg.TableRecord({"a": 1, "b": "x"})]),
    "lineage": dg.MetadataValue.column_lineage(dg.TableColumnLineage({"a": [dg.TableColumnDep(dg.AssetKey("b"), "c")]})),
    "references": dg.MetadataValue.code_location_reconstruction("x"),
}


@pytest.mark.parametrize("name", METADATA)
def test_any_metadata_are_written_as_dagster_writes_them(name: str) -> None:
    made = dg.AssetMaterialization("a", metadata={name: METADATA[name], "second": 1}, tags={"t": "v"}, partition="2024-03-01")
    assert event_text(made) == serialize_value(made)


def test_what_dagster_packs_differently_is_left_to_it() -> None:
    values: list[Any] = [
        {"b": {"y", "x"}, "a": frozenset({"q"})},
        (1, "two", [dg.AssetKey("a")]),
        dg.AssetCheckSeverity.WARN,
        dg.DagsterRun(job_name="job", run_id="a" * 32, tags={"x": "y"}, status=dg.DagsterRunStatus.STARTED),
        dg.AssetCheckKey(dg.AssetKey("a"), "check"),
        ConfigurableClassData("module", "Class", "a: 1\n"),
        ReconstructableJob(ReconstructableRepository.for_module("module", "made"), "job", op_selection={"b", "a"}),
    ]
    for value in values:
        assert event_text(value) == serialize_value(value)


def test_a_text_is_read_back_by_dagster() -> None:
    made = dg.AssetMaterialization("a", metadata=METADATA | {"nan": 1.0, "json": [1]}, partition="2024-03-01")
    assert deserialize_value(event_text(made), dg.AssetMaterialization) == made


class Unknown(NamedTuple):
    value: int


class Strange(Enum):
    ONE = 1


@pytest.mark.parametrize("value", [Unknown(1), Strange.ONE, object(), [Unknown(1)]])
def test_what_dagster_can_not_store_is_refused_as_it_refuses_it(value: Any) -> None:
    with pytest.raises(SerializationError):
        event_text(value)
