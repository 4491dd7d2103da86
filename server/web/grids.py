"""The responsible grids, as GeoJSON."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from server.web.authentication import SignedIn
from server.web.context import WebContext
from server.web.errors import errors

router = APIRouter(prefix="/api/v1", tags=["city"])


class GridProperties(BaseModel):
    id: str
    name: str
    team: str


class Geometry(BaseModel):
    type: Literal["MultiPolygon"] = "MultiPolygon"
    coordinates: list[list[list[tuple[float, float]]]]


class GridFeature(BaseModel):
    type: Literal["Feature"] = "Feature"
    properties: GridProperties
    geometry: Geometry


class Grids(BaseModel):
    """GeoJSON, WGS-84."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[GridFeature]


@router.get("/grids", responses=errors(401))
async def grids(web: WebContext, _: SignedIn) -> Grids:
    registry = await web.registry.current()
    return Grids(
        features=[
            GridFeature(
                properties=GridProperties(id=g.id, name=g.name, team=g.team),
                geometry=Geometry(coordinates=[[list(ring) for ring in rings] for rings in g.area.polygons]),
            )
            for g in registry.grids.values()
        ]
    )
