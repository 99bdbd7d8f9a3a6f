"""The dashboard: a page, and the files that it is made of. They hold no data; what a page shows it asks of the other routes."""

from fastapi import Response

from ats_assets.serving.dashboard_files import PAGE_HEADERS, DashboardFile, dashboard_files
from ats_assets.serving.entity_tags import is_known
from ats_assets.serving.problems import not_found
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes

ROUTES = Routes("dashboard", prefix="")


@ROUTES.get("/", role=Role.PUBLIC, summary="The dashboard", include_in_schema=False)
def get_page(ask: Ask) -> Response:
    """The page, under a policy that lets nothing in from elsewhere."""
    return _answer(ask, dashboard_files()["index.html"], PAGE_HEADERS)


@ROUTES.get("/dashboard/{path:path}", role=Role.PUBLIC, summary="A file of the dashboard", include_in_schema=False)
def get_file(ask: Ask, path: str) -> Response:
    """A script, style or licence."""
    found = dashboard_files().get(path)
    if found is None:
        raise not_found(f"the dashboard has no file {path[:100]!r}")
    return _answer(ask, found, {"cache-control": found.cache_control})


def _answer(ask: Ask, found: DashboardFile, headers: dict[str, str]) -> Response:
    asked = ask.request.headers
    told = {**headers, "etag": found.tag, "vary": "accept-encoding"}
    if is_known(found.tag, asked.get("if-none-match", "")):
        return Response(status_code=304, headers=told)  # with all of them: a browser puts them in the place of those that it kept
    if found.zipped is not None and "gzip" in asked.get("accept-encoding", ""):
        return Response(found.zipped, media_type=found.media_type, headers={**told, "content-encoding": "gzip"})
    return Response(found.body, media_type=found.media_type, headers=told)
