"""Links to other servers are written as links are; the program that asks for them tells dead ones from servers that refuse it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from ats_assets_tests.docs.commands import ROOT
from ats_assets_tests.docs.external_links import dead, external_links, faults_of_form


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_request(self, code: object = "-", size: object = "-") -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_each_link_is_well_formed() -> None:
    links = external_links()
    assert len(links) > 20
    assert not {(link, *pages): found for link, pages in links.items() if (found := list(faults_of_form(link)))}


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("http://dagster.io", "is not https"),
        ("https://dagster.io.", "ends with ."),
        ("https://dagster", "no server's name"),
        ("https://api.example.com/x", "no server's name"),
        ("https://github.com/microsoft/Qlib/issues", "microsoft/Qlib is none"),
    ],
)
def test_what_is_wrong_would_be_found(link: str, told: str) -> None:
    assert told in "; ".join(faults_of_form(link))


def test_dead_is_what_is_not_there_and_not_what_refuses(server: str) -> None:
    links = [f"{server}/{status}" for status in (200, 403, 404, 410, 429, 500)]
    nobody = "http://127.0.0.1:9/"
    assert dict(dead([*links, nobody], seconds=5)) == {
        f"{server}/404": "status 404",
        f"{server}/410": "status 410",
        nobody: "<urlopen error [Errno 111] Connection refused>",
    }


def test_they_are_asked_for_where_there_is_a_network() -> None:
    """Weekly: a page of another server that is gone is no fault of a change here."""
    jobs = yaml.safe_load(Path(ROOT, ".github/workflows/benchmarks.yaml").read_text(encoding="utf-8"))["jobs"]
    assert any("ats_assets_tests.docs.external_links" in step.get("run", "") for step in jobs["links"]["steps"])
