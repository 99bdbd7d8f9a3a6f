"""docs/option_strategies.md: its settings are accepted, its codes and defaults are those of the code."""

import re
import tomllib
from pathlib import Path

from ats_assets.option_strategies.contract_rolling import RollSettings
from ats_assets.option_strategies.contract_selection import ContractSettings
from ats_assets.option_strategies.contract_sizing import SizingSettings
from ats_assets.option_strategies.rule_codes import RULE_CODES
from ats_assets.plugins import OPTION_STRATEGIES
from ats_assets.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "option_strategies.md").read_text(encoding="utf-8")
TOML = tomllib.loads(re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0])
COMMON = {"kind", "underlyings", "capital"}


def test_every_code_is_listed_with_its_meaning() -> None:
    listed = dict(re.findall(r"^\| `([a-z_]+)` \| (.*?) \|$", PAGE.split("## Codes of the rules")[1], re.MULTILINE))
    assert listed == dict(RULE_CODES)


def test_the_settings_of_the_page_are_accepted() -> None:
    settings = Settings.model_validate(TOML)
    for name, values in settings.option_strategies.items():
        own = {key: value for key, value in values.items() if key not in COMMON - {"kind"}}
        OPTION_STRATEGIES.named(name, own, None, "option_strategies").made()


def test_every_kind_is_listed() -> None:
    table = PAGE.split("## What there is")[1].split("## Which contract")[0]
    assert set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))) == set(OPTION_STRATEGIES.names())


def test_settings_and_defaults_of_the_tables_are_those_of_the_classes() -> None:
    told = {
        name: default
        for names, default in re.findall(
            r"^\| ((?:`[a-z_]+`(?:, )?)+) \| (.*?) \|", PAGE.split("## Which contract")[1].split("## Codes")[0], re.MULTILINE
        )
        for name in re.findall(r"`([a-z_]+)`", names)
    }
    for settings in (ContractSettings, RollSettings, SizingSettings):
        fields = settings.model_fields.keys() - {"ex_date_sessions"}
        assert fields <= told.keys(), f"{settings.__name__}: the page lacks {sorted(fields - told.keys())}"
    for name in ("delta", "days", "min_bid", "profit_target", "keep_cash"):
        default = next(
            kind.model_fields[name].default for kind in (ContractSettings, RollSettings, SizingSettings) if name in kind.model_fields
        )
        assert float(told[name].split(",")[0]) == default
