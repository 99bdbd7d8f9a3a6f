"""Whether the libraries that this package asks for are installed, in versions that it takes. It imports none of them, so that it can also say so where one is missing."""

import importlib.metadata
import sys

from ats_assets.errors import AtsError

DISTRIBUTION = "ats-assets"
SET_UP_AGAIN = (
    "in a checkout, delete .venv and run python3 dev.py run, which sets it up; elsewhere pip install --force-reinstall ats-assets"
)


def library_faults() -> list[str]:
    """What is missing or of another version than asked for, a line each; none where this package itself is not installed, but only lies on the path.

    Extras are not among them: what needs one names it.

    Examples
    --------
    >>> library_faults()
    []
    """
    try:
        wanted = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    try:
        from packaging.requirements import Requirement  # noqa: PLC0415 - it may be what is missing
    except ImportError:
        return ["packaging is not installed"]
    faults = list[str]()
    for one in map(Requirement, wanted):
        if one.marker and not one.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(one.name)
        except importlib.metadata.PackageNotFoundError:
            faults.append(f"{one.name} is not installed")
            continue
        if not one.specifier.contains(version, prereleases=True):
            faults.append(f"{one.name} is {version}, and {one.specifier} is asked for")
    return faults


def told_ending(error: AtsError | ImportError) -> str:
    """What to say to the user of a command that ended with an error.

    Raises
    ------
    ImportError
        The error itself, if nothing is missing: it is a fault of the code, whose traceback is needed.
    """
    if isinstance(error, AtsError):
        return str(error)
    if not (faults := library_faults()):
        raise error
    return f"{error}. In {sys.prefix} {'; '.join(faults)}: {SET_UP_AGAIN}"
