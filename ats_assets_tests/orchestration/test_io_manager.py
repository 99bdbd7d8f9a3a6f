"""Frames between assets and the warehouse, by a graph of three small assets that are defined as the real ones are."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ats_assets.automation.requests import range_tags
from ats_assets.deployment import Deployment
from ats_assets.errors import ContractError, MissingPartitionError
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.io_manager import WarehouseIOManager
from ats_assets.orchestration.made_so_far import made_so_far
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.streaming import InBlocks, SessionRows, Streamed
from ats_assets.settings import LabelsSettings
from ats_assets.storage.atomic_file import FileGroup
from ats_assets_tests.small_market import FIRST, small_market

SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "close": pl.Float64})
Make = Callable[[Sequence[date]], pl.DataFrame | InBlocks | Streamed]


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return small_market(tmp_path)


@pytest.fixture
def days(deployment: Deployment) -> list[date]:
    return deployment.calendar.sessions(FIRST, date(2021, 2, 1))


def rows(sessions: Sequence[date]) -> pl.DataFrame:
    """Two symbols a session; the session after the first has none."""
    pairs = [(symbol, day, float(day.toordinal())) for day in sessions if day != date(2021, 1, 5) for symbol in ("A", "B")]
    return pl.DataFrame(pairs, schema=SCHEMA, orient="row")


def graph(deployment: Deployment, make: Make = rows) -> dg.Definitions:
    """raw_bars -> closes (of D) -> means (of D-2 to D)."""
    settings = (LabelsSettings(),)
    raw = Node(name="raw_bars", group="test", kinds=frozenset(), code=("ats_assets.errors",), settings=settings, vintages=True)
    closes = Node(name="closes", group="test", kinds=frozenset(), reads=(Reads(asset="raw_bars"),), code=("ats_assets.errors",))
    means = Node(name="means", group="test", kinds=frozenset(), reads=(Reads(asset="closes", back=3, lag=1),), code=("ats_assets.errors",))

    @raw.asset(deployment)
    def raw_bars(context: dg.AssetExecutionContext) -> Any:
        """As delivered."""
        return make(sessions_of(context.partition_keys))

    @closes.asset(deployment, ins=closes.ins())
    def checked(raw_bars: pl.DataFrame) -> pl.DataFrame:
        """The same."""
        return raw_bars

    @means.asset(deployment, ins=means.ins())
    def averaged(context: dg.AssetExecutionContext, closes: pl.DataFrame) -> pl.DataFrame:
        """How many rows the run was handed, and their newest session."""
        read = pl.DataFrame(
            {"symbol": [f"{closes.height}"], "close": [float(closes["session"].max().toordinal()) if closes.height else None]}
        )  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]
        return (
            pl.DataFrame({"session": sessions_of(context.partition_keys)})
            .join(read, how="cross")
            .select("symbol", "session", pl.col("close").cast(pl.Float64))
        )

    deployment.schemas |= dict.fromkeys(("raw_bars", "closes", "means"), SCHEMA)
    return dg.Definitions(
        assets=[raw_bars, checked, averaged],
        resources={"io_manager": WarehouseIOManager(deployment)},
        jobs=[dg.define_asset_job("all", executor_def=dg.in_process_executor)],
    )


def run(definitions: dg.Definitions, sessions: Sequence[date], *assets: str) -> dg.ExecuteInProcessResult:
    """Materialise the sessions in one run; all assets, or the named ones."""
    with dg.DagsterInstance.ephemeral() as instance:
        return definitions.resolve_job_def("all").execute_in_process(
            instance=instance,
            partition_key=str(sessions[0]) if len(sessions) == 1 else None,
            tags=range_tags(sessions) if len(sessions) > 1 else {},
            asset_selection=[dg.AssetKey(name) for name in assets] or None,
        )


def test_a_range_run_s_frame_is_split_over_its_sessions(deployment: Deployment, days: list[date]) -> None:
    result = run(graph(deployment), days[:6], "raw_bars", "closes")
    warehouse = deployment.warehouse
    assert warehouse.stored_sessions("closes") == days[:6]
    for day in days[:6]:
        assert_frame_equal(warehouse.read("closes", [day]), rows([day]))
    made = {
        event.partition: event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("closes")
    }
    assert set(made) == {str(day) for day in days[:6]}
    shown = made[str(days[2])]
    assert shown["dagster/row_count"].value == 2
    assert shown["data_version"].value == warehouse.footer("closes", days[2]).data_version
    assert shown["path"].value == str(warehouse.path("closes", days[2]))
    assert made[str(days[1])]["dagster/row_count"].value == 0


def test_a_partition_without_rows_is_a_file_with_the_schema(deployment: Deployment, days: list[date]) -> None:
    run(graph(deployment), [days[1]], "raw_bars", "closes")
    stored = deployment.warehouse.read("closes", [days[1]])
    assert (stored.height, stored.schema) == (0, SCHEMA)


def test_alone_or_in_a_range_the_files_are_the_same_bytes(deployment: Deployment, days: list[date]) -> None:
    run(graph(deployment), days[:5])
    before = {day: deployment.warehouse.path("closes", day).read_bytes() for day in days[:5]}
    for day in (days[4], days[1], days[0]):
        deployment.warehouse.path("closes", day).unlink()
        run(graph(deployment), [day], "closes")
        assert deployment.warehouse.path("closes", day).read_bytes() == before[day]


def test_inputs_are_the_rows_of_the_sessions_that_are_mapped(deployment: Deployment, days: list[date]) -> None:
    run(graph(deployment), days[:7], "raw_bars", "closes")
    run(graph(deployment), [days[6]], "means")
    assert deployment.warehouse.read("means", [days[6]]).row(0) == ("6", days[6], float(days[5].toordinal()))
    run(graph(deployment), days[4:7], "means")
    assert deployment.warehouse.read("means", [days[4]]).row(0)[0] == "8"  # days 1 to 5, of which one is empty


def test_what_lies_before_history_is_an_empty_frame(deployment: Deployment, days: list[date]) -> None:
    run(graph(deployment), days[:2])
    assert deployment.warehouse.read("means", [days[0]]).row(0) == (
        "2",
        days[0],
        float(days[0].toordinal()),
    )  # the range of two reads the first
    run(graph(deployment), [days[0]])
    assert deployment.warehouse.read("means", [days[0]]).row(0) == ("0", days[0], None)


def test_the_first_session_of_the_calendar_reads_nothing(deployment: Deployment) -> None:
    deployment.asked_sessions = (deployment.calendar.first,)
    run(graph(deployment), [deployment.calendar.first])
    assert deployment.warehouse.read("means", [deployment.calendar.first]).row(0)[0] == "0"
    assert deployment.warehouse.footer("means", deployment.calendar.first).upstream == {"closes": {}}


def test_the_footer_names_versions_and_everything_that_was_read(deployment: Deployment, days: list[date]) -> None:
    definitions = graph(deployment)
    run(definitions, days[:6])
    warehouse = deployment.warehouse
    footer = warehouse.footer("means", days[5])
    assert (footer.asset, footer.session) == ("means", str(days[5]))
    assert footer.upstream == {"closes": warehouse.data_versions("closes", days[2:5])}
    assert warehouse.footer("means", days[1]).upstream == {"closes": warehouse.data_versions("closes", days[:1])}
    (spec,) = [spec for spec in definitions.resolve_all_asset_specs() if spec.key == dg.AssetKey("raw_bars")]
    raw = warehouse.footer("raw_bars", days[0])
    assert raw.code_version == spec.code_version
    assert raw.settings_version != warehouse.footer("closes", days[0]).settings_version
    assert raw.upstream == {}


def test_a_second_delivery_is_a_vintage_beside_the_first(deployment: Deployment, days: list[date]) -> None:
    run(graph(deployment), days[:1], "raw_bars")
    assert list(deployment.warehouse.vintages("raw_bars", days[0])) == [deployment.calendar.closes_at(days[0])]
    run(graph(deployment), days[:1], "raw_bars")
    assert len(deployment.warehouse.vintages("raw_bars", days[0])) == 1
    run(graph(deployment, lambda sessions: rows(sessions).head(1)), days[:1], "raw_bars")
    assert len(deployment.warehouse.vintages("raw_bars", days[0])) == 2
    assert deployment.warehouse.read("raw_bars", days[:1]).height == 1


@pytest.mark.parametrize("sessions", [slice(0, 1), slice(0, 4)], ids=["alone", "range"])
def test_a_missing_upstream_partition_is_named_with_its_command(deployment: Deployment, days: list[date], sessions: slice) -> None:
    run(graph(deployment), days[:4], "raw_bars")
    deployment.warehouse.path("raw_bars", days[2]).unlink()
    deployment.warehouse.path("raw_bars", days[3]).unlink()
    wanted = days[2:][sessions][:2]
    with pytest.raises(
        MissingPartitionError,
        match=rf"raw_bars has no partition for {days[2]}.*dagster asset materialize .*--select raw_bars --partition {days[2]}",
    ):
        run(graph(deployment), wanted, "closes")
    assert not deployment.warehouse.exists("closes", days[2])


def test_rows_of_a_session_that_was_not_asked_for_are_refused_and_nothing_is_written(deployment: Deployment, days: list[date]) -> None:
    with pytest.raises(
        ContractError, match=rf"raw_bars made rows for {days[4]}, which is not among the sessions asked for \({days[0]} to {days[2]}\)"
    ):
        run(graph(deployment, lambda sessions: rows([*sessions, days[4]])), days[:3], "raw_bars")
    nothing = rows(days[:1]).with_columns(session=pl.lit(None, pl.Date))
    with pytest.raises(ContractError, match="rows for None"):
        run(graph(deployment, lambda sessions: nothing), days[:1], "raw_bars")
    assert deployment.warehouse.stored_sessions("raw_bars") == []


def test_files_share_one_wait_for_the_disk_and_no_event_says_that_one_is_there_before_it_is(
    deployment: Deployment, days: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    finished: list[int] = []
    told: list[Path] = []
    finish = FileGroup.finish

    def counted(group: FileGroup) -> None:
        finished.append(len(group))
        finish(group)

    monkeypatch.setattr(FileGroup, "finish", counted)
    with dg.DagsterInstance.ephemeral() as instance:
        store = instance.event_log_storage.store_event

        def judged(event: dg.EventLogEntry) -> None:
            made = event.asset_materialization
            if made is not None:
                path = Path(str(made.metadata["path"].value))
                assert deployment.warehouse.fault(path, again=True) is None
                assert deployment.warehouse.footer_of(path).data_version == made.metadata["data_version"].value
                assert [entry.name for entry in path.parent.iterdir()] == [path.name]
                told.append(path)
            store(event)

        monkeypatch.setattr(instance.event_log_storage, "store_event", judged)
        job = graph(deployment).resolve_job_def("all")
        assert job.execute_in_process(instance=instance, tags=range_tags(days)).success
    assert len(set(told)) == len(told) == 3 * len(days)
    assert [count for count in finished if count > 1] == [len(days)] * 3


@pytest.mark.parametrize("by_session", [False, True])
def test_a_step_that_is_written_piece_by_piece_says_how_many_sessions_it_has(
    deployment: Deployment, days: list[date], by_session: bool
) -> None:
    told: list[tuple[str, int, int]] = []
    deployment.of(made_so_far).on_written = lambda *made: told.append(made)
    blocks = InBlocks(parts=((block, rows(block)) for block in (days[:4], days[4:6])))
    known = datetime(2024, 3, 1, tzinfo=UTC)
    single = Streamed(parts=(SessionRows(session=day, rows=rows([day]), known=known) for day in days[:6]))
    run(graph(deployment, lambda _: single if by_session else blocks), days[:6], "raw_bars")
    assert deployment.warehouse.stored_sessions("raw_bars") == days[:6]
    assert told == [("raw_bars", n, 6) for n in (range(1, 7) if by_session else (4, 6))]
