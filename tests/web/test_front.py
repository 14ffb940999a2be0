"""What stands before the pages: other sites, hosts, keys, types, sizes, headers, and errors as pages."""

from __future__ import annotations

import re
from typing import Any

from web.conftest import Start, listed, send

from vqinsight.serving.limits import Limits


def test_other_sites_and_names_are_refused(web: Any) -> None:
    body = {"clips": [listed(web)["cat.mp4"]], "once": "front-001"}
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"host": "evil.example:8080"}):
        assert web.post("/look", json=body, headers=headers).status_code == 403, headers
    plain = web.post("/look", content=b"{}", headers={"content-type": "text/plain"})
    assert plain.status_code == 415, "a form of another site cannot send JSON"
    assert web.post("/look", json=body, headers={"origin": "http://localhost:8080"}).status_code == 200


def test_pages_load_nothing_from_elsewhere_and_run_no_script_of_a_clip(web: Any) -> None:
    page = web.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy and page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    for url in ("/", "/compare", "/rank", "/runs"):
        text = web.get(url).text
        assert not re.search(r"<script(?![^>]* src=)|\son\w+=|style=|https?://", text), url
    for name, kind in (("web.css", "text/css"), ("web.js", "text/javascript"), ("icon.svg", "image/svg+xml")):
        assert web.get(f"/static/{name}").headers["content-type"].startswith(kind)
    assert web.get("/static/..%2fapp.py").status_code == 404


def test_a_key_is_asked_for(start: Start) -> None:
    from fastapi.testclient import TestClient
    from web.conftest import EXAMPLES, Here

    from vqinsight.web.app import create_app

    app = create_app(lambda: None, model="nano", folder=EXAMPLES, decoder=Here, key="12345678")  # type: ignore[arg-type,return-value]
    with TestClient(app, base_url="http://localhost") as client:
        refused = client.get("/")
        assert refused.status_code == 401 and refused.headers["www-authenticate"].startswith("Basic")
        assert client.get("/", auth=("any", "12345678")).status_code == 200


def test_a_file_that_is_too_large_is_refused_before_it_is_held(start: Start) -> None:
    with start(limits=Limits(max_bytes=5000)) as web:
        refused = send(web, "large.mp4", bytes(6000))
        assert refused.status_code == 413 and "5000 bytes" in refused.text


def test_what_does_not_fit_is_said(web: Any) -> None:
    for body, text in (
        ({"clips": []}, "once"),
        ({"clips": [], "once": "front-002"}, "at least one clip"),
        ({"clips": ["x"], "once": "front-002", "samples": 99}, "samples"),
        ({"clips": ["x"], "once": "front-002", "folder": "/"}, "folder"),
    ):
        refused = web.post("/look", json=body)
        assert refused.status_code == 400 and text in refused.json()["error"]["message"], body
    gone = web.get("/jobs/none", headers={"accept": "text/html"})
    assert gone.status_code == 404 and "server was started again" in gone.text and "Begin again" in gone.text
    assert web.get("/nowhere").json()["error"]["message"] == "Not Found"
