"""Whatever a registry holds, its export is read back as the same registry."""

import tempfile
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from farwatch.domain.calendar import WorkCalendar
from farwatch.domain.finding import Tier
from farwatch.domain.place import Area, Position
from farwatch.domain.policy import (
    SHIPPED,
    Action,
    ChannelRule,
    DispatchRule,
    EscalationStep,
    EvidenceRule,
    FirstTimeRule,
    Handling,
    LimitRule,
    NOfM,
    NoticeRule,
    Policy,
    QualityRule,
    RetentionRule,
    SeverityClocks,
    StormRule,
    TaskPolicy,
)
from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import (
    Attendance,
    Camera,
    Channel,
    CrcPolicy,
    Enterprise,
    Grid,
    Limit,
    Officer,
    ReaderKind,
    Registry,
    Station,
    Team,
    Transport,
    Zone,
)
from farwatch.storage import policy_toml
from server.registry.checks import check_files
from server.registry.difference import Stored, difference
from server.registry.export import registry_files
from server.registry.files import read_files
from server.registry.policy_text import render_policy
from server.registry.secret_file import Secrets

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)

texts = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp"), exclude_characters="\ufeff\u200b"),
    max_size=12,
)
names = texts.filter(bool)
ids = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True).filter(lambda s: "e" not in s)
places = st.builds(Position, st.floats(20, 50), st.floats(80, 130))
drills = st.booleans()
days = st.dates(date(1970, 1, 2), date(2199, 12, 31))
certificates: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"certificate": texts, "certificate_until": st.none() | days, "calibrated_on": st.none() | days}
)
instants = st.timedeltas(timedelta(0), timedelta(days=47_000)).map(
    lambda age: datetime(1970, 1, 1, tzinfo=UTC) + age
)
corners = st.tuples(st.floats(80, 130), st.floats(20, 50))
shares = st.tuples(st.floats(0, 1), st.floats(0, 1))
polygons = st.lists(shares, min_size=3, max_size=3, unique=True).map(tuple)
triangles = st.lists(corners, min_size=3, max_size=3, unique=True)
areas = st.lists(triangles.map(lambda t: ((*t, t[0]),)), min_size=1, max_size=2).map(lambda p: Area(tuple(p)))
shifts = st.sampled_from(["", "always", "08:00-20:00", "20:00-08:00", "16:00-00:00"])
amounts = st.none() | st.floats(0.001, 1e6)


schedules = st.sampled_from(["", "06:00-22:00", "22:00-06:00"])
networks = st.sampled_from(["", "10.1.2.3", "10.1.2.0/24", "fd00::/8"])
keys = st.tuples(st.sampled_from(ReadingKind), schedules).filter(lambda key: key[0] != "day" or not key[1])


@st.composite
def channels(draw: st.DrawFn, mn: str, code: str) -> Channel:
    low, high = draw(st.none() | st.floats(-10, 0)), draw(st.none() | st.floats(1, 1e4))
    role, registered = draw(st.sampled_from(["", "o2", "purifier"])), draw(st.integers(0, 4)) > 0
    return Channel(
        mn=mn, code=code, unit=draw(names), range_low=low, range_high=high, role=role, registered=registered
    )


@st.composite
def periods(draw: st.DrawFn, mn: str, code: str, unit: str) -> tuple[Limit, ...]:
    found: list[Limit] = []
    for kind, schedule in draw(st.lists(keys, min_size=1, max_size=3, unique=True)):
        begins = sorted(draw(st.lists(instants, min_size=1, max_size=3, unique=True)))
        values = draw(st.lists(amounts, min_size=len(begins), max_size=len(begins)))
        rows = [values[0], *(b if a != b else (b or 0) + 1.0 for a, b in pairwise(values))]
        for i, begin in enumerate(begins):
            if i and rows[i] == rows[i - 1]:
                continue
            found.append(Limit(mn=mn, code=code, unit=unit, kind=kind, limit=rows[i], valid_from=begin,
                               converted=draw(drills), warn_share=draw(st.floats(0.01, 1)), schedule=schedule,
                               lower=draw(st.none() | st.floats(-5, 0)) if rows[i] else None,
                               source=draw(texts), unverified=draw(drills)))  # fmt: skip
    return tuple(found)


def keyed(draw: st.DrawFn, most: int = 3) -> list[str]:
    return draw(st.lists(ids, max_size=most, unique=True))


@st.composite
def cities(draw: st.DrawFn) -> Registry:
    enterprises = {
        i: Enterprise(id=i, name=draw(names), place=draw(places), contact_name=draw(texts))
        for i in keyed(draw)
    }
    any_enterprise = st.sampled_from(sorted(enterprises)) if enterprises else st.nothing()
    stations = {
        mn: Station(
            mn=mn,
            enterprise=draw(any_enterprise),
            name=draw(names),
            place=draw(places),
            medium=draw(names),
            drill=draw(drills),
            crc=draw(st.sampled_from(CrcPolicy)),
            credential=draw(st.just("") | ids),
            source=draw(networks),
            minute_interval_min=draw(st.none() | st.integers(1, 60)),
            o2_reference_percent=draw(st.none() | st.floats(0, 20)),
            **draw(certificates),
        )
        for mn in (keyed(draw) if enterprises else [])
    }
    cameras = {
        i: Camera(id=i, name=draw(names), enterprise=draw(st.none() | any_enterprise), place=draw(places),
                  heading_deg=draw(st.none() | st.floats(0, 360)), url="rtsp://10.0.0.1:554/a,b?c", drill=draw(drills),
                  transport=draw(st.sampled_from(Transport)), reader=draw(st.sampled_from(ReaderKind)),
                  watch=draw(st.sampled_from(Attendance)), ptz=draw(drills), start_key=draw(st.sampled_from(["data.rtsp", "a.b"])),
                  **draw(certificates),
                  **draw(st.sampled_from([{}, {"start_url": "http://10.0.0.2/a?b=,", "start_credential": "wvp"}])))
        for i in keyed(draw)
    }  # fmt: skip
    measured = {(mn, code): draw(channels(mn, code)) for mn in stations for code in keyed(draw, 2)}
    teams = {i: Team(id=i, name=draw(names)) for i in keyed(draw)}
    any_team = st.sampled_from(sorted(teams)) if teams else st.nothing()
    return Registry(
        enterprises=enterprises,
        stations=stations,
        channels=measured,
        limits={key: draw(periods(*key, c.unit)) for key, c in measured.items() if c.registered},
        cameras=cameras,
        zones={c: (Zone(camera=c, name="z", purpose="sky", polygon=draw(polygons)),) for c in cameras},
        teams=teams,
        grids={
            i: Grid(id=i, name=draw(names), team=draw(any_team), area=draw(areas), street=draw(texts))
            for i in (keyed(draw) if teams else [])
        },
        officers={
            i: Officer(id=i, name=draw(names), team=draw(any_team), phone=draw(ids), place=draw(places), shift=draw(shifts),
                       skills=draw(st.frozensets(ids, max_size=3)), badge=draw(texts))
            for i in (keyed(draw) if teams else [])
        },
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(cities(), st.timedeltas(timedelta(0), timedelta(days=2)))
def test_an_export_read_back_is_no_change(city: Registry, later: timedelta) -> None:
    with tempfile.TemporaryDirectory() as name:
        for file, content in registry_files(city, SHIPPED, None).items():
            (Path(name) / file).write_bytes(content)
        files, found = read_files(Path(name))
    check_files(files, Secrets(), found)
    assert [str(error) for error in found.errors] == []
    assert {(e.value.mn, e.value.code) for e in files.channels} == city.limits.keys(), (
        "heard channels stay out"
    )
    changed = difference(
        Stored(active=city, periods=city.limits, policy=SHIPPED), files, prune=True, now=NOW + later
    )
    assert (changed.lines, changed.notes, changed.errors) == ([], [], [])


seconds = st.floats(0.5, 86_000)
steps = st.lists(st.tuples(seconds, st.sampled_from(("lead", "city"))), max_size=3).map(
    lambda found: tuple(EscalationStep(after_s=s, to=to) for s, to in sorted(found))
)
policies = st.builds(
    Policy,
    warn_window_s=seconds,
    join_radius_m=st.floats(1, 1000),
    actions=st.dictionaries(
        st.tuples(st.sampled_from(["smoke", "limit_rtd"]), st.sampled_from(Tier)), st.sampled_from(Action)
    ),
    retention=st.builds(RetentionRule, readings_days=st.integers(430, 9999)),
    evidence=st.builds(EvidenceRule, closed_gb=st.floats(0.1, 9999)),
    limit=st.builds(LimitRule, violation_ratio=st.floats(1, 10), hold_readings=st.integers(1, 50)),
    quality=st.builds(
        QualityRule,
        constant_s=st.floats(3600, 21600),
        business_hours=st.lists(st.sampled_from(["10:00-13:30", "22:00-02:00"])).map(tuple),
    ),
    task=st.builds(
        TaskPolicy,
        accept_s=seconds,
        ask_at_once=st.integers(1, 3),
        escalation=steps,
        severities=st.dictionaries(
            st.integers(1, 3), st.builds(SeverityClocks, accept_s=seconds, escalation=steps)
        ),
        handling=st.sampled_from(((), (Handling(kind="smoke", amount=1.5, unit="working_hours"),))),
        closes_itself=st.sampled_from(((), ("camera_fault",))),
    ),
    n_of_m=st.sampled_from(((), (NOfM(rule="smoke", tier=Tier.VIOLATION, n=3, within_s=60.0),))),
    storm=st.builds(StormRule, tasks=st.integers(1, 99)),
    dispatch=st.builds(
        DispatchRule, detour=st.floats(1, 5), skills=st.sampled_from(((), (("smoke", "烟气"),)))
    ),
    notices=st.builds(
        NoticeRule,
        officer=st.sampled_from(((("page",),), (("page", "contact"), ("wecom",)))),
        channels=st.sampled_from(((), (ChannelRule(name="wecom", per_minute=6.0, events=True),))),
    ),
    first_time=st.builds(FirstTimeRule, months=st.integers(1, 120)),
    calendar=st.builds(
        WorkCalendar,
        weekdays=st.sets(st.integers(1, 7), min_size=1).map(lambda days: tuple(sorted(days))),
        holidays=st.frozensets(st.dates()),
        extra_days=st.frozensets(st.dates()),
    ),
)


@given(policies)
def test_a_policy_written_is_the_policy_read(policy: Policy) -> None:
    assert policy_toml.parse(render_policy(policy)) == policy
