"""`ats run`: run the graph over a range of sessions, part by part, in this process."""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import typer

from ats_assets.automation.lineage_rules import rules_of
from ats_assets.definitions import STAGES, build
from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.lineage.known_rules import write_rules
from ats_assets.lineage.rebuilding import copy_known, empty_world
from ats_assets.models.tracking import prepare_tracking
from ats_assets.orchestration.dagster_home import how_to_open_ui
from ats_assets.orchestration.graph import asset_name
from ats_assets.orchestration.listed_events import listed_instance
from ats_assets.runs.abandoned import free_of_the_dead
from ats_assets.runs.diagnosis import remember
from ats_assets.runs.planned_runs import PlannedRun
from ats_assets.runs.run_log import announce, conclude
from ats_assets.runs.run_progress import RunProgress
from ats_assets.runs.runner import Outcome, Runner
from ats_assets.runs.selection import chosen_assets
from ats_assets.runs.sessions import chosen_sessions
from ats_assets.runs.startup import open_instance, prepare_environment, quiet
from ats_assets.runs.workers_at_hand import working_on
from ats_assets.runs.writing import parse_day, required_time, say
from ats_assets.settings import load_settings
from ats_assets.sources.profile import prepare_profiles
from ats_assets.storage.quick_end import collected_as_before, kept_for_good
from ats_assets.storage.second_process import beside
from ats_assets.storage.vintages import DELIVERED

OF_DAILY_BARS = ("raw_bars", "raw_corporate_actions")
"""What a run leaves out, with all that is made of it, where the settings name ticks alone."""


@dataclass(frozen=True, kw_only=True)
class AsOf:
    """Results as of an earlier time, rebuilt in an empty folder."""

    time: datetime
    folder: Path


@collected_as_before()  # also where it ends before it runs anything
def run(
    *,
    first: str | None,
    last: str | None,
    select: str | None,
    chunk: int,
    summary_json: Path | None,
    verbose: bool,
    started: float,
    world: tuple[str, Path] | None = None,
    workers: str | None = None,
) -> None:
    """Make the assets, print the summary to standard output, and exit with the status."""
    begin, end = parse_day(first, "--from"), parse_day(last, "--to")
    as_of = AsOf(time=required_time(world[0], "--as-of"), folder=world[1]) if world else None
    prepare_environment()
    with quiet(verbose=verbose), contextlib.ExitStack() as until_done:
        deployment = Deployment(load_settings())
        if select is None and as_of is None:
            _prepare(deployment)
        if as_of is None:
            sessions = chosen_sessions(deployment, begin, end)
        else:
            deployment, sessions = _world(deployment, as_of, begin or date.min, end or date.max)
        until_done.enter_context(working_on(deployment, workers))
        definitions = build(deployment)
        without = OF_DAILY_BARS if deployment.has_only_ticks else ()
        chosen = chosen_assets(definitions, select, with_upstream=as_of is not None, without=without)
        assets = frozenset(chosen) - (set(DELIVERED) if as_of else set())
        outcome = Outcome.of(sessions, assets)
        outcome.started = started
        instance_of_run = listed_instance() if as_of else open_instance()
        with instance_of_run as instance, RunProgress(len(sessions)) as progress, kept_for_good():
            if as_of is None:
                free_of_the_dead(instance)
            runner = Runner(deployment, definitions, instance, verbose=verbose)
            outcome.start_seconds = outcome.total_seconds
            parts = runner.parts(sessions, assets, chunk)
            _require_made(parts, assets)
            announce(deployment, f"ats run {sessions[0]} to {sessions[-1]}")
            runner.run(parts, outcome, progress, ahead=True)
        conclude(deployment, outcome)
        if outcome.interrupted:
            say(_after_interrupt(outcome, parts))
            raise typer.Exit(130)
        for message in outcome.messages:
            say(f"ats run: {message}")
        if outcome.messages:
            say(_how_to_go_on(outcome, parts))
        for message in outcome.not_exported:
            say(f"ats run: not exported, all else is made: {message}")
        _summarise(deployment, definitions, outcome, summary_json)
        write_rules(deployment, rules_of(deployment, definitions.resolve_asset_graph()))  # so that ats stale need not make the graph
        if as_of is None:
            remember(deployment)  # nor ats doctor
    if outcome.messages:
        raise typer.Exit(1)


def _require_made(parts: Sequence[PlannedRun], assets: Collection[str]) -> None:
    """Refuse a selection of which nothing is made here: it would look as if it had been.

    Raises
    ------
    typer.BadParameter
        Saying who makes it.
    """
    if not parts:
        raise typer.BadParameter(
            f"{', '.join(sorted(assets))}: ats run makes nothing of it. What is collected beside daily bars is made a session at a time by the job market_data: switch "
            f"market_data_schedule on, or materialize a partition in the UI ({how_to_open_ui()})",
            param_hint="--select",
        )


def _prepare(deployment: Deployment) -> None:
    """Have a second process import what it will need, which takes seconds; what goes wrong is told when it is needed."""
    settings = deployment.settings
    if settings.mlflow.enabled:
        beside(prepare_tracking, settings.mlflow, settings.storage.data)
    if settings.bars.profile:
        beside(prepare_profiles)


def _world(deployment: Deployment, as_of: AsOf, first: date, last: date) -> tuple[Deployment, list[date]]:
    """The deployment over the folder, and the sessions of which something was known."""
    world = empty_world(deployment, as_of.folder)
    stored = copy_known(deployment, world, as_of.time, first, last)
    say(f"as of {as_of.time:%Y-%m-%d %H:%M:%S %Z}: raw bars of {how_many(len(stored), 'session')}, {stored[0]} to {stored[-1]}, were known")
    return world, stored


def _summarise(deployment: Deployment, definitions: dg.Definitions, outcome: Outcome, summary_json: Path | None) -> None:
    from ats_assets.runs.summary import summarise, write_json  # noqa: PLC0415 - after the run
    from ats_assets.runs.summary_table import show  # noqa: PLC0415

    summary = summarise(deployment, outcome, stages(definitions))
    if summary_json is None or str(summary_json) != "-":
        show(deployment, summary)
    if summary_json is not None:
        write_json(summary, summary_json)


def stages(definitions: dg.Definitions) -> dict[str, str]:
    """The stage of each step by the step's key, in the order of the stages; an asset's checks belong to its stage."""
    graph = definitions.resolve_asset_graph()
    steps = {asset_name(key): key for key in graph.materializable_asset_keys}
    steps |= {f"{asset_name(key.asset_key)}_{key.name}": key.asset_key for key in graph.asset_check_keys}
    groups = {step: (graph.get(key).group_name or "").removeprefix("_".join([*key.path[:-1], ""])) for step, key in steps.items()}
    order = [stage.GROUP for stage in STAGES]
    places = {group: order.index(group) if group in order else len(order) for group in groups.values()}
    return dict(sorted(groups.items(), key=lambda item: (places[item[1]], item[0])))


def _undone(outcome: Outcome, parts: Sequence[PlannedRun]) -> Iterator[PlannedRun]:
    return (part for part in parts if part not in outcome.done)


def _after_interrupt(outcome: Outcome, parts: Sequence[PlannedRun]) -> str:
    return f"ats run: interrupted. {_how_to_go_on(outcome, parts)}"


def _how_to_go_on(outcome: Outcome, parts: Sequence[PlannedRun]) -> str:
    """What is stored after a run that ended early, and how to continue."""
    left = next(_undone(outcome, parts), None)
    if left is None or not left.sessions:
        return "All sessions are done. To make what is left: `ats run --select backtest,backtest_report`."
    made = f"Everything up to {outcome.done[-1].sessions[-1]} is stored. " if outcome.done else ""
    return f"{made}To continue: run the same command with --from {left.sessions[0]}."
