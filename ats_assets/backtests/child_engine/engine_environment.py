"""The Python environment that an engine has for itself: made when it is first wanted, in a folder of the data, of pinned and hashed packages.

It is complete once a file says so, which is written last; what a process that was killed left behind is rebuilt. Two processes that want one wait for each other. Its
name holds a digest of the requirements and the version of Python, so that a change of either makes another one, and the old one can be deleted.
"""

import fcntl
import hashlib
import logging
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ats_assets.errors import EngineError

_log = logging.getLogger(__name__)
SCRIPTS = Path(__file__).with_name("scripts")
COMPLETE = "complete"
TAIL = 2_000
"""Characters of a failed command that a message shows."""


@dataclass(frozen=True, kw_only=True)
class EngineEnvironment:
    """Where an engine runs.

    Parameters
    ----------
    name
        Of the engine; its requirements are `scripts/<name>.lock`.
    licence
        What a user is told before it is installed.
    megabytes
        That it takes on the disk, about.
    """

    name: str
    licence: str
    megabytes: int

    @property
    def requirements(self) -> Path:
        """The pinned and hashed packages."""
        return SCRIPTS / f"{self.name}.lock"

    def folder(self, environments: Path) -> Path:
        """Where it lies below the folder of all."""
        digest = hashlib.sha256(self.requirements.read_bytes()).hexdigest()[:12]
        return environments.absolute() / f"{self.name}-{digest}-py{sys.version_info[0]}{sys.version_info[1]}"

    def python(self, environments: Path) -> Path:
        """Its interpreter."""
        return self.folder(environments) / "bin" / "python"

    def is_there(self, environments: Path) -> bool:
        """Whether it is complete."""
        return self.folder(environments).joinpath(COMPLETE).is_file() and self.python(environments).exists()

    def made(self, environments: Path) -> Path:
        """Its interpreter, made first where it is not there yet.

        Raises
        ------
        EngineError
            If it can't be installed: no package index, no room, no module venv.
        """
        if self.is_there(environments):
            return self.python(environments)
        folder = self.folder(environments)
        try:
            environments.mkdir(parents=True, exist_ok=True)
            with _one_at_a_time(folder.with_suffix(".lock")):
                if not self.is_there(environments):
                    self._make(folder)
        except OSError as error:
            raise EngineError(f"the environment of the engine {self.name} can't be made in {folder}: {error}") from error
        return self.python(environments)

    def _make(self, folder: Path) -> None:
        _log.warning(
            "the engine %s is installed in %s (about %d MB), for its own processes. %s", self.name, folder, self.megabytes, self.licence
        )
        if folder.exists():
            shutil.rmtree(folder)
        try:
            venv.create(folder, with_pip=True, symlinks=True)
        except (subprocess.CalledProcessError, OSError) as error:
            raise EngineError(
                f"the environment of the engine {self.name} can't be made in {folder}: {error}; Debian and Ubuntu need the package python3-venv"
            ) from error
        options = ["--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", *options, "-r", str(self.requirements)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603 - our own lock
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise EngineError(
                f"the packages of the engine {self.name} can't be installed (pip's exit status {done.returncode}): {done.stderr.strip()[-TAIL:]}\n"
                f"it needs a package index that pip finds, once; or make the environment elsewhere and name its folder in backtest.options.environments"
            )
        folder.joinpath(COMPLETE).write_text(f"{self.licence}\n", encoding="utf-8")


@contextmanager
def _one_at_a_time(file: Path) -> Iterator[None]:
    """Hold a lock that the system releases when the process ends, however it ends."""
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
