"""`ats exporter` as a process: it answers, keeps to this machine, reads alone, and ends on SIGTERM."""

import http.client
import signal
import subprocess
import sys
from pathlib import Path

from ats_assets_tests.cli.market import ROOT, environment, make_home
from ats_assets_tests.ending_with_tests import ends_with_tests


def test_it_answers_until_it_is_told_to_end(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    command = [sys.executable, "-u", "-m", "ats_assets.cli", "exporter", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environment(home, DAGSTER_HOME=str(home)), stderr=subprocess.PIPE, text=True) as process:
        try:
            ends_with_tests(process)
            assert process.stderr is not None
            said = process.stderr.readline()
            assert said.startswith("ats exporter: http://127.0.0.1:"), said
            asked = http.client.HTTPConnection("127.0.0.1", int(said.rpartition(":")[2].split("/")[0]), timeout=30)
            found = {}
            for method, path in (("GET", "/metrics"), ("HEAD", "/metrics"), ("GET", "/health"), ("GET", "/"), ("GET", "/ats.toml")):
                asked.request(method, path)
                answer = asked.getresponse()
                found[method, path] = (answer.status, answer.read())
            status, content = found["GET", "/metrics"]
            assert status == 200
            assert b'ats_exporter_collector_success{collector="trading"} 1.0' in content
            assert {key: (told[0], bool(told[1])) for key, told in found.items() if key != ("GET", "/metrics")} == {
                ("HEAD", "/metrics"): (200, False),
                ("GET", "/health"): (200, True),
                ("GET", "/"): (200, True),
                ("GET", "/ats.toml"): (404, True),
            }
            assert not (home / "data").exists(), "who only looks makes nothing"
            asked.close()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
            assert process.stderr.read() == "ats exporter: ended\n"
        finally:
            process.kill()
