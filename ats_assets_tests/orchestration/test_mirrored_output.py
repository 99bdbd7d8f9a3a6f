"""What steps write, in files and where it would go without them."""

import io
import os
import subprocess
from pathlib import Path

from ats_assets.orchestration.instance import ProjectComputeLogs
from ats_assets.orchestration.mirrored_output import mirrored


def test_all_that_is_written_is_in_the_file_and_goes_where_it_would_without_it(tmp_path: Path) -> None:
    """Of this process, of one that it starts, and what comes last; of an earlier attempt the file keeps its lines, which are not repeated once more."""
    file, said = tmp_path / "new" / "step.out", tmp_path / "said"
    with said.open("w") as stream:
        for attempt in ("first", "second"):
            with mirrored(stream, file):
                print(attempt, file=stream, flush=True)
                subprocess.run(["echo", "a child of the", attempt], stdout=stream, check=True)
                stream.write("x" * 200_000 + "\n")
        print("outside", file=stream)
    both = [line for attempt in ("first", "second") for line in (attempt, f"a child of the {attempt}", "x" * 200_000)]
    assert file.read_text().splitlines() == both
    assert said.read_text().splitlines() == [*both, "outside"]


def test_a_reader_that_is_gone_and_a_stream_without_a_descriptor_stop_nothing(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream, mirrored(stream, tmp_path / "step.out"):
        print("nobody hears it", file=stream)
    assert (tmp_path / "step.out").read_text() == "nobody hears it\n"
    kept = io.StringIO()
    with mirrored(kept, tmp_path / "step.err"):
        print("a test hears it", file=kept)
    assert (kept.getvalue(), (tmp_path / "step.err").read_text()) == ("a test hears it\n", "")


def test_dagster_finds_the_lines_and_no_process_was_started(tmp_path: Path) -> None:
    logs, key = ProjectComputeLogs(str(tmp_path)), ["a run", "compute_logs", "step"]
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    before = children.read_text() if children.exists() else ""
    with logs.capture_logs(key):
        assert (children.read_text() if children.exists() else "") == before
        assert not logs.is_capture_complete(key)
    assert logs.is_capture_complete(key)
    assert logs.get_log_data(key).stdout == b""
