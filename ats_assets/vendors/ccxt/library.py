"""The class of one exchange, without the 110 others that `import ccxt` loads: that takes half a second more, and several without compiled byte code."""

import difflib
import importlib
import importlib.util
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ats_assets.errors import SettingsError

_NO_EXCHANGES: Final = frozenset({"__init__"})
_IMPORTING: Final = threading.Lock()


def exchange_class(name: str) -> Any:
    """Ccxt's class of an exchange.

    Parameters
    ----------
    name
        ccxt's id of it: `binance`, `kraken`, `coinbase`.

    Raises
    ------
    SettingsError
        If ccxt is not installed, or knows no such exchange.
    """
    spec = importlib.util.find_spec("ccxt")
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError("exchanges of crypto need ccxt, which is not installed: pip install 'ats-assets[ccxt]'")
    folder = Path(next(iter(spec.submodule_search_locations)))
    ids = sorted({path.stem for path in folder.glob("*.py")} - _NO_EXCHANGES)
    if name not in ids:
        near = difflib.get_close_matches(name, ids, n=3) or ["binance", "coinbase", "kraken"]
        raise SettingsError(
            f"exchange is {name!r}, which ccxt does not know: set it to one of its {len(ids)} ids, such as {', '.join(near)}"
        )
    return getattr(_module(name, list(spec.submodule_search_locations)), name)


def _module(name: str, places: list[str]) -> ModuleType:
    """The module of one exchange. Its package is a bare one while it is loaded, so that the package's own `__init__`, which imports every exchange, does not run."""
    with _IMPORTING:
        if "ccxt" in sys.modules:
            return importlib.import_module(f"ccxt.{name}")
        bare = ModuleType("ccxt")
        bare.__path__ = places
        sys.modules["ccxt"] = bare
        try:
            return importlib.import_module(f"ccxt.{name}")
        finally:
            del sys.modules["ccxt"]  # whoever imports ccxt later gets the whole of it, with the modules that are loaded already
