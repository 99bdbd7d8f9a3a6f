"""The families that there are: those that come with the system, and a user's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from ats_assets.deployment import Deployment
from ats_assets.errors import FeatureError, SettingsError
from ats_assets.features.built_in import FAMILIES
from ats_assets.features.families.option_features import OPTION_FEATURES
from ats_assets.features.family import ColumnFamily, FeatureFamily
from ats_assets.features.family_file import read_checked_family
from ats_assets.intraday.microstructure_rows import MEASURES
from ats_assets.regimes.choosing import regimes
from ats_assets.settings import regime_columns

Family = TypeVar("Family", FeatureFamily, FeatureFamily | ColumnFamily)


def own_families(folder: Path) -> dict[str, FeatureFamily]:
    """The families of a folder, one for each file `<name>.toml`; names that begin with a dot or an underscore are left out.

    Raises
    ------
    FeatureError, ExpressionError, LookAheadError
        If a file is no family; the message names file, line and place. Also if one has the name of a built-in family.
    """
    found = {file.stem: file for file in sorted(folder.glob("*.toml")) if not file.name.startswith((".", "_"))}
    for name, file in found.items():
        if name in {*FAMILIES, OPTION_FEATURES.name}:
            raise FeatureError(f"{file}: there is a built-in family `{name}`; give the file another name")
    return {name: read_checked_family(file) for name, file in found.items()}


def families(deployment: Deployment) -> Mapping[str, FeatureFamily]:
    """The families of a deployment that are assets, by name; use it as `deployment.of(families)`. Making them reads the user's own files."""
    features, made = deployment.settings.features, {**deployment.of(regime_families), **deployment.of(option_families)}
    of_models = [name for name in deployment.settings.training.families if name not in made]
    return chosen_families([name for name in features.families if name != OPTION_FEATURES.name], of_models, features.folder)


def option_families(deployment: Deployment) -> Mapping[str, ColumnFamily]:
    """The features of option chains as a family, where the settings name it; use it as `deployment.of(option_families)`.

    Raises
    ------
    SettingsError
        If it is named, but there are no chains.
    """
    settings, name = deployment.settings, OPTION_FEATURES.name
    named = {"features.families": settings.features.families, "training.families": settings.training.families}
    by = [setting for setting, names in named.items() if name in names]
    if by and not settings.options.has_chains:
        raise SettingsError(
            f"{by[0]} names `{name}`, which is made of option chains, but there are none: add a table [options.chains], or leave it out"
        )
    return {name: OPTION_FEATURES} if by else {}


def regime_families(deployment: Deployment) -> Mapping[str, ColumnFamily]:
    """The regimes of the settings as families, by the names of their assets; use it as `deployment.of(regime_families)`."""
    return {
        asset: ColumnFamily(name=asset, descriptions=regime_columns(one.name, one.settings), origin=f"[regimes.{one.name}]")
        for asset, one in deployment.of(regimes).items()
    }


def measure_families(deployment: Deployment) -> Mapping[str, ColumnFamily]:
    """The measures of microstructure as a family over bars, where the settings name their frame; use it as `deployment.of(measure_families)`."""
    name, frame = "microstructure", deployment.settings.microstructure.frame
    return {name: ColumnFamily(name=name, descriptions=MEASURES, origin=f"[{name}]", frame=frame)} if frame else {}


def bar_families(deployment: Deployment) -> Mapping[str, FeatureFamily]:
    """The user's families over bars inside a session, by name; use it as `deployment.of(bar_families)`.

    Raises
    ------
    SettingsError
        If the frame of one is no sampler of the settings.
    FeatureError, ExpressionError, LookAheadError
        As `own_families`.
    """
    samplers = deployment.settings.samplers
    found = {name: family for name, family in own_families(deployment.settings.features.folder).items() if family.frame}
    for family in found.values():
        if family.frame not in samplers:
            there = f"choose one of {', '.join(samplers)}" if samplers else f"add a table [samplers.{family.frame}]"
            raise SettingsError(f"{family.origin}: the frame is {family.frame!r}, which is none of [samplers]: {there}")
    return MappingProxyType(found)


def judged_families(deployment: Deployment) -> Mapping[str, FeatureFamily | ColumnFamily]:
    """The assets with a row of features for each daily bar: those of expressions, and that of option chains; use it as `deployment.of(judged_families)`."""
    return {**deployment.of(families), **deployment.of(option_families)}


def model_families(deployment: Deployment) -> Mapping[str, FeatureFamily | ColumnFamily]:
    """Those that models learn from, in their order."""
    known = {**deployment.of(judged_families), **deployment.of(regime_families)}
    return families_of_model(deployment.settings.training.families, known)


def chosen_families(names: Sequence[str], of_models: Sequence[str], folder: Path) -> dict[str, FeatureFamily]:
    """The families over daily bars that are assets: those that are named, those that models use, then all of the user's own.

    Parameters
    ----------
    names, of_models
        The settings `features.families` and `training.families`.
    folder
        Of the user's own families; it need not exist.

    Raises
    ------
    SettingsError
        If a name is that of no family.
    FeatureError, ExpressionError, LookAheadError
        As `own_families`.
    """
    every = own_families(folder)
    own = {name: family for name, family in every.items() if not family.frame}
    known = {*FAMILIES, *own}
    for setting, asked in (("features.families", names), ("training.families", of_models)):
        for name in asked:
            if name in every and name not in own:
                raise SettingsError(
                    f"{setting} names `{name}`, whose factors are of bars inside a session ({every[name].frame}): models of events learn those, "
                    "event_training.families"
                )
            if name not in known:
                raise SettingsError(
                    f"{setting} names `{name}`, which is no family: built in are {', '.join([*FAMILIES, OPTION_FEATURES.name])}; in {folder} there are {', '.join(own) or 'none'}"
                    + ("; regimes are features of models where a table [regimes.<name>] says which" if name.endswith("regimes") else "")
                )
    return {name: own.get(name) or FAMILIES[name] for name in (*names, *of_models, *own)}


def families_of_model(names: Sequence[str], known: Mapping[str, Family], setting: str = "training.families") -> dict[str, Family]:
    """The families that a model learns from, in its order.

    Parameters
    ----------
    setting
        What names them, for the message.

    Raises
    ------
    SettingsError
        If one is named twice.
    FeatureError
        If two have a factor of the same name.
    """
    if len(set(names)) != len(names):
        raise SettingsError(f"{setting} names a family twice: {', '.join(names)}")
    first: dict[str, str] = {}
    for name in names:
        for factor in known[name].factors:
            if factor in first:
                raise FeatureError(
                    f"{setting} has two factors named {factor}, one of {first[factor]} and one of {name} ({known[name].origin}): "
                    "a model needs names of its own for each; rename one, or leave out a family"
                )
            first[factor] = name
    return {name: known[name] for name in names}
