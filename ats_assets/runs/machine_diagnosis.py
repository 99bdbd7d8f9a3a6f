"""What `ats doctor` checks of the machine: settings and secrets, Python and its libraries, folders, Dagster's instance."""

import ctypes
import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator

from ats_assets.errors import AtsError, SettingsError, how_many
from ats_assets.monitoring.disk_space import GIGABYTE
from ats_assets.orchestration.dagster_home import INSTANCE_FILE, dagster_home
from ats_assets.runs.finding import Finding, guarded
from ats_assets.runs.known_facts import KnownFacts
from ats_assets.runs.library_diagnosis import SET_UP_AGAIN, library_faults
from ats_assets.runs.recorded_runs import recorded_runs
from ats_assets.secrecy import SECRETS_FILE, readers_besides_owner, secret_variables, weak_secrets
from ats_assets.settings import BucketUrl, Settings, settings_file

PYTHONS = ((3, 11), (3, 12))
LIGHTGBM = "lightgbm library"
"""Of facts."""


def diagnose_machine(settings: Settings, facts: KnownFacts) -> Iterator[Finding]:
    """Check what all commands need, whatever is stored."""
    yield from guarded("settings", lambda: [_settings()])
    yield from guarded("secrets", lambda: [_secrets(settings)])
    yield from guarded("Python", _python)
    yield from guarded("libraries", lambda: [_libraries(facts)])
    yield from guarded("LightGBM", lambda: [_lightgbm(facts)])
    yield from guarded("folders", lambda: _folders(settings))
    yield from guarded("Dagster", lambda: _dagster(facts))


def remember_libraries(facts: KnownFacts) -> None:
    """Find what is known of libraries until something is installed."""
    _libraries(facts)
    facts.get(LIGHTGBM, _lightgbm_library)


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
        unset = _unset(settings)
    except SettingsError as error:
        return Finding(subject="secrets", status="fail", text=f"{text}; {error}", advice="correct alerts.routes")
    if unset:
        advice = f"set it in the environment or {file}, or take it out of alerts.routes"
        return Finding(subject="secrets", status="fail", text=f"{text}; alerts.routes names {', '.join(unset)}, not set", advice=advice)
    weak = weak_secrets()
    if weak:
        advice = "choose one of eight characters or more, not of letters of one case alone, which can be hidden wherever it turns up"
        return Finding(subject="secrets", status="warn", text=f"{text}; weak: {', '.join(weak)}", advice=advice)
    return Finding(subject="secrets", status="ok", text=text)


def _unset(settings: Settings) -> list[str]:
    """The secrets that routes of alerts name and the environment lacks; SettingsError where a route is wrong."""
    if not settings.alerts.routes:
        return []
    from ats_assets.alerts.choosing import notifiers  # noqa: PLC0415 - with the ledger of alerts

    made = notifiers(settings.alerts, settings.plugins.folder, settings.storage.data)
    return sorted({name for notifier in made.values() for name in notifier.secrets if not os.environ.get(name)})


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


def _libraries(facts: KnownFacts) -> Finding:
    """Whether all that is asked for is installed; what is installed changes what the facts are kept under."""
    try:
        text = facts.get("libraries", _complete)
    except LookupError as error:
        return Finding(subject="libraries", status="fail", text=str(error.args[0]), advice=SET_UP_AGAIN)
    return Finding(subject="libraries", status="ok", text=str(text))


def _complete() -> str:
    """Raises LookupError where something is missing: that is not kept."""
    if faults := library_faults():
        raise LookupError("; ".join(faults))
    return "all that are asked for are installed"


def _lightgbm(facts: KnownFacts) -> Finding:
    """Whether its library can be loaded. The module is not imported: it brings scikit-learn and SciPy, which take seconds."""
    library = facts.get(LIGHTGBM, _lightgbm_library)
    if library is None:
        return Finding(
            subject="LightGBM", status="fail", text="it is not installed", advice="delete .venv, and run python3 dev.py run: it sets it up"
        )
    try:
        ctypes.CDLL(library)
    except OSError as error:
        advice = (
            "brew install libomp" if sys.platform == "darwin" else "Debian, Ubuntu: apt-get install libgomp1; Fedora: dnf install libgomp"
        )
        return Finding(subject="LightGBM", status="fail", text=f"the library can't be loaded: {error}", advice=advice)
    return Finding(subject="LightGBM", status="ok", text=f"{importlib.metadata.version('lightgbm')}, with OpenMP")


def _lightgbm_library() -> str | None:
    from ats_assets.models.native_library import native_library  # noqa: PLC0415 - with all that is learned

    library = native_library("lightgbm", "lib_lightgbm")
    return str(library) if library else None


def _object_store(settings: Settings, name: str) -> Iterator[Finding]:
    try:
        from ats_assets.runs.object_store_diagnosis import diagnose_object_store  # noqa: PLC0415 - an extra
    except ImportError:
        advice = "pip install 'ats-assets[object-store]'"
        yield Finding(subject=f"store of {name}", status="fail", text="the library for object stores is not installed", advice=advice)
        return
    yield from diagnose_object_store(settings.storage, name)


def _folders(settings: Settings) -> Iterator[Finding]:
    limits = settings.monitoring
    for name in ("warehouse", "models", "data"):
        folder = settings.storage.folder(name)
        if isinstance(getattr(settings.storage, name), BucketUrl):
            yield from _object_store(settings, name)
            continue
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(there).free
        text = f"{folder}, {free / 1e9:.1f} GB free" + ("" if there == folder else " (created at the first write)")
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            advice = f"give yourself write permission for {there}, or set ATS_STORAGE__{name.upper()} to another folder"
            yield Finding(subject=f"folder {name}", status="fail", text=f"{folder} can't be written", advice=advice)
        elif free < limits.low_disk_gigabytes * GIGABYTE:
            advice = f"free some disk, or set ATS_STORAGE__{name.upper()} to a folder on another one"
            full = free < limits.full_disk_gigabytes * GIGABYTE
            yield Finding(subject=f"folder {name}", status="fail" if full else "warn", text=text, advice=advice)
        else:
            yield Finding(subject=f"folder {name}", status="ok", text=text)


def _dagster(facts: KnownFacts) -> Iterator[Finding]:
    try:
        home = dagster_home()
        if not (home / INSTANCE_FILE).is_file():
            advice = "copy the project's dagster.yaml there, or unset DAGSTER_HOME; without it Dagster stores each event on its own, which is slow"
            yield Finding(subject="Dagster", status="warn", text=f"DAGSTER_HOME is {home}, which has no {INSTANCE_FILE}", advice=advice)
            return
        found = recorded_runs(home, facts)
    except AtsError as error:
        yield Finding(subject="Dagster", status="fail", text=str(error))
        return
    text = f"DAGSTER_HOME is {home}, {how_many(found.recorded, 'run')} recorded"
    if found.left:
        advice = "the next ats run closes them"
        yield Finding(subject="Dagster", status="warn", text=f"{text}, {found.left} of them left behind by killed processes", advice=advice)
    else:
        yield Finding(subject="Dagster", status="ok", text=text)
