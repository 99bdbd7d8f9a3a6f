"""The rules of ensembles that come with the package, by the kit that the one of the page passes, too."""

import re
from pathlib import Path
from typing import Any

from ats_assets.predictions.ensembles import equal, skill, stacked
from ats_assets_tests.kits.ensembles import EnsembleKit

PAGE = Path(__file__).parents[3] / "docs" / "ensembles.md"


def plugin_of_the_page() -> Any:
    found: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[-1], found)
    return found["PLUGIN"]


class TestEqual(EnsembleKit):
    plugin = equal.PLUGIN


class TestBySkill(EnsembleKit):
    plugin = skill.PLUGIN


class TestStacked(EnsembleKit):
    plugin = stacked.PLUGIN


class TestThatOfThePage(EnsembleKit):
    plugin = plugin_of_the_page()
