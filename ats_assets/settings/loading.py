"""Settings of a file and of the environment: the one module that reads either.

Each value of `ats.toml` (or the file that the environment variable ATS_SETTINGS names) and of the files that it extends (`inheriting`) is overridable by `ATS_SECTION__FIELD` (nested:
`ATS_SOURCE__SYNTHETIC__SEED=7`). An unknown key is an error. Nothing is read at import: an entry point calls `load_settings` once and hands the sections on.
"""

import json
import os
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from ats_assets.errors import SettingsError, how_many
from ats_assets.secrecy import hold_secret, redacted
from ats_assets.settings.all_sections import Settings
from ats_assets.settings.inheriting import WrittenSettings, leaves_of, written_settings
from ats_assets.settings.serving import ServingSettings
from ats_assets.settings.wrong_settings import wrong_settings

CRYPTO_VARIABLE = "ATS_CRYPTO_SETTINGS"


class _Found(Settings, BaseSettings):
    """What arguments, the environment and the settings file say."""

    model_config = SettingsConfigDict(env_prefix="ATS_", env_nested_delimiter="__")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of precedence: arguments, the environment, the settings file."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, written_settings(settings_file()).values)


def settings_file() -> Path:
    """The settings file: what ATS_SETTINGS names, else `ats.toml` in the current folder or the project's."""
    named = os.environ.get("ATS_SETTINGS")
    if named:
        return Path(named).expanduser().absolute()
    here = Path.cwd() / "ats.toml"
    return here if here.is_file() else Path(__file__).resolve().parents[2] / "ats.toml"


def crypto_settings_file() -> Path:
    """The settings file of the second graph: what ATS_CRYPTO_SETTINGS names, else `crypto.toml` beside the settings file, else the project's."""
    if named := os.environ.get(CRYPTO_VARIABLE):
        return Path(named).expanduser().absolute()
    beside = settings_file().parent / "crypto.toml"
    return beside if beside.is_file() else Path(__file__).resolve().parents[2] / "crypto.toml"


def setting_origins() -> dict[str, str]:
    """Where each setting that is no default comes from, by its dotted name: a file, or the variable of the environment that wins over it.

    Raises
    ------
    SettingsError
        If a file can't be read.
    """
    found = {name: str(file) for name, file in written_settings(settings_file()).origins.items()}
    for variable, text in os.environ.items():
        section, _, rest = variable.lower().removeprefix("ats_").partition("__")
        if variable.lower().startswith("ats_") and section in Settings.model_fields:
            place = f"{section}.{rest.replace('__', '.')}" if rest else section
            found |= dict.fromkeys(_leaves_of_json(place, text), variable)
    return found


def _leaves_of_json(place: str, text: str) -> list[str]:
    """The settings that a variable of the environment says: one, or those of the table that it is in JSON."""
    try:
        table = json.loads(text)
    except ValueError:
        return [place]
    return [f"{place}.{leaf}" for leaf in leaves_of(table)] if isinstance(table, dict) and table else [place]


def ignored_variables() -> list[str]:
    """The variables of the environment that are settings (`ATS_SECTION__FIELD`), which whoever reads a file alone passes over."""
    return sorted(name for name in os.environ if name.upper().startswith("ATS_") and "__" in name)


def load_settings(own_file: Path | None = None, **overrides: object) -> Settings:
    """Read the settings once, for an entry point.

    Parameters
    ----------
    own_file
        The settings file of another graph than the one that ATS_SETTINGS and `ATS_SECTION__FIELD` are about: it alone is read.
    **overrides
        Sections given as mappings or section objects; they win over the environment and the file.

    Raises
    ------
    SettingsError
        If the file that ATS_SETTINGS names is missing, a key is unknown or a value is of the wrong type or out of range.
    """
    file = own_file or settings_file()
    if own_file and not file.is_file():
        raise SettingsError(
            f"{file}, the settings of another graph, is not a file: make it, or start without that graph, by workspace.yaml alone"
        )
    if os.environ.get("ATS_SETTINGS") and not file.is_file():
        raise SettingsError(f"ATS_SETTINGS names {file}, which is not a file: correct it or unset it")
    unknown = [] if own_file else _unknown_variables()
    if unknown:
        raise SettingsError(
            f"{', '.join(unknown)} names no section of the settings: unset it, or choose one of {', '.join(Settings.model_fields)}"
        )
    try:
        settings = (_of_file(file) if own_file else _Found)(**overrides)  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        written = written_settings(file)
        faults = wrong_settings(error, Settings)
        told = redacted("; ".join(f"{_place(where, written, file)}: {what}" for where, what in faults))
        raise SettingsError(
            f"{how_many(len(faults), 'wrong setting')} in {file} or the environment (ATS_SECTION__FIELD): {told}"
        ) from None  # pydantic's own message repeats the values
    except ValueError as error:  # not TOML, or an environment value that is not the JSON its section needs
        raise SettingsError(f"the settings in {file} or the environment can't be read: {redacted(str(error))}") from None
    hold_secret(*settings.alerts.routes)  # those of Apprise are named after their secret
    return _with_absolute_paths(settings, file.parent)


def _place(where: tuple[int | str, ...], written: WrittenSettings, file: Path) -> str:
    """The dotted name of a setting, with the file that says it where that is another than the settings file."""
    name = ".".join(map(str, where)) or "settings"
    origin = written.origin(name)
    return name if origin in {None, file.resolve()} else f"{name} (in {origin})"


def _of_file(file: Path) -> type[Settings]:
    class OfFile(_Found):
        """The settings of one file, whatever the environment says."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, InitSettingsSource(settings_cls, written_settings(file).values)

    return OfFile


def _unknown_variables() -> list[str]:
    """Environment variables of the form ATS_SECTION__FIELD whose section does not exist, which pydantic-settings passes over."""
    names = [name for name in os.environ if name.upper().startswith("ATS_") and "__" in name]
    return sorted(name for name in names if name[len("ATS_") :].split("__")[0].lower() not in Settings.model_fields)


def _with_absolute_paths(settings: Settings, folder: Path) -> Settings:
    """Storage and features are relative to the settings file (one instance has one warehouse); a source's path to the current folder, as typed."""
    storage = settings.storage
    places = {name: getattr(storage, name) for name in ("warehouse", "models", "data")}
    roots = {name: (folder / place.expanduser()).resolve() for name, place in places.items() if isinstance(place, Path)}
    for name in {"warehouse", "models", "data"} - storage.model_fields_set:
        roots[name] /= settings.graph.prefix  # which may be empty
    for name in {"warehouse", "models"} - storage.model_fields_set:
        roots[name] /= settings.source.kind
    if storage.cache is not None:
        roots["cache"] = (folder / storage.cache.expanduser()).resolve()
    own = (folder / settings.features.folder.expanduser()).resolve()
    if "folder" in settings.features.model_fields_set and not own.is_dir():
        raise SettingsError(f"features.folder names {own}, which is not a folder: make it, or unset it")
    additions = (folder / settings.plugins.folder.expanduser()).resolve()
    if "folder" in settings.plugins.model_fields_set and not additions.is_dir():
        raise SettingsError(f"plugins.folder names {additions}, which is not a folder: make it, or unset it")
    path = settings.source.files.path
    actions = settings.source.files.actions
    places = {"path": path and Path(path).expanduser().absolute(), "actions": actions and actions.expanduser().absolute()}
    files = settings.source.files.model_copy(update=places)
    return settings.model_copy(
        update={
            "storage": storage.model_copy(update=roots),
            "features": settings.features.model_copy(update={"folder": own}),
            "plugins": settings.plugins.model_copy(update={"folder": additions}),
            "orders": settings.orders.model_copy(update={"kill_file": (roots["data"] / settings.orders.kill_file.expanduser()).resolve()}),
            "serving": _with_places(settings.serving, folder),
            "vendors": settings.vendors.model_copy(update={"state": (roots["data"] / settings.vendors.state.expanduser()).resolve()}),
            "source": settings.source.model_copy(update={"files": files, "path": None}),
        }
    )


def _with_places(serving: ServingSettings, folder: Path) -> ServingSettings:
    """The stream's folder of replays is relative to the settings file."""
    replays = serving.stream.replay_folder
    if replays is None:
        return serving
    return serving.model_copy(
        update={"stream": serving.stream.model_copy(update={"replay_folder": (folder / replays.expanduser()).resolve()})}
    )
