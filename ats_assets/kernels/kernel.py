"""Functions of arrays that run as they are, or compiled: one code, and the same bits either way.

A live plan is one session and runs as plain numpy; a backtest is thousands of sessions, where numpy's calls cost more than the arithmetic, and runs compiled. For
both to come to the same bits, a kernel keeps to what numpy and numba compute alike, element by element. Sums of floats and orders of rows, which they do not, are the
functions of `ats_assets.kernels.sums`.

Compiled code is kept on disk, beside the sources. It belongs to all sources of its own folder and of those whose kernels it may call, not only to the file of the
outermost function, so that an edit of an inner one can't go unnoticed.

A kernel whose loops go over each number (those of `intraday`, `labels` and `evaluation`) is called as `compiled` only: as it is, it is what a test or a debugger reads.
"""

import pickle
from collections.abc import Callable
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from numba.core.dispatcher import Dispatcher

R = TypeVar("R")

_PACKAGE = Path(__file__).parents[1]
_CALLED: Final[dict[str, tuple[str, ...]]] = {
    "kernels": (),
    "intraday": ("kernels",),
    "labels": ("kernels",),
    "evaluation": ("kernels",),
    "models": ("kernels",),
    "options": ("kernels",),
    "impact": ("kernels",),
    "portfolio": ("kernels", "impact"),
    "backtests": ("kernels", "impact", "portfolio"),
}
"""Folder -> those beside itself whose kernels its own may call."""


class Kernel(Generic[R]):
    """A function of arrays, numbers and named tuples of them.

    Calling it runs the function itself; `compiled` is the same, compiled at its first call. Kernels that it calls are compiled with it.
    Its arguments are not checked for their types: numpy's numbers stand for Python's.
    """

    def __init__(
        self, function: Callable[..., R], compiled_from: Callable[[], Callable[..., R]] | None = None, *, inlined: bool = False
    ) -> None:
        self.function = function
        if inlined:  # what numba looks at before it writes a function into its caller
            self.py_func, self.targetoptions = function, {"inline": "always"}
        self._load = compiled_from
        self.__doc__, self.__name__, self.__module__ = function.__doc__, function.__name__, function.__module__
        self.__wrapped__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> R:
        """Run the function as it is."""
        return self.function(*args, **kwargs)

    @cached_property
    def _compiled_from(self) -> Callable[..., R]:
        return self.function if self._load is None else self._load()

    @cached_property
    def compiled(self) -> "Dispatcher":
        """IEEE arithmetic in the order written, no reordering."""
        return _compiler(self._compiled_from)

    @cached_property
    def _inner(self) -> "Dispatcher":
        """The same without what Python needs to call it, a sixth of the time that compiling takes; under a name of its own on the disk."""
        function = self._compiled_from
        inner = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
        inner.__qualname__, inner.__module__ = f"{function.__qualname__}_inner", function.__module__
        return _compiler(inner, no_cpython_wrapper=True)

    @property
    def _numba_type_(self) -> object:
        """What a kernel is in another one's compiled code."""
        return self._inner._numba_type_

    def is_compiled(self, *args: Any, **kwargs: Any) -> bool:
        """Whether code for such arguments is in memory or on disk, so that a call of `compiled` compiles nothing."""
        import numba  # noqa: PLC0415

        compiled: Any = self.compiled
        signature = tuple(numba.typeof(argument) for argument in (*args, *kwargs.values()))
        if signature not in compiled.overloads:
            stored = compiled._cache.load_overload(signature, compiled.targetctx)
            if stored is None:
                return False
            compiled.add_overload(stored)
        return True


def kernel(function: Callable[..., R]) -> Kernel[R]:
    """Make a kernel of a function that is compiled as it is written."""
    return Kernel(function)


def inlined_kernel(function: Callable[..., R]) -> Kernel[R]:
    """Make a kernel that is written into those that call it, so that a loop over it is vectorised: for short formulas without branches."""
    return Kernel(function, inlined=True)


def kernel_as(compiled_from: Callable[..., R]) -> Callable[[Callable[..., R]], Kernel[R]]:
    """Make a kernel of a function that numba does not know or computes in another order: what is compiled in its place comes to the same bits."""
    return lambda function: Kernel(function, lambda: compiled_from)


def kernel_of(load: Callable[[], Callable[..., R]]) -> Callable[[Callable[..., R]], Kernel[R]]:
    """Make a kernel as `kernel_as`, of what `load` imports when it is first compiled: of a module that needs numba itself."""
    return lambda function: Kernel(function, load)


def _compiler(function: Callable[..., Any], **options: Any) -> Any:
    import numba  # noqa: PLC0415 - half a second, which a process that plans one session need not spend

    njit: Any = numba.njit
    compiled = njit(error_model="numpy", nogil=True, no_cfunc_wrapper=True, **options)(function)
    compiled.enable_caching()
    file = compiled._cache._cache_file
    file._source_stamp = _sources(_folder(function.__module__))
    file._load_index, file._load_data = _or(file._load_index, {}), _or(file._load_data, None)
    return compiled


def _or(load: Callable[..., R], nothing: R) -> Callable[..., R]:
    """What is on the disk, or nothing where it can't be read: the process that wrote it was killed, or a class that it names is gone. It is compiled again then."""

    def loaded(*name: str) -> R:
        try:
            return load(*name)
        except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError):
            return nothing

    return loaded


def _folder(module: str) -> str:
    """The stage or floor of a module; empty of one that is not of this package."""
    package, _, below = module.partition(".")
    return below.split(".")[0] if package == _PACKAGE.name else ""


@cache
def _sources(folder: str) -> str:
    """What compiled code of a folder is made of; of one that is not known to hold kernels, all folders that are."""
    digest = sha256()
    for held in sorted({folder, *_CALLED[folder]} if folder in _CALLED else _CALLED):
        for source in sorted(_PACKAGE.joinpath(held).rglob("*.py")):
            digest.update(f"{source.relative_to(_PACKAGE)}\n".encode() + source.read_bytes())
    return digest.hexdigest()
