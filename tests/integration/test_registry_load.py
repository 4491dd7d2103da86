"""What a service sees of the city in its database."""

from farwatch.domain.policy import SHIPPED
from farwatch.domain.registry import Registry
from farwatch.storage import registry
from farwatch.storage.database import Pool

CITY = """
INSERT INTO enterprises (id, name, lat, lon) VALUES ('e1', '钢厂', 30.5, 114.3);
INSERT INTO stations (mn, enterprise, name, lat, lon, medium) VALUES ('s1', 'e1', '排口', 30.5, 114.3, 'air_source');
INSERT INTO channels (mn, code, unit) VALUES ('s1', 'a21026', 'mg/m3');
INSERT INTO limits SELECT id, 'hour', 35, true, 0.9, '2020-01-01', '2024-01-01' FROM channels;
INSERT INTO limits SELECT id, 'hour', 30, true, 0.9, '2024-01-01', NULL FROM channels;
INSERT INTO cameras (id, name, lat, lon, url) VALUES ('c1', '堆场', 30.5, 114.3, 'rtsp://10.0.0.1/1');
INSERT INTO zones (camera, name, purpose, polygon) VALUES ('c1', 'yard', 'ground', '[[0, 0], [1, 0], [1, 1]]');
INSERT INTO teams (id, name, lead) VALUES ('t1', '一队', 'o1');
INSERT INTO officers (id, name, team, lat, lon, shift, skills, contact_channel, badge)
  VALUES ('o1', '王', 't1', 30.5, 114.3, 'always', '{noise,tower}', 'wecom', '沪-0012');
INSERT INTO grids (id, name, team, geometry) VALUES ('g1', '一格', 't1',
  '{"type": "MultiPolygon", "coordinates": [[[[114, 30], [115, 30], [115, 31], [114, 31], [114, 30]]]]}');
"""


async def test_an_empty_database_is_an_empty_city_with_the_shipped_policy(pool: Pool) -> None:
    async with pool.acquire() as connection:
        assert await registry.load(connection) == Registry(version=0)
        assert await registry.version(connection) == 0
        assert await registry.load_policy(connection) == SHIPPED


async def test_every_kind_of_row_is_loaded_with_all_validity_periods(pool: Pool) -> None:
    await pool.execute(CITY)
    async with pool.acquire() as connection:
        city = await registry.load(connection)
    assert [limit.limit for limit in city.limits["s1", "a21026"]] == [35, 30]
    assert city.zones["c1"][0].polygon == ((0, 0), (1, 0), (1, 1))
    assert city.grids["g1"].area.contains(city.stations["s1"].place)
    officer = city.officers["o1"]
    assert (officer.team, officer.skills, officer.contact_channel, officer.badge) == (
        "t1",
        {"noise", "tower"},
        "wecom",
        "沪-0012",
    )
    assert city.cameras["c1"].enterprise is None
    assert city.enterprises["e1"].name == "钢厂"


async def test_what_hangs_on_a_deactivated_row_is_gone_too_unless_asked_for(pool: Pool) -> None:
    await pool.execute(CITY)
    await pool.execute("UPDATE stations SET active = false; UPDATE cameras SET active = false")
    async with pool.acquire() as connection:
        city = await registry.load(connection)
        everything = await registry.load(connection, inactive=True)
    assert [city.stations, city.limits, city.cameras, city.zones] == [{}, {}, {}, {}]
    assert everything.limits.keys() == {("s1", "a21026")}
    assert everything.zones.keys() == {"c1"}


async def test_the_newest_policy_is_in_force_and_leaves_the_rest_as_shipped(pool: Pool) -> None:
    await pool.execute("INSERT INTO policies (toml) VALUES ('warn_window_s = 5.0')")
    await pool.execute("INSERT INTO policies (toml) VALUES ('[task]\naccept_s = 120.0')")
    async with pool.acquire() as connection:
        policy = await registry.load_policy(connection)
    assert (policy.warn_window_s, policy.task.accept_s) == (SHIPPED.warn_window_s, 120)
    assert policy.actions == SHIPPED.actions
