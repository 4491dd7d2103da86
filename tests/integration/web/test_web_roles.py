"""Who may do what: every route for every role, and every answer one that the OpenAPI page names."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from fastapi.routing import APIRoute

from farwatch.storage.blobs import live_still_path
from tests.support.web_house import House

# Nobody, the officer whose task it is, another officer, centre, bureau, admin.
WHO = (None, "wang", "li", "chen", "bo", "ada")


@dataclass(frozen=True)
class Ask:
    method: str
    route: str
    statuses: tuple[int, int, int, int, int, int]
    body: Any = None
    query: str = ""
    media_type: str = "image/jpeg"


DEED = {"client_id": "00000000-0000-0000-0000-000000000000", "at": "2026-11-22T04:00:00Z"}
SIGN_IN = {"name": "chen", "password": "wrong horse"}
POSITION = {"lat": 39.9, "lon": 116.4, "accuracy_m": 8, "at": "2026-11-22T04:00:00Z"}
MARK = {"label": "start_up", "from_at": "2026-11-22T04:00:00Z", "to_at": "2026-11-22T05:00:00Z"}
SILENCE = {"scope": {"camera": "c1"}, "reason": "检修", "to_at": "2026-11-22T05:00:00Z"}  # over already
ZONES = {"version": "of another day", "zones": []}
NOBODYS = {"finding": uuid4(), "comment": 1, "token": "A" * 43}
COMMENT = {"client_id": "00000000-0000-0000-0000-000000000000", "text": "all well"}
PENALTY = {"matter": 1, "decision": "penalty", "list_version": 0}
TABLE = [
    Ask("POST", "/api/v1/session", (401, 401, 401, 401, 401, 401), SIGN_IN),
    Ask("GET", "/api/v1/session", (401, 200, 200, 200, 200, 200)),
    Ask("DELETE", "/api/v1/session", (401, 204, 204, 204, 204, 204)),
    Ask("GET", "/api/v1/tasks", (401, 200, 200, 200, 200, 200)),
    Ask("GET", "/api/v1/tasks/{id}", (401, 200, 404, 200, 200, 200)),
    Ask("GET", "/api/v1/tasks/{id}/choices", (401, 403, 403, 200, 200, 200)),
    Ask("POST", "/api/v1/tasks/{id}/{action}", (401, 409, 404, 409, 403, 409), DEED),
    Ask("POST", "/api/v1/tasks/{id}/photos", (401, 415, 404, 415, 403, 415), b"not an image"),
    Ask("GET", "/api/v1/tasks/{id}/reviews", (401, 403, 403, 200, 200, 200)),
    Ask(
        "POST",
        "/api/v1/tasks/{id}/reviews",
        (401, 403, 403, 403, 409, 409),
        {"part": "legal", "verdict": "passed"},
    ),
    Ask("PUT", "/api/v1/tasks/{id}/hold", (401, 403, 403, 403, 200, 200), {"reason": "appeal"}),
    Ask("DELETE", "/api/v1/tasks/{id}/hold", (401, 403, 403, 403, 404, 404), query="?note=over"),
    Ask("GET", "/api/v1/tasks/{id}/custody", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/api/v1/evidence/{id}", (401, 200, 404, 200, 200, 200)),
    Ask("GET", "/api/v1/notices", (401, 403, 403, 200, 200, 200)),
    Ask("POST", "/api/v1/notices/seen", (401, 204, 204, 204, 403, 204), {"task": 1}),
    Ask("GET", "/api/v1/grids", (401, 200, 200, 200, 200, 200)),
    Ask("GET", "/api/v1/stations", (401, 200, 200, 200, 200, 200)),
    Ask("GET", "/api/v1/stations/{mn}/readings", (401, 404, 404, 200, 200, 200), query="?code=a21026"),
    Ask(
        "GET",
        "/api/v1/stations/{mn}/readings/revisions",
        (401, 404, 404, 200, 200, 200),
        query="?code=a21026",
    ),
    Ask("GET", "/api/v1/stations/{mn}/reviews", (401, 404, 404, 200, 200, 200)),
    Ask("GET", "/api/v1/stations/{mn}/marks", (401, 404, 404, 200, 200, 200)),
    Ask("POST", "/api/v1/stations/{mn}/marks", (401, 403, 403, 201, 201, 201), MARK),
    Ask("DELETE", "/api/v1/stations/{mn}/marks/{id}", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/api/v1/stations/{mn}/commands", (401, 403, 403, 200, 200, 200)),
    Ask("POST", "/api/v1/stations/{mn}/commands", (401, 403, 403, 201, 201, 201), {"command": "get_clock"}),
    Ask("GET", "/api/v1/exceedances", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/api/v1/findings", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/api/v1/rates", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/api/v1/reports/{kind}", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/api/v1/cases", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/ogc", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/ogc/conformance", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/ogc/collections", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/ogc/collections/{collection}", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/ogc/collections/{collection}/items", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/ogc/collections/{collection}/items/{id}", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/cap", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/cap/{id}", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/api/v1/cameras", (401, 200, 200, 200, 200, 200)),
    Ask("GET", "/api/v1/cameras/{id}", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/api/v1/cameras/{id}/still", (401, 200, 404, 200, 200, 200)),
    Ask(
        "GET", "/api/v1/cameras/{id}/live", (401, 404, 404, 404, 404, 404)
    ),  # without a picture there is no stream
    Ask("PUT", "/api/v1/cameras/{id}/zones", (401, 403, 403, 403, 409, 409), ZONES),
    # A worker's token opens these, no account does.
    Ask("GET", "/api/v1/worker", (401, 401, 401, 401, 401, 401)),
    Ask(
        "PUT",
        "/api/v1/worker/evidence/{sha256}",
        (401, 401, 401, 401, 401, 401),
        b"\xff\xd8\xff",
        media_type="application/octet-stream",
    ),
    Ask("PUT", "/api/v1/worker/live/{id}", (401, 401, 401, 401, 401, 401), b"\xff\xd8\xff"),
    Ask("GET", "/api/v1/officers", (401, 403, 403, 200, 200, 200)),
    Ask("POST", "/api/v1/officers/{id}/device", (401, 201, 403, 201, 403, 201), {"new": True}),
    Ask("DELETE", "/api/v1/officers/{id}/device", (401, 204, 403, 404, 403, 404)),
    Ask("GET", "/api/v1/colleagues", (401, 200, 200, 403, 403, 403)),
    Ask("GET", "/osmand", (401, 401, 401, 401, 401, 401), query="?id=x&lat=1&lon=2"),
    Ask(
        "POST",
        "/osmand",
        (401, 401, 401, 401, 401, 401),
        {"device_id": "x", "location": {"coords": {"latitude": 1, "longitude": 2}}},
    ),
    Ask("POST", "/api/v1/position", (401, 204, 409, 403, 403, 403), POSITION),
    Ask("GET", "/api/v1/warnings", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/api/v1/silences", (401, 403, 403, 200, 200, 200)),
    Ask("POST", "/api/v1/silences", (401, 403, 403, 422, 422, 422), SILENCE),
    Ask("DELETE", "/api/v1/silences/{id}", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/api/v1/storms", (401, 403, 403, 200, 200, 200)),
    Ask("POST", "/api/v1/warnings/{finding}/answers", (401, 403, 403, 404, 403, 404), {"text": "at once"}),
    Ask("GET", "/api/v1/tasks/{id}/visit-code", (401, 200, 404, 403, 403, 403)),
    Ask("GET", "/api/v1/tasks/{id}/visits", (401, 200, 404, 200, 200, 200)),
    Ask(
        "POST",
        "/api/v1/tasks/{id}/visit-comments/{comment}",
        (401, 403, 403, 404, 404, 404),
        {"answer": "yes"},
    ),
    Ask("GET", "/api/v1/visits", (401, 403, 403, 200, 200, 200)),
    # Who scanned a code or was sent a link has no account: a token opens these, and this one is nobody's.
    Ask("GET", "/api/v1/visit/{token}", (404, 404, 404, 404, 404, 404)),
    Ask("POST", "/api/v1/visit/{token}/comments", (404, 404, 404, 404, 404, 404), COMMENT),
    Ask("POST", "/api/v1/visit/{token}/looks", (404, 404, 404, 404, 404, 404), {"seen": True}),
    Ask("GET", "/api/v1/warned/{token}", (404, 404, 404, 404, 404, 404)),
    Ask("POST", "/api/v1/warned/{token}/answers", (404, 404, 404, 404, 404, 404), {"text": "at once"}),
    Ask("GET", "/api/v1/minor-list", (401, 403, 403, 200, 200, 200)),
    Ask("PUT", "/api/v1/minor-list", (401, 403, 403, 403, 409, 409), {"version": 7, "rows": []}),
    Ask("POST", "/api/v1/minor-list/preview", (401, 403, 403, 403, 200, 200), {"rows": []}),
    Ask("GET", "/api/v1/tasks/{id}/penalty", (401, 403, 403, 200, 200, 200)),
    Ask("POST", "/api/v1/tasks/{id}/penalty", (401, 403, 403, 403, 409, 409), PENALTY),
    Ask("GET", "/api/v1/enterprises/{id}/history", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/api/v1/figures/today", (401, 403, 403, 200, 200, 200)),
    Ask(
        "GET", "/api/v1/events", (401, 503, 503, 503, 503, 503)
    ),  # no hub runs here: the streams have their own tests
    Ask("GET", "/api/v1/status", (401, 200, 200, 200, 200, 200)),
    Ask(
        "GET", "/api/v1/tasks/{id}/evidence.zip", (401, 403, 403, 403, 503, 503), query="?purpose=case"
    ),  # no key
    Ask("GET", "/api/v1/seals", (401, 403, 403, 200, 200, 200)),
    Ask("GET", "/api/v1/seals/key", (401, 404, 404, 404, 404, 404)),  # no engine ran here
    Ask("GET", "/livez", (200, 200, 200, 200, 200, 200)),
    Ask("GET", "/readyz", (503, 503, 503, 503, 503, 503)),  # no engine runs here
    Ask("GET", "/metrics", (403, 403, 403, 403, 403, 403)),
]


async def test_no_route_is_forgotten(house: House) -> None:
    paths = house.app.openapi()["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert {(ask.method, ask.route) for ask in TABLE} == routes


async def test_each_role_may_do_what_the_table_says_and_no_more(house: House) -> None:
    wrong = {}
    for ask in TABLE:
        path = await _path(house, ask)
        answers = [await _answer(house, ask, path, who) for who in WHO]
        if tuple(answers) != ask.statuses:
            wrong[ask.method, ask.route] = answers

    assert wrong == {}


async def _answer(house: House, ask: Ask, path: str, who: str | None) -> int:
    """The status, once it is one that the API's description names and an error has the one shape."""
    async with house.client(who) as client:
        answer = await client.request(ask.method, path, **_content(ask))
    documented = house.app.openapi()["paths"][ask.route][ask.method.lower()]["responses"]
    assert str(answer.status_code) in documented, (
        f"{ask.route} answers {answer.status_code}, which is not documented"
    )
    if answer.status_code >= 400 and ask.route != "/readyz":
        assert answer.json()["error"].keys() == {"key", "params"}
    return answer.status_code


async def _path(house: House, ask: Ask) -> str:
    """A task of officer o1 with a picture of camera c1, which he has arrived at: every deed of the table is too early or late."""
    task = await house.task(officer="o1", state="arrived")
    _, finding = await house.matter(task)
    still = live_still_path(house.deps.data_dir, "c1")
    still.parent.mkdir(exist_ok=True)
    still.unlink(missing_ok=True)
    if not ask.route.endswith("/live"):
        still.write_bytes(b"\xff\xd8\xff")
    row: object = task
    if ask.route.startswith("/api/v1/evidence"):
        row = await house.evidence(finding, b"\xff\xd8\xff")
    elif ask.route.startswith("/api/v1/cameras"):
        row = "c1"
    elif ask.route.startswith("/api/v1/officers"):
        row = "o1"
    elif ask.route.startswith("/api/v1/enterprises"):
        row = "e1"
    elif ask.route == "/cap/{id}":
        await house.logged("task_opened", task, kinds=["smoke"], severity=2)
    elif ask.route.startswith("/api/v1/silences/"):
        row = await house.silence()
    elif "/marks/" in ask.route:
        row = await house.mark()
    return (
        ask.route.format(
            id=row, kind="daily", collection="tasks", action="decline", mn="MN1", sha256="0" * 64, **NOBODYS
        )
        + ask.query
    )


def _content(ask: Ask) -> dict[str, Any]:
    if isinstance(ask.body, bytes):
        return {"content": ask.body, "headers": {"Content-Type": ask.media_type, "X-Client-Id": str(uuid4())}}
    return (
        {"json": {**ask.body, "client_id": str(uuid4())} if "client_id" in ask.body else ask.body}
        if ask.body
        else {}
    )


async def test_the_api_describes_itself_with_one_name_per_operation(house: House) -> None:
    async with house.client() as client:
        schema = (await client.get("/openapi.json")).json()

    names = [o["operationId"] for methods in schema["paths"].values() for o in methods.values()]
    assert len(names) == len(set(names)) == len(TABLE)
    assert "HTTPValidationError" not in json.dumps(schema)


async def test_what_is_not_there_is_named_too(house: House) -> None:
    asked = {
        ("GET", "/api/v1/nothing"): (404, "not_found"),
        ("PUT", "/api/v1/tasks"): (405, "method_not_allowed"),
        ("POST", "/api/v1/tasks/1/explode"): (422, "invalid"),
        ("GET", "/nothing"): (404, "not_found"),
    }
    async with house.client("chen") as client:
        for (method, path), expected in asked.items():
            answer = await client.request(method, path, json={} if method != "GET" else None)
            assert (answer.status_code, answer.json()["error"]["key"]) == expected, path


async def test_an_answer_of_the_api_is_no_document_and_no_secret_of_the_browser_cache(house: House) -> None:
    async with house.client("chen") as client:
        headers = (await client.get("/api/v1/tasks")).headers

    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_every_operation_has_a_response_model_or_says_its_media_type(house: House) -> None:
    for route in house.app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            assert route.response_model is not None or route.status_code == 204 or 200 in route.responses, (
                route.path
            )
