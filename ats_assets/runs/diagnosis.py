"""What `ats doctor` checks, one function for each subject."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from ats_assets.alerts.choosing import notifiers
from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, CalendarError, CorruptPartitionError, SettingsError, SourceError
from ats_assets.execution.choosing import chosen_broker
from ats_assets.features.choosing import families, model_families
from ats_assets.lineage import LineageIndex
from ats_assets.runs.startup import INSTANCE_FILE, dagster_home, open_instance
from ats_assets.secrecy import SECRETS_FILE, readers_besides_owner, secret_variables, weak_secrets
from ats_assets.settings import Settings, settings_file
from ats_assets.settings.trading_year import sessions_per_year
from ats_assets.storage.artefacts import ModelStore
from ats_assets.storage.stored_calendar import former_sessions
from ats_assets.storage.warehouse import Warehouse

PYTHONS = ((3, 11), (3, 12))
LOW_DISK, NO_DISK = 5e9, 0.5e9
"""Bytes free below which a warning, or a failure."""
CHANGES_SHOWN = 5
ENDS_SOON = 21
"""Sessions left in the calendar below which a warning."""
FOOTERS_EACH = 300
"""Files of an asset whose footer is read: the newest third, the rest spread over the others."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the doctor's."""

    subject: str
    status: Literal["ok", "warn", "fail"]
    text: str
    advice: str = ""


def diagnose(settings: Settings, *, deep: bool = False) -> Iterator[Finding]:
    """Check everything; what can't be checked because something else fails is left out.

    Parameters
    ----------
    deep
        Also verify every byte of the warehouse and the models.
    """
    yield _settings()
    yield _secrets(settings)
    yield from _python()
    yield from _folders(settings)
    yield from _dagster()
    deployment = Deployment(settings)
    try:
        calendar = deployment.calendar
    except (CalendarError, CorruptPartitionError) as error:
        yield Finding(subject="calendar", status="fail", text=str(error))
        return
    yield _calendar(calendar, settings.backtest.sessions_per_year)
    for change in deployment.calendar_store.changes()[-CHANGES_SHOWN:]:
        yield Finding(subject="calendar", status="ok", text=f"changed: {change}")
    yield _source(deployment)
    yield _features(deployment)
    yield from _orders(deployment)
    yield from _warehouse(deployment)
    for name in deployment.models:
        yield _model(deployment, deployment.model_store(name))
    if deep:
        yield from _bytes(deployment)


def _bytes(deployment: Deployment) -> Iterator[Finding]:
    """Every file against the hashes that it holds; what is damaged is remembered in the index, so that `ats stale --heal` finds it."""
    index = LineageIndex(deployment)
    read = index.refresh(deep=True)
    damaged = [entry for entry in index.entries() if entry.fault]
    for entry in damaged:
        yield Finding(subject=entry.asset, status="fail", text=f"{entry.path} is damaged: {entry.fault}", advice="ats stale --heal")
    text = f"{read} files of warehouse and models read, {len(damaged)} damaged"
    yield Finding(subject="every byte", status="fail" if damaged else "ok", text=text)


def _settings() -> Finding:
    file = settings_file()
    overrides = sorted(name for name in os.environ if name.startswith("ATS_") and name != "ATS_SETTINGS")
    text = str(file) if file.is_file() else f"defaults ({file} is not there)"
    return Finding(subject="settings", status="ok", text=text + (f"; from the environment: {', '.join(overrides)}" if overrides else ""))


def _secrets(settings: Settings) -> Finding:
    """Which secrets are set, never what they are."""
    file = settings_file().parent / SECRETS_FILE
    held = secret_variables()
    text = ", ".join(held) or "none is set; none is needed without an Alpaca account, a database server or alerts"
    if file.is_file():
        text += f"; {file} is read where the environment does not set them"
    if readers_besides_owner(file):
        return Finding(subject="secrets", status="warn", text=f"{text}; other users can read it", advice=f"chmod 600 {file}")
    try:
        made = notifiers(settings.alerts, settings.plugins.folder, settings.storage.data)
    except SettingsError as error:
        return Finding(subject="secrets", status="fail", text=f"{text}; {error}", advice="correct alerts.routes")
    unset = sorted({name for notifier in made.values() for name in notifier.secrets if not os.environ.get(name)})
    if unset:
        advice = f"set it in the environment or {file}, or take it out of alerts.routes"
        return Finding(subject="secrets", status="fail", text=f"{text}; alerts.routes names {', '.join(unset)}, not set", advice=advice)
    weak = weak_secrets()
    if weak:
        advice = "choose one of eight characters or more, not of letters of one case alone, which can be hidden wherever it turns up"
        return Finding(subject="secrets", status="warn", text=f"{text}; weak: {', '.join(weak)}", advice=advice)
    return Finding(subject="secrets", status="ok", text=text)


def _python() -> Iterator[Finding]:
    version = sys.version_info[:2]
    wanted = " or ".join(f"{major}.{minor}" for major, minor in PYTHONS)
    found = f"{sys.version.split()[0]} ({sys.executable})"
    if version in PYTHONS:
        yield Finding(subject="Python", status="ok", text=found)
    else:
        yield Finding(
            subject="Python", status="fail", text=found, advice=f"use Python {wanted}: python3 dev.py finds one and sets up .venv"
        )
    try:
        import lightgbm  # noqa: PLC0415 - what is looked at is whether this works
    except OSError as error:
        advice = (
            "brew install libomp" if sys.platform == "darwin" else "Debian, Ubuntu: apt-get install libgomp1; Fedora: dnf install libgomp"
        )
        yield Finding(subject="LightGBM", status="fail", text=f"the library can't be loaded: {error}", advice=advice)
    else:
        yield Finding(subject="LightGBM", status="ok", text=f"{lightgbm.__version__}, with OpenMP")


def _folders(settings: Settings) -> Iterator[Finding]:
    for name in ("warehouse", "models", "data"):
        folder: Path = getattr(settings.storage, name)
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(there).free
        text = f"{folder}, {free / 1e9:.1f} GB free" + ("" if there == folder else " (created at the first write)")
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            advice = f"give yourself write permission for {there}, or set ATS_STORAGE__{name.upper()} to another folder"
            yield Finding(subject=f"folder {name}", status="fail", text=f"{folder} can't be written", advice=advice)
        elif free < LOW_DISK:
            advice = f"free some disk, or set ATS_STORAGE__{name.upper()} to a folder on another one"
            yield Finding(subject=f"folder {name}", status="fail" if free < NO_DISK else "warn", text=text, advice=advice)
        else:
            yield Finding(subject=f"folder {name}", status="ok", text=text)


def _dagster() -> Iterator[Finding]:
    try:
        home = dagster_home()
        if not (home / INSTANCE_FILE).is_file():
            advice = "copy the project's dagster.yaml there, or unset DAGSTER_HOME; without it Dagster stores each event on its own, which is slow"
            yield Finding(subject="Dagster", status="warn", text=f"DAGSTER_HOME is {home}, which has no {INSTANCE_FILE}", advice=advice)
            return
        from ats_assets.runs.abandoned import abandoned_runs  # noqa: PLC0415 - Dagster takes seconds

        with open_instance() as instance:
            left = len(list(abandoned_runs(instance)))
            runs = instance.get_runs_count()
    except AtsError as error:
        yield Finding(subject="Dagster", status="fail", text=str(error))
        return
    text = f"DAGSTER_HOME is {home}, {runs} runs recorded"
    if left:
        advice = "the next ats run closes them"
        yield Finding(subject="Dagster", status="warn", text=f"{text}, {left} of them left behind by killed processes", advice=advice)
    else:
        yield Finding(subject="Dagster", status="ok", text=text)


def _calendar(calendar: SessionCalendar, a_year: int) -> Finding:
    newest = calendar.last_closed(datetime.now(UTC))
    text = f"{calendar.exchange} ({calendar.timezone}), sessions from {calendar.first} to {calendar.last}, last closed {newest}; {a_year} a year"
    left = len(calendar.sessions(newest, calendar.last)) - 1
    if calendar.ends_because and left < ENDS_SOON:
        return Finding(
            subject="calendar", status="warn" if left else "fail", text=f"{text}; {left} sessions left", advice=calendar.ends_because
        )
    year = sessions_per_year(calendar.exchange)
    if year and abs(a_year / year - 1) > 0.05:
        advice = f"unset it, or make it {year}: Sharpe ratio, volatility and yearly returns are made with it"
        text = f"{text}, by backtest.sessions_per_year; {calendar.exchange} has {year}"
        return Finding(subject="calendar", status="warn", text=text, advice=advice)
    return Finding(subject="calendar", status="ok", text=text)


def _source(deployment: Deployment) -> Finding:
    try:
        source = deployment.source
        first, latest = source.first_session(), source.latest_session()
        text = f"{source.describe().strip()}\nsessions from {first} to {latest}"
    except (SourceError, SettingsError) as error:
        return Finding(subject="source", status="fail", text=str(error), advice="correct the [source] settings")
    start = deployment.calendar.first
    if latest < start:
        return Finding(subject="source", status="fail", text=text, advice=f"calendar.first_session is {start}: set it to {first} or before")
    if first < start:
        advice = f"sessions before {start} are not used; set calendar.first_session to {first} to use them"
        return Finding(subject="source", status="warn", text=text, advice=advice)
    return Finding(subject="source", status="ok", text=text)


def _orders(deployment: Deployment) -> Iterator[Finding]:
    """At a real broker: whether anything follows up on what a plan leaves to do."""
    try:
        if deployment.of(chosen_broker).embedded:
            return
    except SettingsError as error:
        yield Finding(subject="orders", status="fail", text=str(error), advice="correct orders.broker, or its section of [brokers]")
        return
    from ats_assets.runs.follow_up import ADVICE, UNATTENDED, followed_up  # noqa: PLC0415 - Dagster takes seconds

    is_followed, text = followed_up(deployment)
    if is_followed:
        yield Finding(subject="orders", status="ok", text=text)
    else:
        yield Finding(subject="orders", status="warn", text=f"{UNATTENDED}: {text}", advice=ADVICE)


def _features(deployment: Deployment) -> Finding:
    try:
        chosen, of_model = deployment.of(families), deployment.of(model_families)
        factors = {name: f"{name} ({len(family.expressions)})" for name, family in chosen.items()}
    except AtsError as error:
        return Finding(subject="features", status="fail", text=str(error), advice="correct the file or the setting")
    text = f"assets (and number of features): {', '.join(factors.values())}; the model uses {', '.join(of_model)}"
    return Finding(subject="features", status="ok", text=text)


def _warehouse(deployment: Deployment) -> Iterator[Finding]:
    warehouse = deployment.warehouse
    assets = {asset: sessions for asset in warehouse.assets() if (sessions := warehouse.stored_sessions(asset))}
    if not assets:
        yield Finding(subject="warehouse", status="warn", text=f"nothing is stored in {warehouse.root}", advice="run: ats run")
        return
    newest = max((day for sessions in assets.values() for day in sessions[-2:] if deployment.calendar.is_session(day)), default=date.max)
    for asset, sessions in assets.items():
        yield _asset(deployment, asset, sessions, newest)
    left = leftovers(warehouse.root) + leftovers(deployment.settings.storage.models)
    if left:
        advice = "harmless: the next write to a folder removes them; you may delete them"
        yield Finding(
            subject="leftovers", status="warn", text=f"{len(left)} temporary files of killed processes, such as {left[0]}", advice=advice
        )


def _asset(deployment: Deployment, asset: str, sessions: Sequence[date], newest: date) -> Finding:
    calendar, stored = deployment.calendar, set(sessions)
    damaged, read = _damaged(deployment.warehouse, asset, sessions)
    text = f"{len(sessions)} sessions from {sessions[0]} to {sessions[-1]}, {read} footers read"
    if damaged:
        return Finding(
            subject=asset,
            status="fail",
            text=f"{text}; {len(damaged)} are damaged: {damaged[0]}",
            advice="delete them, then run: ats stale --heal",
        )
    strays = [day for day in sessions if not calendar.is_session(day)]
    gone = former_sessions(deployment.calendar_store.changes(), calendar)
    if strays and set(strays) <= gone.keys():
        text = f"{text}; {len(strays)} on days that are no longer sessions, which nothing reads: {'; '.join(str(gone[day]) for day in strays[:3])}"
        return Finding(subject=asset, status="warn", text=text, advice="delete or keep them; ats stale lists what was made with them")
    if strays:
        advice = "they were made under another calendar: correct [calendar], or delete them"
        return Finding(
            subject=asset, status="fail", text=f"{text}; {len(strays)} are no sessions of the calendar: {strays[0]}", advice=advice
        )
    gaps = [day for day in calendar.sessions(sessions[0], sessions[-1]) if day not in stored]
    if gaps:
        advice = f"ats run --from {gaps[0]} --to {gaps[-1]}"
        return Finding(
            subject=asset, status="warn", text=f"{text}; {len(gaps)} sessions are missing in between: {_some(gaps)}", advice=advice
        )
    if sessions[-1] < newest:
        behind = calendar.after(sessions[-1])
        advice = f"ats run --from {behind} --to {newest}"
        return Finding(subject=asset, status="warn", text=f"{text}; behind other assets, which have {newest}", advice=advice)
    return Finding(subject=asset, status="ok", text=text)


def _damaged(warehouse: Warehouse, asset: str, sessions: Sequence[date]) -> tuple[list[str], int]:
    """The messages of the footers that can't be read, and how many were tried."""
    recent = FOOTERS_EACH // 3
    older = sessions[:-recent]
    step = max(1, -(-len(older) // (FOOTERS_EACH - recent)))
    chosen = [*older[::step], *sessions[-recent:]]
    damaged: list[str] = []
    for session in chosen:
        try:
            warehouse.footer(asset, session)
        except CorruptPartitionError as error:
            damaged.append(str(error))
    return damaged, len(chosen)


def leftovers(root: Path) -> list[Path]:
    """Temporary files (`.<name>.<process id>-<thread>`) whose process is gone."""
    found = (Path(folder, name) for folder, _, names in os.walk(root) for name in names if name.startswith("."))
    return sorted(path for path in found if _is_orphan(path.name))


def _is_orphan(name: str) -> bool:
    pid, dash, thread = name.rpartition(".")[2].partition("-")
    return bool(dash) and pid.isdigit() and thread.isdigit() and not Path(f"/proc/{pid}").exists()


def _model(deployment: Deployment, store: ModelStore) -> Finding:
    sessions = store.stored_sessions()
    if not sessions:
        return Finding(subject=store.name, status="warn", text=f"no model in {store.root}", advice="run: ats run")
    try:
        record = store.record(sessions[-1])
        active = store.active(sessions[-1])
        if active.status == "fitted":
            store.content(active)
    except AtsError as error:
        return Finding(subject=store.name, status="fail", text=str(error))
    text = f"{len(sessions)} sessions from {sessions[0]} to {sessions[-1]}"
    if record.fitted_session is None or active.fitted_session is None:
        return Finding(
            subject=store.name,
            status="warn",
            text=f"{text}; no model is fitted: {active.reason}",
            advice="add earlier sessions: ats run --from …",
        )
    newest = (deployment.valid_sessions("bars") or sessions)[-1]
    calendar, limit = deployment.calendar, deployment.settings.training.max_age_sessions
    age = calendar.count(active.fitted_session, newest)
    text = f"{text}; fitted {active.fitted_session}, {age} sessions before the newest bars ({active.best_iteration} rounds)"
    if age > limit:
        advice = f"training.max_age_sessions is {limit}, so the model is not used. Run: ats run --from {calendar.after(sessions[-1])}"
        return Finding(subject=store.name, status="fail", text=text, advice=advice)
    return Finding(subject=store.name, status="ok", text=text)


def _some(days: Sequence[date]) -> str:
    return ", ".join(map(str, days[:3])) + (f" and {len(days) - 3} more" if len(days) > 3 else "")
