"""One exchange's module is loaded, and nothing else of ccxt's hundred."""

import subprocess
import sys

import pytest

from ats_assets.errors import SettingsError
from ats_assets.vendors.ccxt.library import exchange_class

ALONE = """
import sys
from ats_assets.vendors.ccxt.library import exchange_class
one, two = exchange_class("binance"), exchange_class("kraken")
loaded = [name for name in sys.modules if name.startswith("ccxt.") and name.count(".") == 1]
assert {"ccxt.binance", "ccxt.kraken"} <= set(loaded) and "ccxt.coinbase" not in loaded, loaded
assert "ccxt" not in sys.modules
import ccxt
assert len(ccxt.exchanges) > 100 and ccxt.binance is one and ccxt.kraken is two
assert exchange_class("coinbase") is ccxt.coinbase
"""


def test_an_exchange_is_loaded_without_the_others_and_ccxt_is_whole_afterwards() -> None:
    subprocess.run([sys.executable, "-c", ALONE], check=True, timeout=120)


def test_a_name_that_ccxt_does_not_know_is_an_error_with_those_that_are_like_it() -> None:
    with pytest.raises(
        SettingsError, match=r"exchange is 'binanse', which ccxt does not know: set it to one of its 1\d\d ids, such as binance"
    ):
        exchange_class("binanse")
