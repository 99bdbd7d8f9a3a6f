"""The files of the dashboard: nothing from elsewhere, no HTML made of data, vendored code as it was published, colours that can be told apart and read."""

import gzip
import hashlib
import itertools
import re

import numpy as np
import pytest
from starlette.testclient import TestClient

from ats_assets.serving.dashboard_files import FOLDER, TYPES, dashboard_files

VENDORED = {"vendor/lightweight-charts-5.2.1.js": "1bb1ee79f9d4dd17261b53d930f7a8995748276f80e7ba0e24412b5068062f5f"}
"""File -> SHA-256 of `dist/lightweight-charts.standalone.production.mjs` in npm's package of that version."""
OWN = {path: found.body.decode() for path, found in dashboard_files().items() if not path.startswith("vendor/")}
SCRIPTS = {path: text for path, text in OWN.items() if path.endswith(".js")}
LONGEST = 300
"""Lines of a file, as in the package."""

Colour = tuple[float, float, float]


def test_every_file_of_the_folder_is_served() -> None:
    assert len(SCRIPTS) > 20
    assert {path.suffix for path in FOLDER.rglob("*") if path.is_file()} <= TYPES.keys()


@pytest.mark.parametrize("path", VENDORED)
def test_vendored_code_is_what_was_published(path: str) -> None:
    assert hashlib.sha256(dashboard_files()[path].body).hexdigest() == VENDORED[path]
    assert {name for name in dashboard_files() if name.startswith("vendor/") and name.endswith(".js")} == VENDORED.keys()


def test_vendored_code_has_its_licence_and_its_makers_are_named_on_the_page() -> None:
    assert "Apache License" in dashboard_files()["vendor/lightweight-charts-LICENSE.txt"].body.decode()
    notice = dashboard_files()["vendor/NOTICE.txt"].body.decode()
    assert "TradingView, Inc. https://www.tradingview.com/" in notice
    assert "MIT License" in notice
    assert 'href="https://www.tradingview.com/"' in OWN["index.html"]


@pytest.mark.parametrize("path", SCRIPTS)
def test_no_script_makes_html_of_text(path: str) -> None:
    """Symbols, reasons and messages are data: they become text nodes alone."""
    makes = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|setHTML|\beval\(|new Function|javascript:"
    assert not re.findall(makes, SCRIPTS[path])


def test_nothing_is_loaded_from_elsewhere_and_nothing_stands_inside_the_page() -> None:
    """The policy forbids it; so that no page breaks by it, no file asks for it. A link that a person follows is none of that."""
    for path, text in OWN.items():
        addresses = set(re.findall(r"https?://[^\s\"'<>)]+", text)) - {"http://www.w3.org/2000/svg", "https://www.tradingview.com/"}
        assert not addresses, (path, addresses)
    page = OWN["index.html"]
    assert not re.findall(r"<script(?![^>]*\ssrc=)", page)
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=", page)
    assert not [path for path, text in OWN.items() if path.endswith(".css") and ("@import" in text or "url(" in text)]


def test_every_module_that_is_imported_or_preloaded_is_there() -> None:
    for path, text in SCRIPTS.items():
        for name in re.findall(r"""(?:from\s+|import\()["'](\.[^"']+)["']""", text):
            parts = [*path.split("/")[:-1]]
            for step in name.split("/"):
                parts = parts[:-1] if step == ".." else parts if step == "." else [*parts, step]
            assert "/".join(parts) in dashboard_files(), (path, name)
    for name in re.findall(r'(?:href|src)="/dashboard/([^"]+)"', OWN["index.html"]):
        assert name in dashboard_files(), name


def test_scripts_are_short() -> None:
    assert not {path: text.count("\n") for path, text in SCRIPTS.items() if text.count("\n") > LONGEST}


def _tokens(theme: str) -> dict[str, Colour]:
    """Design token -> red, green and blue from 0 to 1, of `light` or `dark`."""
    css = OWN["style/tokens.css"]
    block = css[css.index('[data-theme="dark"]') :] if theme == "dark" else css[: css.index('[data-theme="dark"]')]
    found = re.findall(r"--([a-z0-9-]+): #([0-9a-f]{6});", block)
    return {name: tuple(int(value[i : i + 2], 16) / 255 for i in (0, 2, 4)) for name, value in found}  # pyright: ignore[reportReturnType]


def _linear(colour: Colour) -> np.ndarray:
    values = np.array(colour)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: Colour, other: Colour) -> float:
    """The ratio of WCAG 2.2: 1 to 21."""
    brighter, darker = sorted((float(_linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    assert contrast((0.4666667,) * 3, (1, 1, 1)) == pytest.approx(4.48, abs=0.01)  # #777 on white, known to fail


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable_and_shapes_are_seen(theme: str) -> None:
    """WCAG AA: 4.5 for text, 3 for what carries meaning otherwise."""
    tokens = _tokens(theme)
    texts, grounds = ("ink", "muted", "gain", "loss", "warn", "fail", "good"), ("panel", "page", "hover")
    poor = {(text, on): contrast(tokens[text], tokens[on]) for text, on in itertools.product(texts, grounds)}
    assert not {pair: ratio for pair, ratio in poor.items() if ratio < 4.5}
    for on in ("raised", "gain-back", "loss-back", "changed"):
        assert contrast(tokens["ink"], tokens[on]) >= 4.5
    shapes = ("edge", "focus", "series-1", "series-2", "series-3", "series-4")
    assert not {(shape, on) for shape, on in itertools.product(shapes, ("panel", "page")) if contrast(tokens[shape], tokens[on]) < 3}


# Machado, Oliveira and Fernandes (2009), severity 1, on linear light
_BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def _lab(linear: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(linear, 0, 1)
    x, y, z = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", _BLIND)
def test_who_is_colour_blind_tells_gains_from_losses(theme: str, kind: str) -> None:
    """Far apart in CIELAB as they see it: 2.3 is just noticeable. Green and red of the same lightness would be 10 to 20 apart."""
    seen = {name: _lab(np.array(_BLIND[kind]) @ _linear(_tokens(theme)[name])) for name in ("gain", "loss")}
    assert np.linalg.norm(seen["gain"] - seen["loss"]) > 45


def test_the_page_lets_nothing_in_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    policy = dict(one.strip().split(" ", 1) for one in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_that_is_asked_for_again_keeps_its_policy(client: TestClient) -> None:
    """A browser takes the headers of a 304 for those of the page that it kept: with the policy of other answers it would load nothing."""
    first = client.get("/")
    again = client.get("/", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    assert again.headers["cache-control"] == first.headers["cache-control"]


def test_files_come_compressed_once_and_are_not_sent_again(client: TestClient) -> None:
    path = "/dashboard/js/main.js"
    first = client.get(path, headers={"accept-encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    assert first.text == OWN["js/main.js"]
    assert gzip.decompress(dashboard_files()["js/main.js"].zipped or b"") == first.content
    plain = client.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert client.get(path, headers={"if-none-match": first.headers["etag"]}).status_code == 304
    assert "immutable" in client.get(f"/dashboard/{next(iter(VENDORED))}").headers["cache-control"]


@pytest.mark.parametrize("path", ["js/none.js", "../app.py", "..%2Fapp.py", "js", ""])
def test_no_other_file_is_served(client: TestClient, path: str) -> None:
    answer = client.get(f"/dashboard/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
