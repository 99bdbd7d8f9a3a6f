#!/usr/bin/env python3
"""Sets the project up and runs it; `python3 dev.py` lists the commands.

Standard library only. This file must parse on Python 3.6, so that an old Python can say what is needed instead of failing with a syntax error.
"""

import argparse
import contextlib
import csv
import ctypes
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SUPPORTED = ((3, 11), (3, 12))  # pyqlib has no later wheels
USAGE = """\
python3 dev.py COMMAND [arguments]

  run [arguments]     the whole graph, from bars to signals; arguments go to `ats run` (`run --help` lists them)
  test [--full] [arguments]    the tests; arguments go to pytest. With --full the long random ones (kills, crashes, restatements, ...) go all their rounds
  kernels             compile what the tests compile first; `test` does it, too
  check               ruff, basedpyright and import-linter
  ui [--port 3000] [--crypto]    Dagster's web UI and daemon on 127.0.0.1, until Ctrl-C
  docs [--build] [--port 8001]    the documentation as a site on 127.0.0.1, until Ctrl-C; with --build its files in site/
  torch               PyTorch for processors, for the models that are nets: pinned and hashed in requirements-torch.lock, 0.7 GB
  lock [arguments]    re-make requirements.lock from pyproject.toml; arguments go to `uv pip compile` (--upgrade, --upgrade-package NAME)

The first command makes .venv from requirements.lock: a few minutes and about 3.5 GB of disk, once. Python 3.11 or 3.12 is needed.
The other commands of the system are in .venv/bin/ats. If the set-up looks wrong, delete .venv: the next command rebuilds it.
"""


def version_complaint(version):
    """What is wrong with a Python of this version; an empty string if nothing."""
    if tuple(version) in SUPPORTED:
        return ""
    wanted = " or ".join(f"{major}.{minor}" for major, minor in SUPPORTED)
    return f"Python {wanted} is needed, this is {version[0]}.{version[1]}"


def find_python(path=None):
    """A supported Python on PATH that really runs (a version manager's shim may not), or None."""
    probe = "import sys; print('%d.%d' % sys.version_info[:2])"
    for major, minor in reversed(SUPPORTED):
        for folder in os.get_exec_path() if path is None else path:
            candidate = shutil.which(f"python{major}.{minor}", path=folder)
            if candidate is None:
                continue
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                found = subprocess.run([candidate, "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=30)
                if found.stdout.decode().strip() == f"{major}.{minor}":
                    return candidate
    return None


def use_supported_python():
    """Go on with a supported Python if this one is not, or say what to install."""
    complaint = version_complaint(sys.version_info[:2])
    if not complaint:
        return
    python = find_python()
    if python is None:
        sys.exit(
            f"dev.py: {complaint} ({sys.executable}), and no other on PATH runs.\n"
            "Install one (Debian, Ubuntu: apt-get install python3.11 python3.11-venv; Fedora: dnf install python3.12; macOS: brew install python@3.12;"
            " any: pyenv, uv), then: python3.12 dev.py"
        )
    say(f"{complaint}: going on with {python}")
    command = [python, os.path.abspath(__file__)] + sys.argv[1:]  # noqa: PTH100, RUF005  (conservative: an old Python runs this)
    if os.name == "posix":
        os.execv(python, command)  # noqa: S606
    sys.exit(subprocess.call(command))


def say(text):
    """One line about what is being done, on stderr: stdout belongs to the command."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    use_supported_python()  # an old Python can't run what follows


class DevError(Exception):
    """Something that the user has to put right; the message says what and how."""


class Project:
    """The paths of a checkout.

    Parameters
    ----------
    root
        Folder of `pyproject.toml` and `requirements.lock`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = root / "requirements.lock"
        self.pyproject = root / "pyproject.toml"
        self.venv = root / ".venv"
        self.bin = self.venv / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.tool("python")
        self.stamp = self.venv / "ats-setup.json"
        self.log = self.venv / "ats-setup.log"

    def tool(self, name: str) -> Path:
        """The path of a program of the virtual environment."""
        return self.bin / (f"{name}.exe" if os.name == "nt" else name)

    def venv_version(self) -> str:
        """The Python version that the virtual environment was made with; empty if there is none."""
        with contextlib.suppress(OSError):
            for line in (self.venv / "pyvenv.cfg").read_text(encoding="utf-8").splitlines():
                key, _, value = line.partition("=")
                if key.strip() in ("version", "version_info"):
                    return ".".join(value.strip().split(".")[:3])
        return ""

    def site_packages(self) -> Path:
        """Where the virtual environment's packages lie."""
        if os.name == "nt":
            return self.venv / "Lib" / "site-packages"
        return self.venv / "lib" / ("python" + ".".join(self.venv_version().split(".")[:2])) / "site-packages"

    def installed(self) -> set[str]:
        """Normalised names of the installed packages."""
        return {_normalised(info.name.split("-")[0]) for info in self.site_packages().glob("*.dist-info")}

    def locked(self) -> set[str]:
        """Normalised names of the packages in the lock, whatever platform they are for."""
        return {_normalised(name) for name in re.findall(r"^([A-Za-z0-9][\w.-]*)==", self.lock.read_text(encoding="utf-8"), re.MULTILINE)}

    def environment(self) -> dict[str, str]:
        """The environment of a command: Dagster's home is the checkout unless the user has named another."""
        return {"DAGSTER_HOME": str(self.root), **os.environ}


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# ---------------------------------------------------------------------------------------------------------------- set-up


def wanted_stamp(project: Project) -> str:
    """What the virtual environment must have been made from to be in order, as JSON."""
    import tomllib  # noqa: PLC0415  (not there before Python 3.11)

    tables = tomllib.loads(project.pyproject.read_text(encoding="utf-8"))
    built_from = {
        "build-system": tables.get("build-system"),
        "project": tables.get("project"),
        "setuptools": tables.get("tool", {}).get("setuptools"),
    }
    stamp = {
        "lock": hashlib.sha256(project.lock.read_bytes()).hexdigest(),
        "project": hashlib.sha256(json.dumps(built_from, sort_keys=True).encode()).hexdigest(),
        "python": project.venv_version(),
        "folder": str(project.venv),  # the programs of a virtual environment carry its path
    }
    return json.dumps(stamp, indent=1)


def is_ready(project: Project) -> bool:
    """Whether a set-up came to its end and nothing it was made from has changed since."""
    with contextlib.suppress(OSError):
        return project.python.exists() and project.stamp.read_text(encoding="utf-8") == wanted_stamp(project)
    return False


def set_up(project: Project, beside: Path | None = None) -> None:
    """Make or repair the virtual environment unless it is in order.

    Parameters
    ----------
    beside
        A further lock, installed at the same time.

    Raises
    ------
    DevError
        If something that is needed is missing, or pip fails.
    """
    if is_ready(project):
        return
    with _alone(project) as handed_down:
        if is_ready(project):  # by the process that was waited for
            return
        started = time.monotonic()
        faults = missing_prerequisites(project)
        if faults:
            raise DevError("the set-up can't start:\n" + "\n".join(f"- {fault}" for fault in faults))
        fault = _unusable_venv(project)
        if fault:
            say(f"making {project.venv} with Python {sys.version.split()[0]}" + (f" ({fault})" if project.venv.exists() else ""))
            base = getattr(sys, "_base_executable", None) or sys.executable  # not the virtual environment's own Python: it is cleared
            made = subprocess.run([base, "-m", "venv", "--clear", str(project.venv)], capture_output=True, text=True, check=False)
            if made.returncode:
                raise DevError(f"no virtual environment could be made in {project.venv}:\n{made.stdout}{made.stderr}")
        project.stamp.unlink(missing_ok=True)  # written again as the last step only
        _discard_damaged(project)
        missing = len(project.locked() - project.installed())
        say(f"installing {len(project.locked())} packages" + (", a few minutes the first time" if missing > 50 else " (most are there)"))
        with project.log.open("w", encoding="utf-8") as log:
            _install_locks(project, [project.lock, *([beside] if beside else [])], log, handed_down, missing)
            _pip(project, ["--no-deps", "--no-build-isolation", "-e", str(project.root)], log, handed_down)
            _compile(project, log)
        unfinished = project.stamp.with_suffix(".part")
        unfinished.write_text(wanted_stamp(project), encoding="utf-8")
        unfinished.replace(project.stamp)
        say(f"set up in {time.monotonic() - started:.0f} s")


LARGE = (
    *("ccxt", "databricks", "debugpy", "kubernetes", "moto", "networkx", "plotly", "pymongo", "ray", "schemathesis", "stripe", "sympy"),
    r"torch[/\\](?:_dynamo|_inductor|distributed|onnx|testing)",
)
"""Packages of which a command imports a small part or nothing: that is compiled when it is imported."""
NOT_COMPILED = r"[/\\]tests?[/\\]|[/\\]site-packages[/\\](" + "|".join(LARGE) + r")[/\\]"


def _compile(project: Project, log) -> None:
    """Compile the byte code of all packages on all processors, and kernels beside that, so that the first run need not.

    It is no fault if something can't be compiled: what uses it compiles it then.
    """
    say("compiling byte code and kernels")
    environment = {name: value for name, value in project.environment().items() if name != "PYTHONDONTWRITEBYTECODE"}
    how = {"cwd": project.root, "env": environment, "stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
    folders = [str(project.site_packages()), str(project.root / "ats_assets")]
    byte_code = ["-m", "compileall", "-q", "-j", "0", "-x", NOT_COMPILED, *folders]
    log.flush()
    compiling = ["-m", "ats_assets.runs.compiling"]
    commands = [[str(project.python), *more] for more in ([*compiling, "orders"], [*compiling, "expressions", "graph"], byte_code)]
    with contextlib.ExitStack() as until_done:
        running = [until_done.enter_context(subprocess.Popen(command, **how)) for command in commands]
        line = TerminalLine()
        while any(one.poll() is None for one in running):
            line.show("compiling")
            time.sleep(0.2)
        line.clear()


class TerminalLine:
    """One line on a terminal that tells what takes long, and for how long it has; elsewhere nothing. Several threads may have one."""

    def __init__(self, total: int = 0) -> None:
        self._started, self._is_terminal, self._lock = time.monotonic(), sys.stderr.isatty(), threading.Lock()
        self._done, self._total = 0, total

    def count(self, doing: str) -> None:
        """One more of the total is done."""
        with self._lock:
            self._done += 1
        self.show(f"{doing} {self._done} of {self._total}")

    def show(self, doing: str) -> None:
        """Say what is done now."""
        if self._is_terminal:
            with self._lock:
                print(f"\r  {doing}, {time.monotonic() - self._started:.0f} s   ", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave nothing of it."""
        if self._is_terminal:
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _alone(project: Project):
    """Hold the set-up's lock; a second process waits here. Yields the file descriptors that pip must inherit.

    The lock is on this project's `pyproject.toml`, so that it leaves no file behind. pip inherits it: should this process be killed, the lock lasts
    until pip has ended too.
    """
    try:
        import fcntl  # noqa: PLC0415  (not there on Windows)
    except ImportError:  # Windows
        yield ()
        return
    with project.pyproject.open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another dev.py is setting up here: waiting for it")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield (held.fileno(),)


def _unusable_venv(project: Project) -> str:
    """Why the virtual environment must be made from the start; empty if it can be kept."""
    if not project.python.exists():
        return "there is no Python in it"
    version = project.venv_version()
    if version_complaint([int(part) for part in version.split(".")[:2] if part.isdigit()] or [0, 0]):
        return f"it is of Python {version or 'unknown'}"
    if not project.locked() & project.installed() - {"pip", "setuptools"}:
        return "there is nothing in it"
    if subprocess.run([project.python, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        return "its pip does not run"
    with contextlib.suppress(OSError, ValueError):
        made_in = json.loads(project.stamp.read_text(encoding="utf-8")).get("folder")
        if made_in != str(project.venv):
            return f"it was made as {made_in}"
    return ""


def missing_prerequisites(project: Project, has_openmp=None, free_bytes=None) -> list[str]:
    """What the machine lacks, each with what to do about it; `has_openmp` and `free_bytes` take the place of the probes."""
    faults = []
    absent = [module for module in ("venv", "ensurepip") if importlib.util.find_spec(module) is None]
    if absent:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        faults.append(f"Python's module {' and '.join(absent)} is missing. Debian, Ubuntu: apt-get install {package} (or python3-venv)")
    if not (openmp_is_there() if has_openmp is None else has_openmp):
        if sys.platform == "darwin":
            faults.append("the OpenMP library (libomp) that LightGBM needs is missing: brew install libomp")
        else:
            faults.append(
                "libgomp.so.1, which LightGBM needs, is missing. Debian, Ubuntu: apt-get install libgomp1; Fedora: dnf install libgomp; Alpine is not supported"
            )
    locked = project.locked()
    missing_share = len(locked - project.installed()) / max(len(locked), 1)
    needed = 3.5e9 * missing_share
    free = shutil.disk_usage(project.root).free if free_bytes is None else free_bytes
    if free < needed:
        faults.append(f"{needed / 1e9:.1f} GB of disk are needed in {project.root}, {free / 1e9:.1f} GB are free")
    return faults


def openmp_is_there() -> bool:
    """Whether the OpenMP runtime can be loaded that LightGBM's wheels link to but don't bring."""
    if sys.platform == "win32":
        return True  # part of the C++ runtime, which Python's own installer brings
    if sys.platform == "darwin":
        folders = ("/opt/homebrew/opt/libomp/lib/", "/usr/local/opt/libomp/lib/", "/opt/local/lib/libomp/")
        names = ["libomp.dylib", *(f"{folder}libomp.dylib" for folder in folders)]
    else:
        names = ["libgomp.so.1"]
    for name in names:
        with contextlib.suppress(OSError):
            ctypes.CDLL(name)
            return True
    return False


def damaged_packages(site_packages: Path) -> list[Path]:
    """The dist-info folders of packages that are not there as their RECORD says: an installation broke off in the middle of them."""

    def is_damaged(info: Path) -> bool:
        try:
            with (info / "RECORD").open(encoding="utf-8", newline="") as record:
                rows = [row for row in csv.reader(record) if len(row) == 3 and row[2]]
            return any((site_packages / path).stat().st_size != int(size) for path, _, size in rows)
        except OSError:
            return True

    return [info for info in sorted(site_packages.glob("*.dist-info")) if is_damaged(info)]


def _discard_damaged(project: Project) -> None:
    """Make pip install again what an interrupted installation has left half-done."""
    damaged = damaged_packages(project.site_packages())
    for info in damaged:
        shutil.rmtree(info)
    if damaged:
        say(f"an installation broke off; repairing {', '.join(info.name.rpartition('-')[0] for info in damaged)}")
    for remnant in project.site_packages().glob("~*"):  # where pip keeps the old files while it replaces a package
        shutil.rmtree(remnant) if remnant.is_dir() else remnant.unlink()


PIPS = 4
"""At once: one pip loads, verifies and unpacks one package after another on one processor."""


def _install_locks(project: Project, locks: list[Path], log, handed_down, missing: int) -> None:
    """Install what locks pin, the first one's packages dealt out to several pips where several are missing; none waits for another.

    No file is written by two of them: packages that have files in common are of one family, and no package is in two locks. Nor is pip replaced while others
    run from its files: that is done before.

    Raises
    ------
    DevError
        Of the first pip that fails, when all have ended.
    """
    _renew_pip(project, locks[0], log, handed_down)
    parts = max(1, min(PIPS, missing))
    files = locks if parts == 1 else [*_dealt(project, locks[0], parts), *locks[1:]]
    line = TerminalLine(missing) if missing else None
    with ThreadPoolExecutor(len(files)) as threads:
        hashed = (["--require-hashes", "--no-deps", "-r", str(file)] for file in files)
        pips = [threads.submit(_pip, project, one, log, handed_down, line=line) for one in hashed]
    if line:
        line.clear()
    for pip in pips:
        pip.result()


def _renew_pip(project: Project, lock: Path, log, handed_down) -> None:
    """Bring pip itself to the version that a lock pins, if it pins one."""
    for _, entry in _lock_entries(lock.read_text(encoding="utf-8")):
        pinned = re.match(r"pip==([\w.!+]+)", entry)
        if pinned and not (project.site_packages() / f"pip-{pinned[1]}.dist-info").is_dir():
            alone = project.venv / "ats-setup-pip.lock"
            alone.write_text(f"{entry}\n", encoding="utf-8")
            _pip(project, ["--require-hashes", "--no-deps", "-r", str(alone)], log, handed_down)


def _dealt(project: Project, lock: Path, parts: int) -> list[Path]:
    """The requirements of a lock in so many files, each family of packages in one."""
    families: dict[str, list[str]] = {}
    for _, entry in _lock_entries(lock.read_text(encoding="utf-8")):
        families.setdefault(family(entry), []).append(entry)
    files = [project.venv / f"ats-setup-{n}.lock" for n in range(parts)]
    for n, file in enumerate(files):
        file.write_text("".join(f"{entry}\n" for one in list(families.values())[n::parts] for entry in one), encoding="utf-8")
    return files


def family(requirement: str) -> str:
    """What the packages share that may bring the same files, as mlflow and mlflow-skinny do: the first word of the name."""
    return re.split(r"[-_.=]", requirement, maxsplit=1)[0].lower()


def _pip(project: Project, arguments: list[str], log, handed_down, line: "TerminalLine | None" = None) -> None:
    """Run `pip install`, its output into the log; what it collects and unpacks is told on a line of the terminal that several may share."""
    options = ["--no-input", "--disable-pip-version-check", "--no-compile", "--progress-bar=off"]
    command = [str(project.python), "-m", "pip", "install", *options, *arguments]
    print("$", *command, file=log, flush=True)
    lines = []
    how = {"cwd": project.root, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "errors": "replace"}
    with subprocess.Popen(command, pass_fds=handed_down, text=True, **how) as pip:
        assert pip.stdout is not None
        for told in pip.stdout:
            log.write(told)
            lines.append(told)
            if line and told.startswith(("Collecting ", "Processing ")):
                line.count("collecting")
            elif line and told.startswith("Installing collected"):
                line.show("unpacking")
    if pip.returncode:
        log.flush()
        raise DevError(
            f"pip failed:\n{''.join(lines[-15:])}{_advice(''.join(lines))} All of its output is in {project.log}; the next dev.py goes on from here."
        )


def _advice(output: str) -> str:
    """What to do about a failure of pip."""
    if "DO NOT MATCH THE HASHES" in output:
        return "What the package index delivered is not what requirements.lock pins: don't install it; compare with another index."
    if "No space left" in output:
        return "The disk is full: about 3.5 GB are needed beside .venv, and 1 GB in the temporary folder (TMPDIR)."
    if "No matching distribution found" in output:
        return "The index has no such package for this platform, or can't be reached (`pip config list` shows which one is asked)."
    return "Is the package index reachable? `pip config list` shows which one is asked."


# -------------------------------------------------------------------------------------------------------------- commands


def run(project: Project, arguments: list[str]) -> int:
    """Hand over to `ats run`, in the current folder: its exit status and its signals are those of this process."""
    return _become(project, [str(project.tool("ats")), "run", *arguments])


def test(project: Project, arguments: list[str]) -> int:
    """Hand over to pytest: everything in one process more than there are processors (four at most), or just what the arguments say; with `--full` all rounds of the random ones."""
    if "--full" in arguments:
        os.environ["ATS_TESTS_FULL"] = "1"
        arguments = [argument for argument in arguments if argument != "--full"]
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = min(processors + 1, 4)  # one more, since tests wait for servers and for processes that they start
    everything = ["-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder", "-q", "--durations=15"]
    os.chdir(project.root)
    if not arguments:
        kernels(project, [])
    return _become(project, [str(project.python), "-m", "pytest", *(arguments or everything)])


def kernels(project: Project, arguments: list[str]) -> int:
    """Compile what tests need once, so that no two of pytest's processes do the same; nothing is done where that was done for this code."""
    if arguments:
        raise DevError(f"kernels takes no arguments, got {' '.join(arguments)}")
    started, made_of = time.monotonic(), _code_now(project)
    stamp = project.venv / "ats-kernels.txt"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == made_of:
        return 0
    if subprocess.run([project.python, "-m", "ats_assets_tests.warming"], env=project.environment(), check=False).returncode:
        raise DevError("the kernels can't be compiled; the message above says why")
    stamp.write_text(made_of, encoding="utf-8")
    say(f"kernels compiled in {time.monotonic() - started:.0f} s")
    return 0


def _code_now(project: Project) -> str:
    """What kernels are compiled from, as it is told by: the files of the code by their time and length, and the packages."""
    told = hashlib.sha256(project.lock.read_bytes())
    for folder in ("ats_assets", "ats_assets_tests"):
        for file in sorted((project.root / folder).rglob("*.py")):
            status = file.stat()
            told.update(f"{file}:{status.st_mtime_ns}:{status.st_size}\n".encode())
    return told.hexdigest()


def check(project: Project, arguments: list[str]) -> int:
    """Run every static check, also after one has failed; 1 if any has."""
    if arguments:
        raise DevError(f"check takes no arguments, got {' '.join(arguments)}")
    commands = [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["basedpyright"], ["lint-imports", "--no-logo"]]
    outcomes = []
    for name, *rest in commands:
        print(f"== {' '.join([name, *rest])}", flush=True)
        started = time.monotonic()
        status = subprocess.run([str(project.tool(name)), *rest], cwd=project.root, env=project.environment(), check=False).returncode
        outcomes.append(
            (status, f"{'ok    ' if status == 0 else 'FAILED'}  {' '.join([name, *rest])}  ({time.monotonic() - started:.1f} s)")
        )
    print("==", *(outcome for _, outcome in outcomes), sep="\n")
    return int(any(status for status, _ in outcomes))


def _torch_lock(project: Project) -> Path:
    return project.root / "requirements-torch.lock"


def torch(project: Project, arguments: list[str]) -> int:
    """Install PyTorch beside the lock's packages, as it is tested; it is not among them, since on Linux the index's build brings 3 GB of CUDA."""
    if arguments:
        raise DevError(f"torch takes no arguments, got {' '.join(arguments)}")
    with project.log.open("a", encoding="utf-8") as log:
        _pip(project, ["--require-hashes", "--no-deps", "-r", str(_torch_lock(project))], log, ())
    say("PyTorch is installed")
    return 0


def lock(project: Project, arguments: list[str]) -> int:
    """Re-make the lock. The old one is replaced only by one that was made without a fault and names no address."""
    made = project.lock.with_suffix(".lock.part")
    shutil.copyfile(project.lock, made)  # uv keeps the pins of an existing file where it can
    try:
        what = ["pyproject.toml", "--extra", "dev", "--universal", "--python-version", "3.11"]
        form = ["--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header"]
        command = [str(project.tool("uv")), "pip", "compile", *what, *form, *arguments, "-q", "-o", made.name]
        status = subprocess.run(command, cwd=project.root, check=False).returncode
        if status:
            raise DevError(f"uv failed (exit status {status}); requirements.lock is as it was")
        faults = lock_faults(made.read_text(encoding="utf-8"))
        if faults:
            raise DevError(
                "requirements.lock is as it was, for the new one would not do:\n" + "\n".join(f"- {fault}" for fault in faults[:20])
            )
        made.replace(project.lock)
    finally:
        made.unlink(missing_ok=True)
    say(f"requirements.lock pins {len(project.locked())} packages; the next command installs what has changed")
    return 0


def lock_faults(text: str) -> list[str]:
    """What is wrong with the text of a lock: a line that is an address or an option, a package without a pin or a hash."""
    faults = []
    for number, entry in _lock_entries(text):
        requirement = entry.partition(" --hash")[0]
        if "://" in entry or " @ " in requirement or requirement.startswith("-"):
            faults.append(f"line {number} holds an address or an option: {requirement}")
        elif not re.match(r"[A-Za-z0-9][\w.-]*==[\w.!+]+( ;|$)", requirement):
            faults.append(f"line {number} pins no version: {requirement}")
        elif not re.search(r" --hash=sha256:[0-9a-f]{64}(\s|$)", entry):
            faults.append(f"line {number} has no hash: {requirement}")
    return faults


def _lock_entries(text: str) -> list[tuple[int, str]]:
    """The requirements of a lock with the number of their first line, continuation lines joined, comments left out."""
    entries, parts = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("#") or not line.strip():
            continue
        parts.append(line.rstrip("\\").strip())
        if not line.endswith("\\"):
            entries.append((number - len(parts) + 1, " ".join(parts)))
            parts = []
    return entries


def ui(project: Project, arguments: list[str]) -> int:
    """Run Dagster's web UI and daemon until Ctrl-C, and leave no process behind."""
    parser = argparse.ArgumentParser(prog="dev.py ui", description="Dagster's web UI and daemon on 127.0.0.1, over the warehouse of `run`.")
    parser.add_argument("--port", type=int, default=3000, help="of the web UI (default: 3000)")
    crypto = "the crypto graph, too (crypto.toml, or what ATS_CRYPTO_SETTINGS names; setting that asks for it, too)"
    parser.add_argument("--crypto", action="store_true", help=crypto)
    asked_for = parser.parse_args(arguments)
    port = asked_for.port
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise DevError(f"port {port} of 127.0.0.1 can't be used ({error}): choose another, for example --port 3001") from error
    say(f"starting Dagster on http://127.0.0.1:{port} (Ctrl-C stops it)")
    asked = []
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _: asked.append(number))
    # A session of its own: a terminal's Ctrl-C reaches only this process, which then stops Dagster in order, and its children.
    workspaces = [argument for name in workspaces_of(os.environ, crypto=asked_for.crypto) for argument in ("-w", name)]
    command = [str(project.tool("dagster")), "dev", *workspaces, "-h", "127.0.0.1", "-p", str(port)]
    quiet = {"PYTHONWARNINGS": "ignore:Function `dev_command` is superseded", **project.environment()}
    with subprocess.Popen(command, cwd=project.root, env=quiet, start_new_session=True) as dagster:
        announced = False
        while dagster.poll() is None and not asked:
            time.sleep(0.2)
            if not announced and _answers(port):
                announced = True
                say(f"Dagster is ready: http://127.0.0.1:{port}")
        ended_by_itself = dagster.poll() is not None
        _stop(dagster, asked)
    return dagster.returncode if ended_by_itself else 0


def workspaces_of(environment: Mapping[str, str], *, crypto: bool) -> list[str]:
    """The workspace files to load: the first graph's; the crypto graph's beside it where it is asked for, alone where ATS_SETTINGS names its settings."""
    named, settings = (environment.get(name) for name in ("ATS_CRYPTO_SETTINGS", "ATS_SETTINGS"))
    of_crypto = named or str(Path(settings or "ats.toml").with_name("crypto.toml"))
    if settings and Path(settings).expanduser().absolute() == Path(of_crypto).expanduser().absolute():
        return ["workspace-crypto.yaml"]
    return ["workspace.yaml", *(["workspace-crypto.yaml"] if crypto or named else [])]


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
        return True
    return False


def _stop(process: subprocess.Popen[bytes], asked: list[int]) -> None:
    """Stop a process and what is left of its group: asked politely, then (after 30 s, or at the user's second request) killed."""
    if process.poll() is None:
        say("stopping Dagster")
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline and len(asked) < 2:
            time.sleep(0.1)
    if not hasattr(os, "killpg"):
        process.kill()
        return
    for number, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 0.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                process.poll()
                os.killpg(process.pid, 0)
                time.sleep(0.1)


def docs(project: Project, arguments: list[str]) -> int:
    """Serve the documentation's site on this machine, or build it; a warning, such as a dead link, is an error."""
    parser = argparse.ArgumentParser(prog="dev.py docs", description="The documentation as a site, on 127.0.0.1 until Ctrl-C.")
    parser.add_argument("--port", type=int, default=8001, help="of the site (default: 8001)")
    parser.add_argument("--build", action="store_true", help="make its files in site/ instead")
    asked = parser.parse_args(arguments)
    how = ["build"] if asked.build else ["serve", "--dev-addr", f"127.0.0.1:{asked.port}"]
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")  # an advertisement
    os.chdir(project.root)
    return _become(project, [str(project.tool("mkdocs")), *how, "--strict"])


def _become(project: Project, command: list[str]) -> int:
    """Replace this process by the command, so that signals and exit status are its own; where that can't be done, run it."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execve(command[0], command, project.environment())  # noqa: S606
    return subprocess.call(command, env=project.environment())


COMMANDS = {"run": run, "test": test, "check": check, "kernels": kernels, "ui": ui, "docs": docs, "torch": torch, "lock": lock}


def main(arguments: list[str], root: Path) -> int:
    """Run a command of this file and return its exit status."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    command = COMMANDS.get(arguments[0])
    if command is None:
        print(f"dev.py: there is no command {arguments[0]!r}\n\n{USAGE}", end="", file=sys.stderr)
        return 2
    project = Project(root)
    try:
        set_up(project, beside=_torch_lock(project) if command is torch else None)
        return command(project, arguments[1:])
    except DevError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; the next dev.py goes on from here")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parent))
