"""What the engine does is in `ats_assets_tests/backtests/test_engine.py` and those beside it; here is what every engine must do."""

from ats_assets.backtests.engines.orders import PLUGIN
from ats_assets_tests.kits.engines import EngineKit


class TestOrders(EngineKit):
    plugin = PLUGIN
