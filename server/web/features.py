"""OGC API - Features, Part 1 (core and GeoJSON), read only: tasks, stations, cameras and grids for programs for maps."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from urllib.parse import quote, unquote, urlencode

import orjson
from fastapi import APIRouter, Path, Request, Response

from farwatch.domain.registry import Registry
from farwatch.storage import features as store
from farwatch.storage.features import Box, Wanted
from server.web import peer
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.feature_questions import bad, box_of, interval_of, limit_of, only, truth_of
from server.web.feature_shapes import (
    Feature,
    camera_feature,
    extent,
    grid_feature,
    lies_in,
    station_feature,
    task_feature,
    touches,
)
from server.web.feed_door import FeedReader
from server.web.shapes import cursor as cursor_of
from server.web.shapes import position_of

router = APIRouter(prefix="/ogc", tags=["feeds"])

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CONFORMS_TO = (
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
)
TITLES = {
    "tasks": "Tasks 案卷",
    "stations": "Stations 监测点",
    "cameras": "Cameras 摄像机",
    "grids": "Grids 责任网格",
}
GEOJSON, JSON = "application/geo+json", "application/json"
_GEOJSON_TOO: dict[int | str, dict[str, Any]] = {200: {"content": {GEOJSON: {"schema": {"type": "object"}}}}}
_JSON_TOO: dict[int | str, dict[str, Any]] = {200: {"content": {JSON: {"schema": {"type": "object"}}}}}
Named = Annotated[str, Path(max_length=64, pattern=r"^[^\x00]+$")]


@router.get("", responses={**errors(400, 401, 403, 429), **_JSON_TOO}, response_model=None)
async def ogc_landing(web: WebContext, _: FeedReader, request: Request) -> Response:
    """Where everything else is."""
    only(request.query_params, ())
    base = _base(web, request)
    links = [
        _link(f"{base}/ogc", "self", JSON),
        _link(f"{base}/openapi.json", "service-desc", "application/vnd.oai.openapi+json;version=3.1"),
        _link(f"{base}/ogc/conformance", "conformance", JSON),
        _link(f"{base}/ogc/collections", "data", JSON),
    ]
    return _json({"title": "Farwatch", "description": "Cases and what watches a city", "links": links})


@router.get("/conformance", responses={**errors(400, 401, 403, 429), **_JSON_TOO}, response_model=None)
async def ogc_conformance(_: FeedReader, request: Request) -> Response:
    only(request.query_params, ())
    return _json({"conformsTo": CONFORMS_TO})


@router.get("/collections", responses={**errors(400, 401, 403, 429), **_JSON_TOO}, response_model=None)
async def ogc_collections(web: WebContext, _: FeedReader, request: Request) -> Response:
    only(request.query_params, ())
    base = _base(web, request)
    return _json(
        {
            "links": [_link(f"{base}/ogc/collections", "self", JSON)],
            "collections": [await _collection(web, base, name) for name in TITLES],
        }
    )


@router.get(
    "/collections/{collection}",
    responses={**errors(400, 401, 403, 404, 429), **_JSON_TOO},
    response_model=None,
)
async def ogc_collection(web: WebContext, _: FeedReader, request: Request, collection: Named) -> Response:
    only(request.query_params, ())
    return _json(await _collection(web, _base(web, request), _known(collection)))


@router.get(
    "/collections/{collection}/items",
    responses={**errors(400, 401, 403, 404, 429), **_GEOJSON_TOO},
    response_model=None,
)
async def ogc_items(web: WebContext, _: FeedReader, request: Request, collection: Named) -> Response:
    """`bbox`, `datetime` (of tasks: from opened to closed), `limit` up to 1000, `cursor` of a `next` link; of tasks `drills`."""
    asked, name = request.query_params, _known(collection)
    only(asked, ("bbox", "datetime", "limit", "cursor", *(("drills",) if name == "tasks" else ())))
    limit, box = limit_of(asked), box_of(asked)
    since, until = interval_of(asked)
    if name == "tasks":
        wanted = Wanted(box=box, since=since, until=until, drills=truth_of(asked, "drills"))
        found, after = await _tasks(web, wanted, asked.get("cursor"), limit)
    else:
        found, after = _page(_placed(name, await web.registry.current(), box), asked.get("cursor"), limit)
    base = _base(web, request)
    here = f"{base}/ogc/collections/{name}/items"
    links = [
        _link(f"{here}{'?' if asked else ''}{urlencode(asked)}", "self", GEOJSON),
        _link(f"{base}/ogc/collections/{name}", "collection", JSON),
    ]
    if after is not None:
        links.append(
            _link(f"{here}?{urlencode({**asked, 'cursor': cursor_of(quote(str(after)))})}", "next", GEOJSON)
        )
    return _geojson(
        {
            "type": "FeatureCollection",
            "timeStamp": web.deps.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z"),
            "numberReturned": len(found),
            "features": found,
            "links": links,
        }
    )


@router.get(
    "/collections/{collection}/items/{id}",
    responses={**errors(400, 401, 403, 404, 429), **_GEOJSON_TOO},
    response_model=None,
)
async def ogc_item(
    web: WebContext, _: FeedReader, request: Request, collection: Named, id: Named
) -> Response:
    """`drills=true`: also a task that is a drill."""
    asked, name = request.query_params, _known(collection)
    only(asked, ("drills",) if name == "tasks" else ())
    drills = truth_of(asked, "drills")
    feature = (
        await _task(web, id, drills=drills)
        if name == "tasks"
        else _one(name, await web.registry.current(), id)
    )
    if feature is None:
        raise not_found()
    base = _base(web, request)
    feature["links"] = [
        _link(f"{base}/ogc/collections/{name}/items/{id}{'?drills=true' if drills else ''}", "self", GEOJSON),
        _link(f"{base}/ogc/collections/{name}", "collection", JSON),
    ]
    return _geojson(feature)


def _known(collection: str) -> str:
    if collection not in TITLES:
        raise not_found()
    return collection


def _base(web: Web, request: Request) -> str:
    return web.deps.settings.public_url or peer.origin(request.scope, web.deps.settings)


def _link(href: str, rel: str, type: str) -> dict[str, str]:
    return {"href": href, "rel": rel, "type": type}


def _json(content: object) -> Response:
    return Response(orjson.dumps(content), media_type=JSON)


def _geojson(content: object) -> Response:
    return Response(orjson.dumps(content), media_type=GEOJSON, headers={"Content-Crs": f"<{CRS84}>"})


async def _collection(web: Web, base: str, name: str) -> dict[str, Any]:
    box = extent(await web.registry.current())
    described: dict[str, Any] = {"spatial": {"crs": CRS84, "bbox": [box or (-180, -90, 180, 90)]}}
    if name == "tasks":
        first = await store.first_opened_at(web.pool)
        described["temporal"] = {"interval": [[first.isoformat() if first else None, None]]}
    return {
        "id": name,
        "title": TITLES[name],
        "itemType": "feature",
        "crs": [CRS84],
        "extent": described,
        "links": [
            _link(f"{base}/ogc/collections/{name}", "self", JSON),
            _link(f"{base}/ogc/collections/{name}/items", "items", GEOJSON),
        ],
    }


async def _tasks(
    web: Web, wanted: Wanted, cursor: str | None, limit: int
) -> tuple[list[Feature], str | int | None]:
    before = _position(cursor) if cursor is not None else None
    if before is not None and (not before.isdecimal() or len(before) > 18):
        raise bad("cursor", "not_from_here")
    rows = await store.tasks(web.pool, wanted, int(before) if before is not None else None, limit)
    return [task_feature(r) for r in rows], rows[-1]["id"] if len(rows) == limit else None


async def _task(web: Web, id: str, *, drills: bool) -> Feature | None:
    if not id.isascii() or not id.isdecimal() or len(id) > 18:
        return None
    row = await store.task(web.pool, int(id))
    return task_feature(row) if row and (drills or not row["drill"]) else None


_FEATURES: dict[str, Callable[[Registry, Box | None], list[Feature]]] = {
    "stations": lambda r, box: [
        station_feature(s, r)
        for s in r.stations.values()
        if not s.drill and (box is None or lies_in(s.place, box))
    ],
    "cameras": lambda r, box: [
        camera_feature(c)
        for c in r.cameras.values()
        if not c.drill and (box is None or lies_in(c.place, box))
    ],
    "grids": lambda r, box: [
        grid_feature(g) for g in r.grids.values() if box is None or touches(g.area, box)
    ],
}


def _placed(name: str, registry: Registry, box: Box | None) -> list[Feature]:
    """In the order of their ids; they have no time of their own, so they belong to every one that is asked for."""
    return sorted(_FEATURES[name](registry, box), key=lambda f: f["id"])


def _page(found: Sequence[Feature], cursor: str | None, limit: int) -> tuple[list[Feature], str | int | None]:
    after = _position(cursor) if cursor is not None else None
    rest = [f for f in found if after is None or f["id"] > after]
    page = rest[:limit]
    return page, page[-1]["id"] if len(rest) > limit else None


def _one(name: str, registry: Registry, id: str) -> Feature | None:
    return next((f for f in _placed(name, registry, None) if f["id"] == id), None)


def _position(cursor: str) -> str:
    try:
        return unquote(position_of(cursor))
    except ApiError:
        raise bad("cursor", "not_from_here") from None
