"""The graph as a text that is kept beside this file, so that a change of it shows in review; and what every asset must say of itself."""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

import ats_assets.definitions
from ats_assets.definitions import STAGES, build
from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import RECORD
from ats_assets.settings import load_settings
from ats_assets_tests.small_market import small_market

SNAPSHOT = Path(__file__).with_name("graph.txt")
WRITE = "ATS_WRITE_GRAPH"
"""Set to anything, this environment variable makes `test_the_graph_is_the_one_in_the_snapshot` write the file again."""
WRITING = os.environ.get(WRITE)  # read here, since the tests run without any variable of this form


@pytest.fixture(scope="module")
def graph() -> dg.Definitions:
    """The graph with the default settings."""
    return build(Deployment(load_settings()))


def window(mapping: dg.PartitionMapping | None) -> str:
    """The sessions of an upstream asset that a partition reads."""
    if not isinstance(mapping, dg.TimeWindowPartitionMapping):
        return ""
    first, last = mapping.start_offset, mapping.end_offset
    return "[D]" if first == last == 0 else f"[D{first}]" if first == last else f"[D{first} .. D{last or ''}]"


def drawn(definitions: dg.Definitions) -> str:
    """The graph in lines."""
    return "\n".join([*assets_of(definitions), *checks_of(definitions), *runs_of(definitions), ""])


def assets_of(definitions: dg.Definitions) -> Iterator[str]:
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    for group in dict.fromkeys(group for stage in STAGES for group in getattr(stage, "GROUPS", (stage.GROUP,))):
        if any(spec.group_name == group for spec in specs.values()):  # some stages have assets only where settings name them
            yield group
        for name, spec in sorted(specs.items()):
            if spec.group_name == group:
                yield f"    {name}    ({', '.join(sorted(spec.kinds))}; {'by session' if spec.partitions_def else 'not partitioned'})"
                for dep in sorted(spec.deps, key=lambda dep: dep.asset_key):
                    yield f"        < {dep.asset_key.to_user_string()} {window(dep.partition_mapping)}".rstrip()


def checks_of(definitions: dg.Definitions) -> Iterator[str]:
    yield "checks"
    for check in sorted(definitions.resolve_asset_graph().asset_check_keys, key=str):
        spec = definitions.resolve_asset_graph().get_check_spec(check)
        yield f"    {check.asset_key.to_user_string()}.{check.name}{'    blocking' if spec.blocking else ''}"


def runs_of(definitions: dg.Definitions) -> Iterator[str]:
    yield "jobs"
    repository = definitions.get_repository_def()
    for job in sorted(repository.get_all_jobs(), key=lambda job: job.name):
        if not job.name.startswith("__"):
            yield f"    {job.name}    ({'by session' if job.partitions_def else 'not partitioned'})"
            selected = job.asset_layer.executable_asset_keys
            yield f"        {', '.join(sorted(key.to_user_string() for key in selected))}"
    yield "schedules"
    yield from (f"    {s.name}    {s.cron_schedule} {s.execution_timezone} -> {s.job_name}" for s in repository.schedule_defs)
    yield "sensors"
    yield from (
        f"    {s.name}    every {s.minimum_interval_seconds} s -> {', '.join(target.job_name for target in s.targets) or 'no run'}"
        for s in repository.sensor_defs
    )


def test_the_graph_is_the_one_in_the_snapshot(graph: dg.Definitions) -> None:
    now = drawn(graph)
    if WRITING:
        SNAPSHOT.write_text(now, encoding="utf-8")
    assert now == SNAPSHOT.read_text(encoding="utf-8"), (
        f"the graph differs from {SNAPSHOT.name}; if that is meant, write it again with {WRITE}=1 pytest {Path(__file__).name}, and commit it"
    )


def test_every_asset_says_what_it_is(graph: dg.Definitions) -> None:
    for spec in graph.resolve_all_asset_specs():
        name = spec.key.to_user_string()
        assert spec.description, f"{name} has no description"
        assert len(spec.description) > 30, f"{name} has no description worth the name"
        assert spec.group_name != "default", f"{name} has no group"
        assert spec.kinds, f"{name} has no kinds"
        assert list(spec.owners) == ["team:research"], f"{name} has no owner"
        assert spec.code_version, f"{name} has no code version"


def test_every_frame_shows_its_columns_with_descriptions(graph: dg.Definitions) -> None:
    specs = {spec.key.to_user_string(): spec for spec in graph.resolve_all_asset_specs()}
    built = Deployment(load_settings())
    build(built)
    for name, schema in built.schemas.items():
        shown = specs[name].metadata["dagster/column_schema"]
        table = shown.value if isinstance(shown, dg.TableSchemaMetadataValue) else shown
        assert isinstance(table, dg.TableSchema)
        assert [column.name for column in table.columns] == schema.names(), name
        assert not [column.name for column in table.columns if not column.description], f"{name} has columns without a description"
    assert {name for name, spec in specs.items() if spec.partitions_def} == {*built.schemas, "lightgbm_model"} - {"backtest"}


def test_every_check_and_job_and_automation_says_what_it_is(graph: dg.Definitions) -> None:
    checks = graph.resolve_asset_graph()
    assert not [key for key in checks.asset_check_keys if not checks.get_check_spec(key).description]
    repository = graph.get_repository_def()
    assert not [job.name for job in repository.get_all_jobs() if not job.name.startswith("__") and not job.description]
    assert not [made.name for made in (*repository.schedule_defs, *repository.sensor_defs) if not made.description]


def test_every_partitioned_asset_but_the_records_of_orders_can_be_made_over_a_range_in_one_run(graph: dg.Definitions) -> None:
    nodes = graph.resolve_asset_graph()
    for spec in graph.resolve_all_asset_specs():
        if spec.partitions_def:
            expected = dg.BackfillPolicy.multi_run(1) if spec.group_name == "orders" else dg.BackfillPolicy.single_run()
            assert nodes.get(spec.key).backfill_policy == expected, spec.key
            assert (RECORD in spec.metadata) == (spec.group_name == "orders")


def test_the_definitions_are_loadable_and_every_job_resolves(home: Path) -> None:
    lazy = importlib.reload(ats_assets.definitions).defs
    loaded = lazy.load_definitions() if hasattr(lazy, "load_definitions") else lazy()  # pyright: ignore[reportCallIssue]
    assert isinstance(loaded, dg.Definitions)
    dg.Definitions.validate_loadable(loaded)
    loaded.get_repository_def().load_all_definitions()


def test_nothing_is_written_by_loading_the_graph(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    before = sorted(home.rglob("*"))
    build(Deployment(load_settings())).get_repository_def().load_all_definitions()
    assert sorted(home.rglob("*")) == before


def test_another_exchange_is_another_set_of_partitions(tmp_path: Path) -> None:
    deployment = small_market(tmp_path, calendar={"exchange": "24/7"})
    definitions = build(deployment)
    (spec,) = [spec for spec in definitions.resolve_all_asset_specs() if spec.key == dg.AssetKey("raw_bars")]
    assert spec.partitions_def is not None
    assert spec.partitions_def.has_partition_key("2021-01-09")  # a Saturday
    (schedule,) = definitions.get_repository_def().schedule_defs
    assert schedule.execution_timezone == "UTC"
