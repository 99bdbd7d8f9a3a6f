"""The settings of a variant, as a settings file of its own: `ATS_SETTINGS=…/ats.toml` makes any command look at it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ats_assets.errors import SettingsError
from ats_assets.settings import Settings, load_settings, settings_file
from ats_assets.settings.experiment_file import Experiment, Variant
from ats_assets.settings.inheriting import EXTENDS, WITHOUT, written_settings
from ats_assets.settings.toml_text import toml_text
from ats_assets.storage.atomic_file import replace_file

EXPERIMENTS, FILE = "experiments", "ats.toml"


def base_settings(experiment: Experiment) -> Settings:
    """What all variants have in common, by files alone: the environment (ATS_SECTION__FIELD) has no part in an experiment."""
    return load_settings(base_file(experiment))


def base_file(experiment: Experiment) -> Path:
    """The settings file that each variant extends."""
    return experiment.base or settings_file()


def variant_folder(experiment: Experiment, base: Settings, variant: Variant) -> Path:
    """Where a variant is stored: in the data folder of the base."""
    return base.storage.data / EXPERIMENTS / experiment.name / variant.name


def write_variant(experiment: Experiment, base: Settings, variant: Variant) -> Settings:
    """Write a variant's settings file, and read it.

    Raises
    ------
    SettingsError
        If a value is wrong; the message names the variant.
    """
    folder = variant_folder(experiment, base, variant)
    extended = [base_file(experiment).resolve(), *variant.extends]
    values: dict[str, Any] = {EXTENDS: [*map(str, extended)]}
    if any("exports" in written_settings(Path(path)).values for path in extended):
        values[WITHOUT] = ["exports"]  # a variant's copies would take the place of those of what is traded
    _set(values, variant.changes, variant.name)
    for section, own in _places(folder, base, experiment).items():
        values[section] = values.get(section, {}) | own
    file = folder / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    head = f"# The variant {variant.name} of {experiment.file}, written by ats experiment run.\n"
    replace_file(file, lambda stream: stream.write((head + toml_text(values)).encode()), fsync=False)
    try:
        return load_settings(file)
    except SettingsError as error:
        raise SettingsError(f"the variant {variant.name} of {experiment.file}: {error}") from None


def _places(folder: Path, base: Settings, experiment: Experiment) -> dict[str, dict[str, str]]:
    """Warehouse and models of its own; with the others it shares the data folder: the log of MLflow, what was parsed of files, and what counts trials.

    What lies beside the base's settings file by default is told, since the variant's lies elsewhere.
    """
    own = {name: str(folder / name) for name in ("warehouse", "models")}
    found = {"storage": own | {"data": str(base.storage.data)}, "mlflow": {"experiment": f"{base.mlflow.experiment}/{experiment.name}"}}
    beside = {"features": base.features.folder, "plugins": base.plugins.folder}
    return found | {section: {"folder": str(path)} for section, path in beside.items() if path.is_dir()}


def _set(values: dict[str, Any], changes: Mapping[str, Any], variant: str) -> None:
    for name, value in changes.items():
        table: Any = values
        *sections, last = name.split(".")
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                raise SettingsError(f"the variant {variant} sets {name}, but also {section} itself: set one of them")
        cast("dict[str, Any]", table)[last] = value
