"""`ats report`: where the backtest report is, and the same in other forms."""

import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import typer

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.reports import REPORT
from ats_assets.runs.progress import LongJob
from ats_assets.runs.startup import open_instance, prepare_environment, quiet
from ats_assets.runs.writing import say
from ats_assets.settings import ReportForm, load_settings
from ats_assets.storage.atomic_file import replace_file


def report(*, open_it: bool, pdf: Path | None = None, as_json: Path | None = None) -> None:
    """Print the path of the report, making it first where it is not there; write it in the other forms that are asked for."""
    if pdf is not None:
        from ats_assets.reports.pdf_form import require_typst  # noqa: PLC0415 - what writes a report takes a second to import

        require_typst()
    deployment = Deployment(load_settings())
    path = deployment.warehouse.root.joinpath(*REPORT)
    if not path.is_file():
        _make(deployment)
    deployment.warehouse.root_folder.at_hand([path])
    _say_if_old(deployment)
    _write_forms(deployment, {"pdf": pdf, "json": as_json})
    sys.stdout.write(f"{path}\n")
    sys.stdout.flush()
    if open_it and not webbrowser.open(path.as_uri()):
        say(f"no browser could be started: open {path}")


def _write_forms(deployment: Deployment, wanted: Mapping[ReportForm, Path | None]) -> None:
    """Write other forms of the report to files, from what is stored."""
    files: dict[ReportForm, Path] = {form: path for form, path in wanted.items() if path is not None}
    if not files:
        return
    from ats_assets.reports.backtest_report import backtest_content  # noqa: PLC0415
    from ats_assets.reports.report_data import report_data  # noqa: PLC0415
    from ats_assets.reports.report_forms import written_form  # noqa: PLC0415

    with LongJob("reading what the report is made of"):
        content = backtest_content(report_data(deployment).inputs)
    for form, path in files.items():
        with LongJob(f"writing {form.upper()}"):
            written = written_form(content, form)
        replace_file(path.absolute(), lambda file, written=written: file.write(written))
        say(f"{form.upper()}: {path.absolute()}")


def _make(deployment: Deployment) -> None:
    if not deployment.warehouse.stored_sessions("targets"):  # else a failed run of Dagster's would need a person, by ats status
        raise MissingPartitionError("no targets are stored, so there is nothing to report on: make them with ats run")
    say("building the report from the stored targets and bars")
    prepare_environment()
    with quiet():
        from ats_assets.definitions import build  # noqa: PLC0415
        from ats_assets.runs.planned_runs import PlannedRun  # noqa: PLC0415
        from ats_assets.runs.run_progress import RunProgress  # noqa: PLC0415 - the graph takes seconds to import
        from ats_assets.runs.runner import REPORTS, Outcome, Runner  # noqa: PLC0415

        settings = deployment.settings
        beside = {"monte_carlo": settings.monte_carlo is not None, "active_return": settings.active_return is not None}
        beside |= {"strategy_books": settings.has_books}
        assets = ("backtest", *(name for name, is_wanted in beside.items() if is_wanted), "backtest_report")
        outcome = Outcome.of([], assets)
        with open_instance() as instance, RunProgress(0) as progress:
            Runner(deployment, build(deployment), instance).run([PlannedRun(job=REPORTS, assets=assets)], outcome, progress)
    for message in outcome.messages:
        say(f"ats report: {message}")
    if outcome.interrupted or outcome.messages:
        raise typer.Exit(130 if outcome.interrupted else 1)


def _say_if_old(deployment: Deployment) -> None:
    newest = deployment.valid_sessions("targets")[-1:]
    traded = deployment.warehouse.read_part("backtest", "equity")["session"].cast(pl.Date).max() if newest else None
    if newest and traded is not None and newest[0] != traded:
        say(
            f"the report ends at {traded} but targets are stored up to {newest[0]}. To update it: ats run --select backtest,backtest_report"
        )
