"""The native library of an installed package, found without importing the package."""

import importlib.util
from pathlib import Path


def native_library(package: str, name: str) -> Path | None:
    """The file of a native library, whatever its ending; None where the package is not installed or has none.

    Parameters
    ----------
    package
        As it is imported; it is not: that may bring much more than the library.
    name
        The file's name without its ending.

    Examples
    --------
    >>> native_library("lightgbm", "lib_lightgbm").stem
    'lib_lightgbm'
    >>> native_library("no_such_package", "lib") is None
    True
    """
    spec = importlib.util.find_spec(package)
    folders = (spec and spec.submodule_search_locations) or []
    return next((file for folder in folders for file in sorted(Path(folder).glob(f"**/{name}.*"))), None)
