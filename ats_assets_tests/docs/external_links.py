"""The links of the pages that lead to other servers: how each is written, and, where there is a network, whether it leads somewhere.

    python -m ats_assets_tests.docs.external_links      asks every server; status 1 if a link is dead

A server that refuses programs (401, 403, 429 and the like) has the page, as far as can be told: dead is what does not exist (404, 410), whose name nobody knows, or that
does not answer.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from ats_assets_tests.docs.commands import ROOT, pages

LINK = re.compile(r"(?<![`\w])https?://(?!127\.0\.0\.1)[^\s)>`\"'|]+")
_CODE = re.compile(r"^( *)```.*?^\1```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
REPOSITORIES = {
    "HirofumiTsuda/dagster-prometheus-exporter",
    "alpacahq/alpaca-py",
    "caronc/apprise",
    "ccxt/ccxt",
    "microsoft/qlib",
    "prometheus-community/postgres_exporter",
}
"""As GitHub spells them."""
GONE = {404, 410}
AGENT = "Mozilla/5.0 (compatible; link check)"


def external_links() -> dict[str, list[str]]:
    """Link -> the pages that have it; what is code, such as an address to be filled in, is none."""
    found: dict[str, list[str]] = {}
    for page in [*pages(), ROOT / "CHANGELOG.md", *sorted((ROOT / "docs" / "decisions").glob("*.md"))]:
        for link in LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
            found.setdefault(link, []).append(str(page.relative_to(ROOT)))
    return found


def faults_of_form(link: str) -> Iterator[str]:
    """What is wrong with a link as it is written."""
    parts = urlsplit(link)
    if parts.scheme != "https":
        yield "is not https"
    if link[-1] in ".,;:!?'\"*_":
        yield f"ends with {link[-1]}"
    if not re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.netloc) or parts.netloc.endswith((".example", "example.com", "example.org")):
        yield f"{parts.netloc} is no server's name"
    if parts.netloc == "github.com" and (name := "/".join(parts.path.split("/")[1:3])) not in REPOSITORIES:
        yield f"{name} is none of the repositories that are known to be spelled so"


def dead(links: Iterable[str], *, seconds: float = 20.0) -> Mapping[str, str]:
    """Ask for each; those that lead nowhere, with why."""

    def ask(link: str) -> str | None:
        try:
            with urlopen(Request(link, headers={"User-Agent": AGENT}), timeout=seconds):
                return None
        except HTTPError as error:
            return f"status {error.code}" if error.code in GONE else None
        except (OSError, ValueError) as error:
            return str(error)

    asked = list(links)
    with ThreadPoolExecutor(8) as pool:
        return {link: why for link, why in zip(asked, pool.map(ask, asked), strict=True) if why is not None}


def main() -> None:
    """Print what is dead."""
    links = external_links()
    found = dead(links)
    for link, why in sorted(found.items()):
        sys.stdout.write(f"{link}: {why} ({', '.join(dict.fromkeys(links[link]))})\n")
    sys.stdout.write(f"{len(links)} links to other servers, {len(found)} of them dead\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
