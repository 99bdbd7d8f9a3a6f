"""The program, its components, disks, databases, and the machine."""

import importlib.metadata
import os
import platform
from pathlib import Path

from ats_assets.monitoring.components import Observed, components_observed, worst_first
from ats_assets.monitoring.disk_space import GIGABYTE, disks
from ats_assets.monitoring.samples import MetricSpec, Samples
from ats_assets.monitoring.watch import Watch
from ats_assets.trade_state import SCHEMA_VERSION

METRICS = (
    MetricSpec(name="ats_build_info", text="Version of the program.", labels=("version", "python", "schema"), most=1),
    MetricSpec(
        name="ats_deployment_info", text="What the settings choose.", labels=("graph", "source", "broker", "exchange", "live"), most=1
    ),
    MetricSpec(name="ats_component_state", text="1 for the state that the component is in.", labels=("component", "group", "state")),
    MetricSpec(name="ats_component_needs_person", text="Whether the component is late or failed.", labels=("component",)),
    MetricSpec(name="ats_component_late_seconds", text="For how long what is due has been missing; 0: nothing is.", labels=("component",)),
    MetricSpec(name="ats_disk_free_bytes", text="Free where the folder of the settings lies.", labels=("disk",), most=3),
    MetricSpec(name="ats_disk_size_bytes", text="Of the disk in all.", labels=("disk",), most=3),
    MetricSpec(name="ats_disk_low_bytes", text="Free, below which it is a warning (monitoring.low_disk_gigabytes).", most=1),
    MetricSpec(name="ats_disk_full_bytes", text="Free, below which it is a failure (monitoring.full_disk_gigabytes).", most=1),
    MetricSpec(name="ats_database_size_bytes", text="Of a file of SQLite, with its log.", labels=("database",), most=8),
    MetricSpec(name="ats_host_cpus", text="Processors of the machine.", most=1),
    MetricSpec(name="ats_host_load1", text="Processes that ran or waited for a processor, mean of the last minute.", most=1),
    MetricSpec(name="ats_host_memory_size_bytes", text="Memory of the machine.", most=1),
    MetricSpec(name="ats_host_memory_available_bytes", text="Memory that a process may still have.", most=1),
)


def collect(watch: Watch, observed: Observed, samples: Samples) -> None:
    """Add them."""
    settings = watch.deployment.settings
    samples.put("ats_build_info", 1, importlib.metadata.version("ats-assets"), platform.python_version(), str(SCHEMA_VERSION))
    chosen = (settings.graph.prefix or "main", settings.source.kind, settings.orders.broker, settings.calendar.exchange)
    samples.put("ats_deployment_info", 1, *chosen, str(settings.orders.live).lower())
    for one in worst_first(components_observed(observed)):
        samples.put("ats_component_state", 1, one.name, one.group, one.state)
        samples.put("ats_component_needs_person", one.needs_person, one.name)
        samples.put("ats_component_late_seconds", one.late_by.total_seconds() if one.late_by else 0, one.name)
    for disk in disks(settings.storage):
        samples.put("ats_disk_free_bytes", disk.free_bytes, disk.what)
        samples.put("ats_disk_size_bytes", disk.size_bytes, disk.what)
    samples.put("ats_disk_low_bytes", settings.monitoring.low_disk_gigabytes * GIGABYTE)
    samples.put("ats_disk_full_bytes", settings.monitoring.full_disk_gigabytes * GIGABYTE)
    for name, file in _databases(watch).items():
        samples.put("ats_database_size_bytes", _size(file) + _size(file.with_name(f"{file.name}-wal")), name)
    _machine(samples)


def _databases(watch: Watch) -> dict[str, Path]:
    """Those that are files and there."""
    settings, trade_state = watch.deployment.settings, watch.reader.file
    found = {"trade_state": trade_state, "vendors": settings.vendors.state, "mlflow": settings.storage.data / "mlflow.db"}
    storage = watch.storage
    if not storage.address:
        found |= {"dagster_runs": storage.folder / "history/runs.db", "dagster_events": storage.folder / "history/runs/index.db"}
    return {name: file for name, file in found.items() if file is not None and file.is_file()}


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _machine(samples: Samples) -> None:
    """What the operating system says; what it does not is left out."""
    samples.put("ats_host_cpus", os.cpu_count())
    samples.put("ats_host_load1", os.getloadavg()[0] if hasattr(os, "getloadavg") else None)
    file = Path("/proc/meminfo")
    if not file.is_file():
        return
    told = dict(line.split(":", 1) for line in file.read_text(encoding="utf-8").splitlines() if ":" in line)
    for metric, name in (("ats_host_memory_size_bytes", "MemTotal"), ("ats_host_memory_available_bytes", "MemAvailable")):
        samples.put(metric, int(told[name].split()[0]) * 1024 if name in told else None)
