"""Great Expectations' Data Docs without the network: its pages fetch styles, scripts and pictures from a dozen hosts, ours from none."""

import re
import shutil
from html import escape
from pathlib import Path
from urllib.parse import quote

from ats_assets.errors import AtsError

_REMOTE = re.compile(
    r"<script\b.*?</script>"  # the scripts need jQuery and Bootstrap from elsewhere; the tables stand in the page without them
    r"|<link\b[^>]*>"
    r"|<img\b[^>]*>"
    r"|<footer\b.*?</footer>"  # an advertisement
    r"|@media \(prefers-color-scheme: dark\) *\{.*?\}\s*\}"  # a picture, and colours that ours would clash with
    r"|<button\b.*?</button>",  # does nothing without the scripts
    re.DOTALL | re.IGNORECASE,
)

_STYLE = """<style>
body { font: 14px/1.45 system-ui, sans-serif; color: #222; background: #fff; margin: 0 auto; max-width: 75rem; padding: 1rem; }
a { color: #0b5fa5; }
ul, ol { padding-left: 1.2rem; }
nav ul, .breadcrumb, .nav { list-style: none; padding-left: 0; display: flex; flex-wrap: wrap; gap: 0 1rem; }
h1, h2, h3, h4, h5, h6 { margin: .8rem 0 .4rem; font-size: 1.05rem; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 1rem; }
th, td { border: 1px solid #ccc; padding: .3rem .5rem; text-align: left; vertical-align: top; }
th { background: #f2f2f2; }
td td span { margin-right: .5rem; }
.container { padding-top: 0; }
.sticky { position: static; }
.popover, .cooltip .top, .card:has(.btn-group-toggle), a[data-toggle="collapse"] { display: none; }
.badge { border: 1px solid #ccc; border-radius: 3px; padding: 0 .3rem; font-family: monospace; }
.text-success { color: #187a33; }
.text-danger, .text-warning { color: #b3261e; }
.fa-check-circle::before { content: "\\2714"; }
.fa-times::before, .fa-times-circle::before { content: "\\2718"; }
.fa-exclamation-triangle::before { content: "\\26A0"; }
.fas { font-style: normal; }
</style>
"""


_INDEX = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>{style}</head>
<body><h1>{title}</h1><ul>{items}</ul></body></html>
"""


def make_self_contained(folder: Path, *, title: str) -> Path:
    """Rewrite the pages under `folder` so that they load nothing from elsewhere.

    The start page, which a script of theirs would fill, becomes a list of the results and the expectations; files that are no longer used are removed.

    Returns
    -------
    Path
        The newest page of results.

    Raises
    ------
    AtsError
        If Great Expectations wrote no results.
    """
    pages = sorted(folder.glob("validations/**/*.html"))
    if not pages:
        raise AtsError(f"Great Expectations wrote no Data Docs into {folder}: its log says why; bars.profile = false turns the profile off")
    for page in [*pages, *folder.glob("expectations/**/*.html")]:
        html = _REMOTE.sub("", page.read_text(encoding="utf-8"))
        page.write_text(html.replace("</head>", f"{_STYLE}</head>", 1), encoding="utf-8")
    links = [(page, "Results") for page in pages] + [(page, "Expectations") for page in sorted(folder.glob("expectations/**/*.html"))]
    items = "".join(f'<li><a href="{quote(page.relative_to(folder).as_posix())}">{label}</a></li>' for page, label in links)
    (folder / "index.html").write_text(_INDEX.format(title=escape(title), style=_STYLE, items=items), encoding="utf-8")
    shutil.rmtree(folder / "static", ignore_errors=True)
    return pages[-1]
