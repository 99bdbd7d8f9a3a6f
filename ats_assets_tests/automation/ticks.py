"""Ticks of the schedule and the sensor of the real graph, over a small market."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import polars as pl

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.features.choosing import families
from ats_assets.features.schema import frame_schema
from ats_assets.models.learners.lightgbm import Unavailable
from ats_assets_tests.asked_events import asked_instance
from ats_assets_tests.small_market import FIRST, small_market

NEW_YORK = ZoneInfo("America/New_York")
LAST = date(2021, 3, 11)
"""The last session of the history, a Thursday before the Friday after which New York's clocks change."""
FRIDAY, MONDAY, TUESDAY = date(2021, 3, 12), date(2021, 3, 15), date(2021, 3, 16)


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


@lru_cache(maxsize=4)
def graph(deployment: Deployment) -> dg.Definitions:
    """The graph of a deployment, made once: it takes a second."""
    return build(deployment)


def world(root: Path, *, features: Sequence[date], models: Sequence[date]) -> Deployment:
    """A deployment that has features and models of the given sessions."""
    deployment = small_market(root, last_session=date(2021, 12, 31))
    for day in features:
        deployment.warehouse.write("bars", day, pl.DataFrame())
        for name, family in deployment.of(families).items():
            deployment.warehouse.write(name, day, frame_schema(family).to_frame())
    for day in models:
        deployment.model_store("lightgbm_model").write_unavailable(day, Unavailable(reason="a test"), {})
    return deployment


def night(deployment: Deployment, day: date) -> tuple[list[dg.RunRequest], str]:
    """What the schedule asks for in the evening of `day` in New York, and why nothing."""
    schedule = graph(deployment).resolve_schedule_def("nightly_retraining_schedule")
    at = datetime(day.year, day.month, day.day, 22, 30, tzinfo=NEW_YORK)
    with asked_instance() as instance:
        tick = schedule.evaluate_tick(
            dg.build_schedule_context(instance, scheduled_execution_time=at, repository_def=graph(deployment).get_repository_def())
        )
    return list(tick.run_requests or []), tick.skip_message or ""


def asked(requests: Sequence[dg.RunRequest]) -> list[tuple[str, str]]:
    """First and last session of each request."""
    keys = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    return [(r.partition_key, r.partition_key) if r.partition_key else (r.tags[keys[0]], r.tags[keys[1]]) for r in requests]


SMALL: dict[str, dict[str, Any]] = {
    "source": {"synthetic": {"symbols": 8, "first_session": FIRST, "last_session": LAST, "defective_share": 0.0, "halts_per_year": 0.0}},
    "models": {"lightgbm": {"min_data_in_leaf": 5, "min_rounds": 2, "max_rounds": 5}}, "training": {"train_sessions": 20, "validation_sessions": 5, "min_train_sessions": 8, "embargo_sessions": 1, "refit": "weekly", "threads": 1},
    "bars": {"profile": False, "max_rejected_share": 0.01},
}  # fmt: skip


def market(root: Path, last: date = LAST, **changes: dict[str, Any]) -> Deployment:
    """The market whose source ends at `last`."""
    sections = {name: dict(values) for name, values in SMALL.items()}
    sections["source"] = {"synthetic": {**SMALL["source"]["synthetic"], "last_session": last}}
    for name, values in changes.items():
        sections[name] = sections.get(name, {}) | values
    return small_market(root, **sections)


def tick(deployment: Deployment, instance: dg.DagsterInstance) -> tuple[list[dg.RunRequest], str]:
    """What the sensor asks for now, and why nothing."""
    sensor = graph(deployment).resolve_sensor_def("new_session_sensor")
    found = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, repository_def=graph(deployment).get_repository_def()))
    return list(found.run_requests or []), found.skip_message or ""


def what(requests: Sequence[dg.RunRequest]) -> list[tuple[str | None, str]]:
    """Job and last session of each request."""
    return [(request.job_name, last) for request, (_, last) in zip(requests, asked(requests), strict=True)]


def execute(deployment: Deployment, request: dg.RunRequest, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """Run what was asked for, as the daemon would."""
    job = graph(deployment).resolve_job_def(str(request.job_name))
    tags = {**request.tags, "dagster/run_key": str(request.run_key)}
    return job.execute_in_process(instance=instance, partition_key=request.partition_key, tags=tags, raise_on_error=False)
