"""Versions of code and settings, for the footer of each partition: what made it, so that a change can be told from a repetition.

The version of an asset's code is found in three steps.

1. Start from the function that makes the asset. Of its module count that function and the definitions beside it that it uses, and theirs in turn:
   a change to another asset in the same file changes nothing.
2. Every module of this package from which one of these names comes counts whole, and so does what that module imports in turn (a package's
   `__init__.py` by the name alone), up to `CARRIES`: what brings rows to the code and away from it, and decides nothing about them.
3. The digest is that of the set of syntax trees found. Comments, docstrings (of names, too), annotations for the type checker, layout and the names of modules are left out,
   so that a file can be moved or renamed; and what is kept in memory of a function's results (`functools.cache`, `lru_cache`), which never changes one.
   It is the same under each version of Python.

To parse the hundred modules takes a second or two, so what was found in a module is kept beside its byte code (`read_modules`).
"""

import ast
import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ats_assets.settings.inheriting import naming_files
from ats_assets.storage.read_modules import ModuleDigests, kept_or

ROOT = "ats_assets"
CARRIES = frozenset(
    f"{ROOT}.{name}"
    for name in (
        "deployment",
        "errors",
        "models.importance_plot",
        "models.tracking",
        "orchestration",
        "plugins",
        "secrecy",
        "settings",  # the values count, by `settings_version`
        "sources.data_docs",
        "sources.profile",
        "sources.profiling",
        "storage",
        "trials",
        "tuning.tuning_figures",
        "tuning.tuning_tracking",
        "workers",
    )
)
"""Modules (and all below them) that carry rows, show them or say what is wrong, and never change a row."""
DECIDES = frozenset({f"{ROOT}.orchestration.reading", f"{ROOT}.storage.knowledge"})
"""Those among them that decide which rows are read."""
WIRING = frozenset({"assets.py", "checks.py"})
KEEPING = frozenset({"cache", "lru_cache"})
"""Decorators that keep results, however many: code is a pure function with them and without."""
DATA = frozenset({".py", ".toml", ".json", ".html", ".css", ".js", ".j2", ".typ", ".lock"})


def code_version(*made_by: Callable[..., Any] | str, formulas: Mapping[str, str] | None = None) -> str:
    """SHA-256 (first 16 hex digits) of all code that makes an asset.

    Parameters
    ----------
    *made_by
        The functions that make it, and the dotted names of modules that they reach by name only, such as a source. A package stands for all in it, its subfolders
        included, but its wiring (`assets.py`, `checks.py`).
    formulas
        Name to expression, where expressions are part of the code; their order counts.

    Raises
    ------
    ModuleNotFoundError
        If a name has no source.

    Examples
    --------
    >>> from ats_assets.bars.universe import universe
    >>> code_version(universe) == code_version(universe, "ats_assets.bars.panel")  # which the first imports
    True
    >>> code_version(universe) == code_version(universe, formulas={"a": "$close"})
    False
    """
    digest = hashlib.sha256()
    for tree in sorted(trees(*made_by).values()):
        digest.update(tree.encode())
    if formulas:
        digest.update(json.dumps(list(formulas.items())).encode())
    return digest.hexdigest()[:16]


@cache
def trees(*made_by: Callable[..., Any] | str) -> Mapping[str, str]:
    """Where each piece of code lies that counts (a module, or a name in one) -> the digest of its syntax tree."""
    found: dict[str, str] = {}
    waiting: list[tuple[str, str | None]] = []
    for one in made_by:
        if isinstance(one, str):
            waiting += [(module, None) for module in _modules(one)]
            found |= {str(file): _of_data(file) for file in _data(one)}
        else:
            waiting.append((one.__module__, one.__qualname__.partition(".")[0]))
    while waiting:
        module, name = waiting.pop()
        key = f"{module}:{name}" if name else module
        if key in found or _carries(module):
            continue
        source = _source(module)
        found[key] = source.digest(name)
        waiting += source.uses(name)
    return found


def settings_version(*sections: BaseModel) -> str:
    """SHA-256 (first 16 hex digits) of the values of the sections that matter to a partition. Of a file that was read into them its content does, and not where it lies."""
    values = [(type(section).__name__, section.model_dump(mode="json")) for section in sections]
    for _, dumped in values:
        for table, name in naming_files(dumped):
            table[name] = None
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


class _Source:
    """What the text of one module says.

    Parameters
    ----------
    module
        Its dotted name.
    """

    def __init__(self, module: str) -> None:
        file = _file(module)
        self.module = module
        self.is_table_of_contents = file.name == "__init__.py"
        read = kept_or(file, module, lambda text: _read(module, text, is_table_of_contents=self.is_table_of_contents))
        self.whole, self.defined, self.used, self.imported = read.whole, read.defined, read.used, read.imported

    def digest(self, name: str | None = None) -> str:
        """Of the module, or of one of its definitions."""
        return self.defined[name] if name else self.whole

    def uses(self, name: str | None = None) -> list[tuple[str, str | None]]:
        """What the module, or one of its definitions, needs: definitions beside it, and modules that it imports."""
        if name is None:
            return [_home(*origin) for origin in self.imported.values()]
        used = set(self.used[name])
        beside: list[tuple[str, str | None]] = [(self.module, one) for one in used & self.defined.keys()]
        return beside + [_home(*self.imported[one]) for one in used & self.imported.keys()]


def _read(module: str, text: str, *, is_table_of_contents: bool) -> ModuleDigests:
    """Parse a module."""
    roots = frozenset({ROOT, module.partition(".")[0]})
    package = module if is_table_of_contents else module.rpartition(".")[0]
    statements = [node for node in _cleaned(ast.parse(text)).body if not _is_for_types(node)]
    defined = {name: node for node in statements for name in _names_bound(node)}
    imported: dict[str, tuple[str, str]] = {}
    for node in (inner for statement in statements for inner in ast.walk(statement)):
        if isinstance(node, ast.ImportFrom) and (origin := _origin(node, package, roots)):
            imported |= {alias.asname or alias.name: (origin, alias.name) for alias in node.names}
    return ModuleDigests(
        whole=_digest(statements, roots),
        defined={name: _digest([node], roots) for name, node in defined.items()},
        used={name: sorted({inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}) for name, node in defined.items()},
        imported=imported,
    )


def _origin(node: ast.ImportFrom, package: str, roots: frozenset[str]) -> str | None:
    """The module of ours that an import names."""
    origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package) if node.level else str(node.module)
    return origin if origin.partition(".")[0] in roots else None


def _digest(nodes: Iterable[ast.stmt], roots: frozenset[str]) -> str:
    return hashlib.sha256("\n".join(_text(node, roots) for node in nodes).encode()).hexdigest()


@cache
def _source(module: str) -> _Source:
    return _Source(module)


def _home(module: str, name: str) -> tuple[str, str | None]:
    """The module that defines a name, and the name alone where the module is a package's table of contents, which passes on much else."""
    if _carries(module):
        return module, None
    source = _source(module)
    if name in source.defined:
        return module, name if source.is_table_of_contents else None
    if name in source.imported and source.is_table_of_contents:
        return _home(*source.imported[name])
    return (f"{module}.{name}" if source.is_table_of_contents else module), None


def _carries(module: str) -> bool:
    parts = module.split(".")
    return module not in DECIDES and any(".".join(parts[:length]) in CARRIES for length in range(1, len(parts) + 1))


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _names_bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name))


def _file(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{module} has no source to take a version of")
    return Path(spec.origin)


def _modules(name: str) -> list[str]:
    """A module, or all in a package but its wiring and what carries."""
    spec = importlib.util.find_spec(name)
    if spec is None or (spec.origin is None and not spec.submodule_search_locations):
        raise ModuleNotFoundError(f"{name} has no source to take a version of")
    if not spec.submodule_search_locations:
        return [name]
    folders = [Path(folder) for folder in spec.submodule_search_locations]
    files = (
        (folder, file) for folder in folders for file in folder.rglob("*.py") if file.name not in WIRING and file.name != "__init__.py"
    )
    return sorted(".".join([name, *file.relative_to(folder).with_suffix("").parts]) for folder, file in files)


def _data(name: str) -> list[Path]:
    spec = importlib.util.find_spec(name)
    folders = (spec and spec.submodule_search_locations) or []
    files = (file for folder in folders for file in Path(folder).rglob("*") if file.suffix in DATA - {".py"})
    return sorted(file for file in files if file.parent.name != "__pycache__")  # where what is read of modules is kept


@cache
def _of_data(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _cleaned(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [one for one in node.body if not _is_text(one)]
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = [one for one in node.decorator_list if not _keeps(one)]
        if isinstance(node, ast.ImportFrom) and node.module == "functools":
            node.names = [one for one in node.names if one.name not in KEEPING]
    tree.body = [one for one in tree.body if not isinstance(one, ast.ImportFrom) or one.names]
    return tree


def _is_text(statement: ast.stmt) -> bool:
    """A docstring, or what stands below a name and says what it is."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)


def _keeps(decorator: ast.expr) -> bool:
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (named.id if isinstance(named, ast.Name) else getattr(named, "attr", "")) in KEEPING


def _text(node: object, roots: frozenset[str]) -> str:
    """A syntax tree as text: without what a version of Python adds for what is not there, and without the names of our own modules."""
    if isinstance(node, list):
        return f"[{','.join(_text(one, roots) for one in node)}]"
    if isinstance(node, ast.JoinedStr):  # Python 3.12 leaves an empty text after a nested format
        return f"JoinedStr({_text([part for part in node.values if getattr(part, 'value', None) != ''], roots)})"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(f"{ROOT}."):
        return "Constant(ours)"
    if not isinstance(node, ast.AST):
        return repr(node)
    ours = isinstance(node, ast.ImportFrom) and (node.level or str(node.module).partition(".")[0] in roots)
    skipped = {"kind", "type_comment", *({"module", "level"} if ours else ())}
    fields = ((name, getattr(node, name, None)) for name in node._fields if name not in skipped)
    return (
        f"{type(node).__name__}({','.join(f'{name}={_text(value, roots)}' for name, value in fields if value is not None and value != [])})"
    )
