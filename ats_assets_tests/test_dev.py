"""dev.py on a tiny project of its own: real virtual environments and a real pip, which finds its one package in a folder and needs no network."""

import ast
import contextlib
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
import time
import tomllib
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
DEV = ROOT / "dev.py"

_specification = importlib.util.spec_from_file_location("dev", DEV)
assert _specification is not None
assert _specification.loader is not None
dev = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(dev)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the tiny project's programs are for POSIX")

# What stands in for the project: `ats` says how it was called, and does as told.
ATS = """\
import json, os, signal, sys
def main():
    print(json.dumps({"arguments": sys.argv[1:], "home": os.environ["DAGSTER_HOME"], "cwd": os.getcwd()}), flush=True)
    if sys.argv[-1] == "be-killed":
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whatever those who started the tests do with it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        os.kill(os.getpid(), signal.SIGTERM)
    return 7
"""
# A build backend inside the tiny project, so that its editable installation needs nothing from an index.
BACKEND = """\
import pathlib, time, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    while pathlib.Path("hold").exists():
        pathlib.Path("held").touch()
        time.sleep(0.05)
    name = "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        wheel.writestr("tiny.pth", str(pathlib.Path.cwd()))
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("tiny-1.0.dist-info/entry_points.txt", "[console_scripts]\\nats = tiny_ats:main\\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    return name
"""
PYPROJECT = """\
[build-system]
requires = []
build-backend = "tiny_backend"
backend-path = ["."]
[project]
name = "tiny"
version = "1.0"
"""


def make_wheel(folder: Path, version: str, name: str = "pinned") -> str:
    """A wheel in `folder`; returns its line in a lock."""
    body = f"VERSION = {version!r}\n"
    files = {
        f"{name}/__init__.py": body,
        f"{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{name}-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{name}-{version}.dist-info/RECORD"
    files[record] = "".join(f"{path},,{len(text)}\n" for path, text in files.items()) + f"{record},,\n"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, text in files.items():
            wheel.writestr(inside, text)
    return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Tiny:
    """A project that dev.py can set up in seconds."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = dev.Project(root)
        self.said: list[str] = []
        self.wheels = root / "wheels"
        self.wheels.mkdir(parents=True)
        shutil.copy(DEV, root / "dev.py")
        (root / "pyproject.toml").write_text(PYPROJECT)
        (root / "tiny_ats.py").write_text(ATS)
        (root / "tiny_backend.py").write_text(BACKEND)
        (root / "requirements.lock").write_text(make_wheel(self.wheels, "1.0"))

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "DAGSTER_"))}
        return {**kept, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_CONFIG_FILE": os.devnull}

    def dev(self, *arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(self.root / "dev.py"), *arguments]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            cwd=cwd or self.root,
            stdin=subprocess.DEVNULL,
            timeout=300,
        )

    def pinned(self) -> Path:
        return self.project.site_packages() / "pinned" / "__init__.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A tiny project after its first command, which was given twice at once."""
    tiny = Tiny(tmp_path_factory.mktemp("tiny"))
    command = [sys.executable, str(tiny.root / "dev.py"), "run"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=tiny.environment) for _ in range(2)]
    tiny.said = sorted((process.communicate(timeout=300)[1] for process in both), key=len)
    assert [process.returncode for process in both] == [7, 7], tiny.said
    assert "making" in tiny.said[1]
    assert "installing 1 packages" in tiny.said[1]
    assert "set up in" in tiny.said[1]
    return tiny


def test_pytorch_is_installed_from_a_lock_of_its_own_that_pins_and_hashes(made: Tiny) -> None:
    shutil.copy(made.root / "requirements.lock", made.root / "requirements-torch.lock")
    assert made.dev("torch", "more").returncode == 1
    found = made.dev("torch")
    assert found.returncode == 0, found.stderr
    assert "PyTorch is installed" in found.stderr
    assert dev.lock_faults((ROOT / "requirements-torch.lock").read_text()) == []


def test_parses_on_python_3_6() -> None:
    ast.parse(DEV.read_text(), feature_version=(3, 6))


def test_before_the_version_is_judged_nothing_new_is_evaluated() -> None:
    """Annotations of functions are evaluated when they are defined: above the gate an old Python would fail on `list[str]`."""
    body = ast.parse(DEV.read_text()).body
    gate = next(n for n, node in enumerate(body) if isinstance(node, ast.If))
    above = [node for node in body[:gate] if isinstance(node, ast.FunctionDef)]
    assert {node.name for node in above} >= {"version_complaint", "find_python", "use_supported_python"}
    assert all(node.returns is None and all(a.annotation is None for a in node.args.args) for node in above)


def test_imports_only_the_standard_library() -> None:
    nodes = list(ast.walk(ast.parse(DEV.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


@pytest.mark.parametrize("version", [(3, 9), (3, 10), (3, 13), (2, 7)])
def test_names_the_version_that_is_needed_and_the_one_at_hand(version: tuple[int, int]) -> None:
    assert dev.version_complaint(version) == f"Python 3.11 or 3.12 is needed, this is {version[0]}.{version[1]}"


@pytest.mark.parametrize("version", [(3, 11), (3, 12)])
def test_accepts_what_the_project_supports(version: tuple[int, int]) -> None:
    assert dev.version_complaint(version) == ""


def test_a_shim_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    minor = sys.version_info[1]
    broken, lying, real = (tmp_path / name for name in ("broken", "lying", "real"))
    for folder, script in ((broken, "echo 'no such version' >&2; exit 127"), (lying, "echo 3.10"), (real, f'exec "{sys.executable}" "$@"')):
        folder.mkdir()
        program = folder / f"python3.{minor}"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    assert dev.find_python([str(broken), str(lying)]) is None
    assert dev.find_python([str(broken), str(lying), str(real)]) == str(real / f"python3.{minor}")


def test_goes_on_with_a_supported_python_or_says_what_to_install(tmp_path: Path) -> None:
    """Run with a version list that this Python is not in: another is looked for on PATH."""
    text = DEV.read_text()
    assert "SUPPORTED = ((3, 11), (3, 12))" in text
    script = tmp_path / "dev.py"
    script.write_text(text.replace("SUPPORTED = ((3, 11), (3, 12))", "SUPPORTED = ((3, 99),)"))
    alone = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert alone.returncode == 1
    assert f"Python 3.99 is needed, this is {this} ({sys.executable}), and no other on PATH runs." in alone.stderr
    assert "apt-get install" in alone.stderr
    other = tmp_path / "python3.99"
    other.write_text('#!/bin/sh\n[ "$1" = -c ] && echo 3.99 || echo "went on with $*"\n')
    other.chmod(0o755)
    found = subprocess.run(
        [sys.executable, script, "run", "--to", "x"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"},
    )
    assert found.stdout.strip() == f"went on with {script} run --to x"
    assert f"going on with {other}" in found.stderr


@pytest.mark.parametrize("arguments", [[], ["--help"], ["help"]])
def test_help_names_every_command_and_sets_nothing_up(arguments: list[str], tmp_path: Path) -> None:
    shutil.copy(DEV, tmp_path)
    shown = subprocess.run([sys.executable, tmp_path / "dev.py", *arguments], capture_output=True, text=True, check=True)
    assert all(f"\n  {name} " in shown.stdout for name in dev.COMMANDS)
    assert [path.name for path in tmp_path.iterdir()] == ["dev.py"]


def test_an_unknown_command_is_an_error_of_use(tmp_path: Path) -> None:
    shutil.copy(DEV, tmp_path)
    shown = subprocess.run([sys.executable, tmp_path / "dev.py", "rnu"], capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "no command 'rnu'" in shown.stderr


def test_arguments_environment_folder_and_exit_status_are_passed_through(made: Tiny, tmp_path: Path) -> None:
    called = made.dev("run", "--from", "2020-01-02", "--help", "a b", cwd=tmp_path)
    assert called.returncode == 7
    assert called.stderr == ""  # nothing to set up, so nothing to say
    assert json.loads(called.stdout) == {
        "arguments": ["run", "--from", "2020-01-02", "--help", "a b"],
        "home": str(made.root),
        "cwd": str(tmp_path),
    }


def test_death_by_a_signal_is_passed_through(made: Tiny) -> None:
    assert made.dev("run", "be-killed").returncode == -signal.SIGTERM


def test_the_stamp_covers_lock_project_and_folder(made: Tiny, tmp_path: Path) -> None:
    stamp = dev.wanted_stamp(made.project)
    assert dev.is_ready(made.project)
    copy = dev.Project(tmp_path / "copy")
    shutil.copytree(made.root, copy.root, symlinks=True)
    assert not dev.is_ready(copy)  # its programs still name the other folder
    copy.stamp.write_text(dev.wanted_stamp(copy))
    assert dev.is_ready(copy)
    copy.pyproject.write_text(PYPROJECT + "\n[tool.ruff]\nline-length = 99\n")
    assert dev.is_ready(copy)  # does not matter to what is installed
    copy.pyproject.write_text(PYPROJECT + 'dependencies = ["pinned"]\n')
    assert not dev.is_ready(copy)
    copy.pyproject.write_text(PYPROJECT)
    copy.lock.write_text(copy.lock.read_text() + "# changed\n")
    assert not dev.is_ready(copy)
    assert dev.wanted_stamp(made.project) == stamp


def test_a_changed_lock_is_installed(made: Tiny) -> None:
    before = made.project.lock.read_text()
    more = [make_wheel(made.wheels, "1.0", name) for name in ("first", "second")]
    made.project.lock.write_text(make_wheel(made.wheels, "2.0") + "".join(more))
    changed = made.dev("run")
    assert changed.returncode == 7, changed.stderr
    assert "making" not in changed.stderr  # kept, and brought up to date
    assert "2.0" in made.pinned().read_text()
    assert {"first", "second"} <= {folder.name for folder in made.project.site_packages().iterdir()}
    assert made.project.log.read_text().count("Successfully installed") == 3  # two pips at once, then the project itself
    made.project.lock.write_text(before)
    assert made.dev("run").returncode == 7
    assert "1.0" in made.pinned().read_text()


def test_pip_is_replaced_before_several_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is replaced meanwhile finds its own modules gone."""
    project, asked = dev.Project(tmp_path), list[list[str]]()
    project.bin.mkdir(parents=True)
    project.bin.joinpath("python").touch()
    project.venv.joinpath("pyvenv.cfg").write_text("version = 3.11.2\n")
    (tmp_path / "other.lock").write_text("torch==1 --hash=sha256:00\n")
    project.lock.write_text("".join(f"{name}==2 \\\n    --hash=sha256:00\n" for name in ("one", "pip", "pip-audit", "two")))
    monkeypatch.setattr(
        dev,
        "_pip",
        lambda _, arguments, *__, **___: asked.append(re.findall(r"^([\w-]+)==", Path(arguments[-1]).read_text(), re.MULTILINE)),
    )
    for missing in (4, 0):
        asked.clear()
        dev._install_locks(project, [project.lock, tmp_path / "other.lock"], None, (), missing)
        assert asked[0] == ["pip"]
        assert {name for one in asked[1:] for name in one} == {"one", "pip", "pip-audit", "two", "torch"}
    (project.site_packages() / "pip-2.dist-info").mkdir(parents=True)
    asked.clear()
    dev._install_locks(project, [project.lock], None, (), 0)
    assert asked == [["one", "pip", "pip-audit", "two"]]


def test_several_pips_share_one_line_of_a_terminal_and_elsewhere_there_is_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for is_terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda is_terminal=is_terminal: is_terminal, raising=False)
        line = dev.TerminalLine(3)
        for _ in range(2):
            line.count("collecting")
        line.clear()
        shown = capsys.readouterr().err
        assert ("collecting 2 of 3, 0 s" in shown) == is_terminal == bool(shown)


def test_no_two_pips_write_the_same_file() -> None:
    """mlflow's and cvxpy's packages bring the same files: one pip that replaces a file which another writes fails."""
    first: dict[str, str] = {}
    shared = set[tuple[str, str]]()
    for package in distributions():
        name = dev.family(package.metadata["Name"])
        for line in (package.read_text("RECORD") or "").splitlines():
            file = line.rsplit(",", 2)[0]
            if first.setdefault(file, name) != name and "__pycache__" not in file:
                shared.add((first[file], name))
    assert not shared
    assert not dev.Project(ROOT).locked() & set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements-torch.lock").read_text(), re.MULTILINE))


def test_what_an_interrupted_installation_left_is_repaired(made: Tiny) -> None:
    made.project.stamp.unlink()  # it is written last, so an interrupted installation has none
    made.pinned().write_text("VERS")
    remnant = made.project.site_packages() / "~inned"
    remnant.mkdir()
    repaired = made.dev("run")
    assert repaired.returncode == 7, repaired.stderr
    assert "repairing pinned" in repaired.stderr
    assert "making" not in repaired.stderr
    assert "1.0" in made.pinned().read_text()
    assert not remnant.exists()
    assert dev.damaged_packages(made.project.site_packages()) == []


@pytest.mark.slow
def test_a_killed_set_up_is_finished_by_the_next(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path / "project")
    for after_s in (0.3, 1.5, 3.0):
        with subprocess.Popen(
            [sys.executable, tiny.root / "dev.py", "run"],
            env=tiny.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as doomed:
            time.sleep(after_s)
            os.killpg(doomed.pid, signal.SIGKILL)
    finished = tiny.dev("run")
    assert finished.returncode == 7, finished.stderr
    assert "1.0" in tiny.pinned().read_text()


def test_a_moved_checkout_is_set_up_again(made: Tiny, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(made.root, moved, symlinks=True)
    program = [sys.executable, moved / "dev.py", "run"]
    called = subprocess.run(program, capture_output=True, text=True, check=False, env=made.environment)
    assert called.returncode == 7, called.stderr
    assert f"it was made as {made.root}/.venv" in called.stderr
    assert str(moved) in (moved / ".venv/bin/ats").read_text()


def test_of_two_at_once_the_second_waits_and_installs_nothing(made: Tiny) -> None:
    assert made.said[0] == "dev.py: another dev.py is setting up here: waiting for it\n"


@pytest.mark.slow
def test_an_environment_whose_python_is_gone_is_made_anew_and_while_pip_lives_on_after_a_kill_the_next_waits(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path / "project")
    tiny.project.bin.mkdir(parents=True)
    tiny.project.python.symlink_to(tmp_path / "gone")
    (tiny.root / "hold").touch()
    command = [sys.executable, str(tiny.root / "dev.py"), "run"]
    with subprocess.Popen(command, env=tiny.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as doomed:
        while not (tiny.root / "held").exists():
            time.sleep(0.05)
        doomed.kill()  # and not its pip
    with subprocess.Popen(command, env=tiny.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as second:
        assert second.stderr is not None
        assert "waiting for it" in second.stderr.readline()
        (tiny.root / "hold").unlink()
        said = second.stderr.read()
    assert second.returncode == 7, said
    assert tiny.dev("run").stderr == ""


@pytest.mark.parametrize(
    ("name", "fault", "logged"),
    [
        ("pinned", "is not what requirements.lock pins", "DO NOT MATCH THE HASHES"),
        ("absent", "no such package for this platform, or can't be reached", "absent==2.0"),
    ],
)
def test_a_failure_of_pip_is_explained_and_the_next_command_goes_on(name: str, fault: str, logged: str, made: Tiny) -> None:
    before = made.project.lock.read_text()
    make_wheel(made.wheels, "2.0")
    kept = before if name != "pinned" else ""
    made.project.lock.write_text(f"{kept}{name}==2.0 \\\n    --hash=sha256:{'0' * 64}\n")
    refused = made.dev("run")
    assert refused.returncode == 1
    assert "pip failed" in refused.stderr
    assert fault in refused.stderr
    assert str(made.project.log) in refused.stderr
    assert logged in made.project.log.read_text()
    assert not dev.is_ready(made.project)
    made.project.lock.write_text(before)
    assert made.dev("run").returncode == 7


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path / "project")
    openmp, disk = dev.missing_prerequisites(tiny.project, has_openmp=False, free_bytes=1.2e9)
    assert "LightGBM" in openmp
    assert "libgomp1" in openmp or "brew install libomp" in openmp
    assert disk == f"3.5 GB of disk are needed in {tiny.root}, 1.2 GB are free"
    assert dev.missing_prerequisites(tiny.project, has_openmp=True, free_bytes=3.6e9) == []


def test_what_is_installed_needs_no_disk_again(made: Tiny) -> None:
    assert dev.missing_prerequisites(made.project, has_openmp=True, free_bytes=0) == []


def test_openmp_is_there_where_lightgbm_runs() -> None:
    assert importlib.import_module("lightgbm").__version__
    assert dev.openmp_is_there()


def test_the_lock_has_no_fault() -> None:
    assert dev.lock_faults((ROOT / "requirements.lock").read_text()) == []


def test_the_lock_holds_what_the_project_depends_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = {}
    for _, entry in dev._lock_entries((ROOT / "requirements.lock").read_text()):
        pin = Requirement(entry.partition(" --hash")[0])
        pins[dev._normalised(pin.name)] = pin.specifier
    for text in project["dependencies"] + project["optional-dependencies"]["dev"]:
        wanted = Requirement(text)
        pinned = str(pins[dev._normalised(wanted.name)]).removeprefix("==")
        assert wanted.specifier.contains(pinned), f"{text} is locked as {pinned}: python3 dev.py lock"
    assert all(f"3.{minor}" in SpecifierSet(project["requires-python"]) for _, minor in dev.SUPPORTED)


HASH = " --hash=sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"--index-url https://index.example/simple\nx==1{HASH}\n", "line 1 holds an address or an option"),
        (f"--find-links wheels\nx==1{HASH}\n", "line 1 holds an address or an option"),
        (f"x @ file:///wheels/x.whl{HASH}\n", "line 1 holds an address or an option"),
        (f"a==1{HASH}\nx>=1{HASH}\n", "line 2 pins no version: x>=1"),
        (f"# note\nx==1 ; python_version < '3.12' \\\n   {HASH}\ny==2\n", "line 4 has no hash: y==2"),
        ("x==1 \\\n    --hash=md5:abc\n", "line 1 has no hash: x==1"),
    ],
)
def test_a_lock_with_an_address_without_a_pin_or_without_a_hash_is_refused(text: str, fault: str) -> None:
    (found,) = dev.lock_faults(text)
    assert found.startswith(fault)


def test_lock_keeps_the_old_file_if_the_new_one_names_an_address(made: Tiny, capfd: pytest.CaptureFixture[str]) -> None:
    uv = made.project.tool("uv")
    before = made.project.lock.read_text()
    uv.write_text('#!/bin/sh\nfor last; do :; done\necho "--index-url https://index.example" > "$last"\n')
    uv.chmod(0o755)
    with pytest.raises(dev.DevError, match=r"line 1 holds an address"):
        dev.lock(made.project, [])
    uv.write_text("#!/bin/sh\necho no network >&2; exit 2\n")
    with pytest.raises(dev.DevError, match=r"exit status 2"):
        dev.lock(made.project, [])
    assert made.project.lock.read_text() == before
    assert not list(made.root.glob("*.part"))
    uv.write_text(f'#!/bin/sh\nfor last; do :; done\necho "x==1{HASH}" > "$last"\necho "$@" >&2\n')
    assert dev.lock(made.project, ["--upgrade"]) == 0
    assert made.project.lock.read_text() == f"x==1{HASH}\n"
    assert "--no-emit-index-url" in capfd.readouterr().err
    made.project.lock.write_text(before)


TESTING = """\
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "full": os.environ.get("ATS_TESTS_FULL")}), flush=True)
"""


@pytest.mark.parametrize(("arguments", "full", "narrow"), [([], None, False), (["--full"], "1", False), (["-k", "x", "--full"], "1", True)])
def test_tests_are_run_after_the_kernels_are_compiled_in_full_if_asked(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], full: str | None, narrow: bool
) -> None:
    monkeypatch.setenv("ATS_TESTS_FULL", "")  # so that what is set is taken back
    monkeypatch.delenv("ATS_TESTS_FULL")
    project = dev.Project(tmp_path)
    project.bin.mkdir(parents=True)
    project.python.write_text(f"#!{sys.executable}\n{TESTING}")
    project.python.chmod(0o755)
    monkeypatch.setattr(dev, "_become", lambda project, command: subprocess.run(command, check=True).returncode)
    monkeypatch.chdir(tmp_path)
    project.lock.touch()
    assert dev.test(project, arguments) == 0
    calls = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [call["arguments"][1] for call in calls] == (["pytest"] if narrow else ["ats_assets_tests.warming", "pytest"])
    assert {call["full"] for call in calls} == {full}
    assert ("-k" in calls[-1]["arguments"]) == narrow
    assert "--full" not in calls[-1]["arguments"]


def test_kernels_are_compiled_again_where_code_or_packages_have_changed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = dev.Project(tmp_path)
    project.bin.mkdir(parents=True)
    project.python.write_text("#!/bin/sh\necho compiled\n")
    project.python.chmod(0o755)
    project.lock.touch()
    code = tmp_path / "ats_assets" / "kernels" / "kernel.py"
    code.parent.mkdir(parents=True)
    for text in ("x = 1\n", "x = 22\n"):
        code.write_text(text)
        assert dev.kernels(project, []) == dev.kernels(project, []) == 0
        assert capfd.readouterr().out == "compiled\n"
    project.lock.write_text("numba==1\n")
    assert dev.kernels(project, []) == 0
    assert capfd.readouterr().out == "compiled\n"
    project.python.write_text("#!/bin/sh\nexit 1\n")
    code.unlink()
    for _ in range(2):
        with pytest.raises(dev.DevError, match="can't be compiled"):
            dev.kernels(project, [])


def test_check_runs_everything_and_fails_if_any_fails(made: Tiny, capfd: pytest.CaptureFixture[str]) -> None:
    for name, status in (("ruff", 0), ("basedpyright", 3), ("lint-imports", 0)):
        made.project.tool(name).write_text(f"#!/bin/sh\necho {name} $@ ran\nexit {status}\n")
        made.project.tool(name).chmod(0o755)
    assert dev.check(made.project, []) == 1
    shown = capfd.readouterr().out
    assert "ruff check . ran" in shown
    assert "lint-imports --no-logo ran" in shown
    assert "FAILED  basedpyright" in shown
    assert shown.count("ok    ") == 3
    made.project.tool("basedpyright").write_text("#!/bin/sh\n")
    assert dev.check(made.project, []) == 0
    with pytest.raises(dev.DevError, match="no arguments"):
        dev.check(made.project, ["--fix"])


def test_ui_refuses_a_port_in_use(made: Tiny) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(dev.DevError, match=rf"port {port} of 127\.0\.0\.1 can't be used.*--port"):
            dev.ui(made.project, ["--port", str(port)])


@pytest.mark.parametrize(
    ("variables", "crypto", "loaded"),
    [
        ({}, False, "workspace.yaml"),  # before, both graphs were loaded always
        ({}, True, "workspace.yaml workspace-crypto.yaml"),
        ({"ATS_SETTINGS": "mine.toml"}, False, "workspace.yaml"),
        ({"ATS_CRYPTO_SETTINGS": "coins.toml"}, False, "workspace.yaml workspace-crypto.yaml"),
        ({"ATS_SETTINGS": "crypto.toml"}, False, "workspace-crypto.yaml"),
        ({"ATS_SETTINGS": "coins.toml", "ATS_CRYPTO_SETTINGS": "coins.toml"}, False, "workspace-crypto.yaml"),
        ({"ATS_SETTINGS": "crypto.toml", "ATS_CRYPTO_SETTINGS": "coins.toml"}, False, "workspace.yaml workspace-crypto.yaml"),
    ],
)
def test_ui_loads_the_crypto_graph_where_its_settings_are_asked_for(variables: dict[str, str], crypto: bool, loaded: str) -> None:
    assert " ".join(dev.workspaces_of(variables, crypto=crypto)) == loaded


# Stands in for `dagster dev`: serves the port, starts a child that ignores requests to stop, and notes its own interruption.
DAGSTER = """\
#!{python}
import pathlib, socket, subprocess, sys, time
assert sys.argv[1:-1] == ["dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p"], sys.argv
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", stubborn])
server = socket.create_server(("127.0.0.1", int(sys.argv[-1])))
pathlib.Path("child-" + sys.argv[-1]).write_text(str(child.pid))
try:
    time.sleep(60)
except KeyboardInterrupt:
    pathlib.Path("stopped-" + sys.argv[-1]).write_text("in order")
"""
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def test_ui_stops_dagster_in_order_and_leaves_no_child(made: Tiny) -> None:
    """By each of the signals; at once, since a stubborn child is waited for."""
    program = made.project.tool("dagster")
    program.write_text(DAGSTER.format(python=sys.executable))
    program.chmod(0o755)
    with contextlib.ExitStack() as probes:
        ports = [probes.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in STOPPING]
    with contextlib.ExitStack() as open_until_the_end:
        started = []
        for port in ports:
            command = [sys.executable, made.root / "dev.py", "ui", "--port", str(port)]
            started.append(
                open_until_the_end.enter_context(subprocess.Popen(command, env=made.environment, stderr=subprocess.PIPE, text=True))
            )
        for port, ui in zip(ports, started, strict=True):
            assert ui.stderr is not None
            said = ""
            while "is ready" not in said and (line := ui.stderr.readline()):
                said += line
            assert f"Dagster is ready: http://127.0.0.1:{port}" in said
        for number, ui in zip(STOPPING, started, strict=True):
            ui.send_signal(number)
        assert [ui.wait(timeout=30) for ui in started] == [0, 0, 0]
    for port in ports:
        assert (made.root / f"stopped-{port}").read_text() == "in order"
        with pytest.raises(ProcessLookupError):
            _wait_for_the_end_of(int((made.root / f"child-{port}").read_text()))


def _wait_for_the_end_of(process_id: int) -> None:
    """Raises ProcessLookupError once the process is gone; a zombie that nobody reaps counts as gone."""
    for _ in range(100):
        os.kill(process_id, 0)
        state = Path(f"/proc/{process_id}/stat")
        if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
            raise ProcessLookupError
        time.sleep(0.05)


def test_ui_ends_with_dagsters_own_status_if_it_ends_by_itself(made: Tiny) -> None:
    program = made.project.tool("dagster")
    program.write_text("#!/bin/sh\nexit 5\n")
    program.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert made.dev("ui", "--port", str(port)).returncode == 5


def test_the_set_up_compiles_what_it_has_installed_whatever_the_environment_says_of_byte_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    project = dev.Project(tmp_path)
    project.bin.mkdir(parents=True)
    project.python.symlink_to(sys.executable)
    (project.venv / "pyvenv.cfg").write_text(f"version = {sys.version.split()[0]}\n")
    for package in (
        project.site_packages() / "one",
        project.site_packages() / "one" / "tests",
        project.site_packages() / dev.LARGE[0],
        project.root / "ats_assets",
    ):
        package.mkdir(parents=True)
        (package / "module.py").write_text("x = 1\n")
    (project.root / "ats_assets" / "broken.py").write_text("x =\n")
    with project.log.open("w") as log:
        dev._compile(project, log)
    assert {file.parents[1] for file in tmp_path.rglob("module.*.pyc")} == {project.site_packages() / "one", project.root / "ats_assets"}
    assert "broken.py" in project.log.read_text()
