"""Drawing what is looked at in a camera's picture, and what nobody may look at."""

from datetime import datetime

from fastapi import APIRouter

from farwatch.domain.registry import Zone
from farwatch.storage import audit, drawn_zones, registry, registry_changes
from farwatch.storage.database import Connection, transaction
from farwatch.storage.registry_changes import Changes
from server.web.authentication import Bureau
from server.web.camera_access import KnownCamera
from server.web.context import WebContext
from server.web.errors import ApiError, errors
from server.web.zone_shapes import NewZones, ZonesBody, version_of, zones_body, zones_of

router = APIRouter(prefix="/api/v1", tags=["city"])


@router.put("/cameras/{id}/zones", responses=errors(401, 403, 404, 409))
async def draw_zones(web: WebContext, who: Bureau, camera: KnownCamera, body: NewZones) -> ZonesBody:
    """Replaces all zones of the camera; workers take them within a second. 409 zones_changed when they are no longer those of
    `version`. Written to the audit; the same zones again change nothing."""
    wanted = zones_of(camera.id, body.zones)
    async with transaction(web.pool) as connection:
        await registry_changes.lock(connection)
        known = await registry.zones_of(connection, camera.id)
        if version_of(known) != body.version:
            raise ApiError(409, "zones_changed")
        if version_of(known) != version_of(wanted):
            now = web.deps.clock.now()
            names = await _write(connection, camera.id, known, wanted, now)
            await drawn_zones.note(connection, camera.id, by=who.name, at=now)
            await audit.write(connection, who.name, "zones_drawn", f"camera/{camera.id}", zones=names)
        return zones_body(
            await registry.zones_of(connection, camera.id), await drawn_zones.of(connection, camera.id)
        )


async def _write(
    connection: Connection, camera: str, known: list[Zone], wanted: list[Zone], now: datetime
) -> str:
    """The names of what changed, with a sign for what became of each."""
    before, after = ({zone.name: zone for zone in zones} for zones in (known, wanted))
    changed = [zone for name, zone in after.items() if before.get(name) != zone]
    gone = [name for name in before if name not in after]
    changes = Changes(zones=changed, deactivated={"zones": [(camera, name) for name in gone]})
    await registry_changes.apply(connection, changes, count=len(changed) + len(gone), now=now)
    said = [f"{'~' if zone.name in before else '+'}{zone.name}" for zone in changed]
    return " ".join([*said, *(f"-{name}" for name in gone)])
