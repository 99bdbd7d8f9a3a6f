"""What the versions of code are made of, kept beside the byte code of each module, so that a start does not parse a hundred of them.

Kept under the SHA-256 of the module's own text and of the text that parses it: an edit of either is seen whatever it does to times and sizes. A file that is torn, of
another build or of no use is as if it were not there, and where the folder can't be written to, or byte code is not to be written, nothing is kept.
"""

import contextlib
import hashlib
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from ats_assets.errors import SettingsError
from ats_assets.storage.atomic_file import replace_file

PARSER = ("read_modules.py", "versions.py")
"""The files beside this one that decide what is found in a text."""


@dataclass(frozen=True, kw_only=True)
class ModuleDigests:
    """What a module's text says.

    Attributes
    ----------
    whole
        Digest of the syntax tree of all of it.
    defined
        Name at its top -> the digest of its definition.
    used
        Name at its top -> the names in its definition.
    imported
        Local name -> the module of this package that it is imported from, and its name there.
    """

    whole: str
    defined: Mapping[str, str]
    used: Mapping[str, Sequence[str]]
    imported: Mapping[str, tuple[str, str]]


def kept_or(file: Path, module: str, parse: Callable[[str], ModuleDigests]) -> ModuleDigests:
    """What the text of a module says: as kept, else parsed and kept."""
    content = file.read_bytes()
    key = hashlib.sha256(f"{_parser()} {module} ".encode() + content).hexdigest()
    kept = _place(file)
    try:
        stored = json.loads(kept.read_bytes())
        if stored.pop("key") == key:
            imported = {name: (origin, there) for name, (origin, there) in stored.pop("imported").items()}
            return ModuleDigests(**stored, imported=imported)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    read = parse(content.decode())
    if not sys.dont_write_bytecode:
        text = json.dumps({"key": key, **asdict(read)})
        with contextlib.suppress(OSError, SettingsError):
            replace_file(kept, lambda out: out.write(text.encode()), fsync=False)
    return read


def _place(file: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(file))).with_suffix(".ats.json")


@cache
def _parser() -> str:
    """Of the code that parses, and of the Python whose grammar it goes by."""
    text = b"".join(Path(__file__).with_name(name).read_bytes() for name in PARSER)
    return hashlib.sha256(sys.version.encode() + text).hexdigest()
