"""A small city by rows, for tests that are not about registry files."""

from farwatch.storage.database import Connection, connect

GRID = {
    "type": "MultiPolygon",
    "coordinates": [[[[119.9, 29.9], [120.1, 29.9], [120.1, 30.1], [119.9, 30.1], [119.9, 29.9]]]],
}


async def settle(
    url: str, *, stations: int, codes: tuple[str, ...] = ("a21026", "a21002"), limit: float = 50.0
) -> None:
    """One enterprise, grid, team and two officers on shift; stations MN1… with a real-time limit on each code."""
    connection: Connection = await connect(url)
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO enterprises (id, name, lat, lon) VALUES ('E1', 'works', 30, 120)"
        )
        await connection.execute("INSERT INTO teams (id, name, lead) VALUES ('T1', 'team', 'O2')")
        await connection.execute(
            "INSERT INTO grids (id, name, team, geometry) VALUES ('G1', 'grid', 'T1', $1)", GRID
        )
        for officer in ("O1", "O2"):
            await connection.execute(
                "INSERT INTO officers (id, name, team, lat, lon, shift) VALUES ($1, $1, 'T1', 30, 120, 'always')",
                officer,
            )
        for n in range(1, stations + 1):
            await connection.execute(
                "INSERT INTO stations (mn, enterprise, name, lat, lon, medium) VALUES ($1, 'E1', $1, 30, 120, 'air')",
                f"MN{n}",
            )
            for code in codes:
                channel = await connection.fetchval(
                    "INSERT INTO channels (mn, code, unit) VALUES ($1, $2, 'mg/m3') RETURNING id",
                    f"MN{n}",
                    code,
                )
                await connection.execute(
                    "INSERT INTO limits VALUES ($1, 'rtd', $2, false, 1, '2020-01-01', NULL)", channel, limit
                )
        await connection.execute("UPDATE registry_version SET version = version + 1, changed_at = now()")
    await connection.close()
