"""Feature families, and how their expressions are computed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from ats_assets.settings.section import Section


class ExpressionsSettings(Section):
    """How feature expressions are computed."""

    flat_windows: Literal["relative", "qlib"] = Field(
        default="relative",
        description="where correlation, R², skewness and kurtosis are missing because nothing moves: by the window's mean, or by qlib's absolute thresholds",
    )


class FeaturesSettings(Section):
    """Which feature families are assets: built-in ones by name, and each file of the folder."""

    families: tuple[str, ...] = Field(
        default=("alpha158",),
        description="built-in families: alpha158, alpha360, technical, and option_features where there are chains; those that a model uses are assets anyway",
    )
    folder: Path = Field(
        default=Path("features"), description="of one's own families, one TOML file each; relative to the folder of the settings file"
    )
    owners: Mapping[str, str] = Field(
        default_factory=dict, description="who answers for a family, by its name: a person, a team, an address; ats features shows it"
    )
    report: bool = Field(
        default=False, description="whether the families are judged in an asset of their own, feature_report, with a page of their figures"
    )
