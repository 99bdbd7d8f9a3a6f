"""What `ats doctor` checks of what is stored: the warehouse asset by asset, the files that killed processes left, the models."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, CorruptPartitionError, how_many
from ats_assets.lineage import LineageIndex
from ats_assets.lineage.intact_files import IntactFiles, is_unchanged
from ats_assets.runs.finding import Finding, guarded
from ats_assets.runs.progress import LongJob
from ats_assets.settings import BucketUrl
from ats_assets.storage.artefacts import ModelStore
from ats_assets.storage.session_folders import PREFIX
from ats_assets.storage.stored_calendar import former_sessions
from ats_assets.storage.vintages import DATA_FILE, VINTAGES_OF
from ats_assets.storage.warehouse import Warehouse

FOOTERS_EACH = 300
"""Files of an asset whose footer is read: the newest third, the rest spread over the others."""


def diagnose_storage(deployment: Deployment, *, deep: bool) -> Iterator[Finding]:
    """Check the footers of the warehouse and the newest models; `deep`: every byte of both."""
    yield from guarded("warehouse", lambda: _warehouse(deployment))
    for name in deployment.models:
        yield from guarded(name, lambda name=name: [_model(deployment, deployment.model_store(name))])
    if deep:
        yield from guarded("every byte", lambda: _bytes(deployment))
        yield from guarded("listings", lambda: _listings(deployment))


def _warehouse(deployment: Deployment) -> Iterator[Finding]:
    warehouse = deployment.warehouse
    assets = {asset: sessions for asset in warehouse.assets() if (sessions := warehouse.stored_sessions(asset))}
    if not assets:
        yield Finding(subject="warehouse", status="warn", text=f"nothing is stored in {warehouse.root_folder.place}", advice="run: ats run")
        return
    newest = max((day for sessions in assets.values() for day in sessions[-2:] if deployment.calendar.is_session(day)), default=date.max)
    for asset, sessions in assets.items():
        yield from guarded(asset, lambda asset=asset, sessions=sessions: [_asset(deployment, asset, sessions, newest)])
    left = leftovers(warehouse.root) + leftovers(deployment.settings.storage.models_folder)
    if left:
        advice = "harmless: the next write to a folder removes them; you may delete them"
        yield Finding(
            subject="leftovers",
            status="warn",
            text=f"{how_many(len(left), 'temporary file')} of killed processes, such as {left[0]}",
            advice=advice,
        )


def _asset(deployment: Deployment, asset: str, sessions: Sequence[date], newest: date) -> Finding:
    calendar, stored = deployment.calendar, set(sessions)
    damaged, read = _damaged(deployment.warehouse, asset, sessions, IntactFiles(LineageIndex(deployment).path).of(asset))
    text = f"{how_many(len(sessions), 'session')} from {sessions[0]} to {sessions[-1]}, {how_many(read, 'footer')} read"
    if damaged:
        return Finding(
            subject=asset,
            status="fail",
            text=f"{text}; {how_many(len(damaged), 'file')} damaged: {damaged[0]}",
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
            subject=asset,
            status="warn",
            text=f"{text}; {how_many(len(gaps), 'session is', 'sessions are')} missing in between: {_some(gaps)}",
            advice=advice,
        )
    if sessions[-1] < newest:
        behind = calendar.after(sessions[-1])
        advice = f"ats run --from {behind} --to {newest}"
        return Finding(subject=asset, status="warn", text=f"{text}; behind other assets, which have {newest}", advice=advice)
    return Finding(subject=asset, status="ok", text=text)


def _damaged(warehouse: Warehouse, asset: str, sessions: Sequence[date], intact: Mapping[str, str]) -> tuple[list[str], int]:
    """The messages of the footers that can't be read, and how many were looked at.

    Parameters
    ----------
    intact
        Path -> stamp of files that were read before, footer and bytes: such a file is not read again unless it is another one by now.
    """
    recent = FOOTERS_EACH // 3
    older = sessions[:-recent]
    step = max(1, -(-len(older) // (FOOTERS_EACH - recent)))
    chosen = [*older[::step], *sessions[-recent:]]
    damaged: list[str] = []
    for session in chosen:
        # of a vintage it takes a look at the folder to say which is read
        if asset not in VINTAGES_OF and is_unchanged(f"{warehouse.root}/{asset}/{PREFIX}{session}/{DATA_FILE}", intact):
            continue
        try:
            warehouse.footer(asset, session)
        except CorruptPartitionError as error:
            damaged.append(str(error))
    return damaged, len(chosen)


def leftovers(root: Path) -> list[Path]:
    """Temporary files (`.<name>.<process id>-<thread>`) whose process is gone."""
    return sorted(Path(path) for path in _hidden(str(root)) if _is_orphan(path.rpartition("/")[2]))


def _hidden(folder: str) -> Iterator[str]:
    """The files beneath a folder whose name begins with a dot. `os.walk` takes twice as long over ten thousand folders."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _hidden(entry.path)
                elif entry.name.startswith("."):
                    yield entry.path
    except OSError:  # it is not there, or not ours to read
        return


def _is_orphan(name: str) -> bool:
    pid, dash, thread = name.rpartition(".")[2].partition("-")
    return bool(dash) and pid.isdigit() and thread.isdigit() and not Path(f"/proc/{pid}").exists()


def _model(deployment: Deployment, store: ModelStore) -> Finding:
    sessions = store.stored_sessions()
    if not sessions:
        return Finding(subject=store.name, status="warn", text=f"no model in {store.root_folder.place}", advice="run: ats run")
    try:
        record = store.record(sessions[-1])
        active = store.active(sessions[-1])
        if active.status == "fitted":
            store.content(active)
    except AtsError as error:
        return Finding(subject=store.name, status="fail", text=str(error))
    text = f"{how_many(len(sessions), 'session')} from {sessions[0]} to {sessions[-1]}"
    if store.name in deployment.drift_refits.values() and active.status != "fitted":
        return Finding(subject=store.name, status="ok", text=f"{text}; {active.reason}")  # most weeks: the model that was due is active
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
    text = f"{text}; fitted {active.fitted_session}, {how_many(age, 'session')} before the newest bars ({how_many(active.best_iteration or 0, 'round')})"
    if age > limit:
        advice = f"training.max_age_sessions is {limit}, so the model is not used. Run: ats run --from {calendar.after(sessions[-1])}"
        return Finding(subject=store.name, status="fail", text=text, advice=advice)
    return Finding(subject=store.name, status="ok", text=text)


def _bytes(deployment: Deployment) -> Iterator[Finding]:
    """Every file against the hashes that it holds; what is damaged is remembered in the index, so that `ats stale --heal` finds it."""
    index = LineageIndex(deployment)
    with LongJob("reading every byte", 0, "files") as job:
        read = index.refresh(deep=True, reach=job.reach)
    damaged = [entry for entry in index.entries() if entry.fault]
    for entry in damaged:
        yield Finding(subject=entry.asset, status="fail", text=f"{entry.path} is damaged: {entry.fault}", advice="ats stale --heal")
    text = f"{how_many(read, 'file')} of warehouse and models read, {len(damaged)} damaged"
    yield Finding(subject="every byte", status="fail" if damaged else "ok", text=text)


def _listings(deployment: Deployment) -> Iterator[Finding]:
    """What lies in an object store, beside what its log says."""
    storage = deployment.settings.storage
    for name in ("warehouse", "models"):
        if isinstance(getattr(storage, name), BucketUrl):
            from ats_assets.runs.object_store_diagnosis import compare_with_listing  # noqa: PLC0415 - an extra

            yield compare_with_listing(storage, name)


def _some(days: Sequence[date]) -> str:
    return ", ".join(map(str, days[:3])) + (f" and {len(days) - 3} more" if len(days) > 3 else "")
