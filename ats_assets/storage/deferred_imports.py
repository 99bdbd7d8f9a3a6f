"""Imports of libraries without what they import for parts of theirs that nobody here uses: seconds, and a hundred megabytes."""

import contextlib
import importlib
import sys
from collections.abc import Collection, Iterator
from types import ModuleType
from typing import Any


class DeferredModule(ModuleType):
    """A module that is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextlib.contextmanager
def deferred(*names: str, absent: Collection[str] = ()) -> Iterator[None]:
    """While open, who imports one of these modules gets one that is imported when something of it is asked for; afterwards the module itself.

    Parameters
    ----------
    absent
        Modules that can't be imported while it is open. What has been imported before stays as it is.

    Examples
    --------
    >>> _ = sys.modules.pop("this", None)
    >>> with deferred("this"):
    ...     import this
    >>> "this" in sys.modules
    False
    >>> this.s[:4]  # doctest: +ELLIPSIS
    The Zen of Python...
    'Gur '
    """
    modules: dict[str, ModuleType | None] = sys.modules  # pyright: ignore[reportAssignmentType] - None is how Python itself says so
    others = dict.fromkeys(absent) | {name: DeferredModule(name) for name in names}
    new = {name: other for name, other in others.items() if name not in modules}
    modules |= new
    try:
        yield
    finally:
        for name, other in new.items():
            if name in modules and modules[name] is other:
                del modules[name]
