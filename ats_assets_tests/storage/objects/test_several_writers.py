"""Processes that write to one root at once, and processes that are killed while they do: no write that succeeded is lost, and none is torn."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from ats_assets.storage.objects.commit_log import CONTROL
from ats_assets_tests.rounds import FULL, rounds
from ats_assets_tests.s3_double import S3Double
from ats_assets_tests.storage.objects.counting_writer import SESSIONS, number_in, opened, write_next

WRITERS, TIMES = 3, rounds(4, 20, "ATS_TEST_OBJECT_WRITES")
KILLS = rounds(4, 30, "ATS_TEST_OBJECT_KILLS")
PROJECT = Path(__file__).parents[3]


def writer(cloud: S3Double, prefix: str, folder: Path, who: str, times: int) -> "subprocess.Popen[str]":
    line = [
        sys.executable,
        "-m",
        "ats_assets_tests.storage.objects.counting_writer",
        cloud.scheme,
        cloud.endpoint,
        prefix,
        str(folder),
        who,
        str(times),
    ]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT)


def test_several_machines_that_count_together_lose_nothing(cloud: S3Double, prefix: str, tmp_path: Path) -> None:
    writers = [writer(cloud, prefix, tmp_path / str(i), str(i), TIMES) for i in range(WRITERS)]
    said = [one.communicate() for one in writers]
    assert [one.returncode for one in writers] == [0] * WRITERS, said
    last = opened(cloud.scheme, cloud.endpoint, prefix, tmp_path / "last", 0.0)
    assert sum(number_in(last, session) for session in SESSIONS) == WRITERS * TIMES
    assert not last.root_folder.log.known.intents(), "each has told of its end"  # pyright: ignore[reportAttributeAccessIssue]


def test_a_writer_killed_at_any_moment(cloud: S3Double, prefix: str, tmp_path: Path) -> None:
    rng, folder, before = random.Random(7), tmp_path / "machine", 0
    for kill in range(KILLS if cloud.scheme == "s3" or FULL else 1):
        process = writer(cloud, prefix, folder, f"killed-{kill}", 1000)
        assert process.stdout is not None
        written = sum(bool(process.stdout.readline()) for _ in range(rng.randint(1, 2)))
        time.sleep(rng.random() * 0.2)
        process.send_signal(signal.SIGKILL)
        written += process.communicate()[0].count("written")
        assert process.returncode == -signal.SIGKILL
        seen = opened(cloud.scheme, cloud.endpoint, prefix, tmp_path / f"other-{kill}", 0.0)
        found = sum(number_in(seen, session) for session in SESSIONS)
        assert before + written <= found <= before + written + 1, "what was written is there; the kill may have cost the word of one write"
        mine = opened(cloud.scheme, cloud.endpoint, prefix, folder, 0.0)
        assert sum(number_in(mine, session) for session in SESSIONS) == found
        write_next(mine, f"after-{kill}", SESSIONS[0])
        before = found + 1
        assert sum(number_in(seen, session) for session in SESSIONS) == before
    names = {path for path in cloud.objects(f"{prefix}/warehouse") if not path.startswith(CONTROL)}
    assert names == {f"count/session={session}/data.parquet" for session in SESSIONS}
