"""The sensor that heals: one run after the other, upstream first, until nothing is stale."""

from collections.abc import Callable

import dagster as dg

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets_tests.asked_events import asked_instance
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.small_market import differences, files_of, run_job

Changed = Callable[..., Deployment]


def tick(deployment: Deployment, instance: dg.DagsterInstance) -> list[dg.RunRequest] | str:
    definitions = build(deployment)
    sensor = definitions.resolve_sensor_def("stale_sensor")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    context = dg.build_sensor_context(instance=instance, definitions=definitions)
    found = sensor.evaluate_tick(context)
    return list(found.run_requests or []) or str(found.skip_message)


def test_asks_for_what_is_stale_upstream_first_and_stops(changed: Changed) -> None:
    deployment = changed()
    root = deployment.warehouse.root.parent
    before = files_of(root)
    days = deployment.warehouse.stored_sessions("universe")
    for asset, day in (("universe", days[30]), ("universe", days[31]), ("signals", days[50])):
        deployment.warehouse.path(asset, day).unlink()
    (root / "warehouse" / "backtest_report" / "report.html").write_text("damaged")
    asked: list[tuple[str | None, list[str]]] = []
    with asked_instance() as instance:
        while isinstance(found := tick(deployment, instance), list):
            (request,) = found
            assets = [key.to_user_string() for key in request.asset_selection or []]
            asked.append((request.job_name, assets))
            assert request.job_name is not None
            sessions = days[30:32] if assets == ["universe"] else days[50:51] if assets == ["signals"] else []
            run_job(deployment, request.job_name, sessions, assets)
    assert asked == [("history", ["universe"]), ("history", ["signals"]), ("backtest_reports", ["backtest_report"])]
    assert found == "nothing is stale"
    assert differences(files_of(root), before) == []
    assert healing_of(deployment).stale() == []


def test_waits_for_a_run_that_is_at_work_and_asks_again_for_nothing_that_failed(changed: Changed) -> None:
    deployment = changed()
    deployment.warehouse.path("universe", deployment.warehouse.stored_sessions("universe")[30]).unlink()
    with asked_instance() as instance:
        (request,) = tick(deployment, instance)
        assert isinstance(request, dg.RunRequest)
        job = build(deployment).resolve_job_def("history")
        run = instance.create_run_for_job(job, tags=dict(request.tags), status=dg.DagsterRunStatus.STARTED)
        assert "history is running" in str(tick(deployment, instance))
        instance.report_run_failed(run)
        assert "failed" in str(tick(deployment, instance))
