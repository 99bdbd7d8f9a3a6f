"""All samplers that come with the package pass the kit."""

from typing import Any

import pytest

from ats_assets.plugins import SAMPLERS, Plugin
from ats_assets_tests.kits.samplers import SamplerKit

SMALL: dict[str, dict[str, Any]] = {"time": {"seconds": 600}}


@pytest.fixture(params=SAMPLERS.names(), scope="class", autouse=True)
def _named(request: pytest.FixtureRequest) -> None:
    """The kit's class is judged for each name."""
    plugin: Plugin[Any, Any] = SAMPLERS.find(request.param)
    request.cls.plugin, request.cls.small = plugin, SMALL.get(request.param, {"bars_per_session": 10, "estimated_on_sessions": 3})


class TestSamplers(SamplerKit):
    """Each in its turn."""
