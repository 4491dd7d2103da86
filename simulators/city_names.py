"""Tables behind the city generator: trades, invented names, limits. Any likeness to a real firm is chance."""

from dataclasses import dataclass

SHORT_NAMES = (
    "澜湾",
    "永澄",
    "丰岳",
    "恒砚",
    "凌川",
    "启禾",
    "东篱",
    "青屿",
    "云栈",
    "铭岫",
    "瑞沅",
    "景陌",
    "安墟",
    "和畛",
)
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜"
GIVEN_NAMES = (
    "志远",
    "晓岚",
    "建国",
    "思齐",
    "明哲",
    "雨桐",
    "海涛",
    "静怡",
    "立新",
    "嘉宁",
    "文斌",
    "若溪",
    "俊杰",
    "佳慧",
)
GRID_NAMES = ("北塘", "石桥", "云渡", "南浦", "麦溪", "东堰")
TEAM_NAMES = ("执法一队", "执法二队", "执法三队")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlan:
    """What one pollutant code of an outlet is held to; `limit` in `unit`, None where it is only measured.

    A signal without a limit lies around `usual`, one with a limit well below it.
    """

    code: str
    unit: str
    limit: float | None
    legal_kind: str = "hour"
    converted: bool = False
    usual: float = 0.0


# Coal-fired ultra-low: 10 / 35 / 50 mg/m3 at 6 % oxygen (环发〔2015〕164号). Converted values are what counts.
ULTRA_LOW_STACK = (
    ChannelPlan(code="a21026", unit="mg/m3", limit=35.0, converted=True),
    ChannelPlan(code="a21002", unit="mg/m3", limit=50.0, converted=True),
    ChannelPlan(code="a34013", unit="mg/m3", limit=10.0, converted=True),
    ChannelPlan(code="a19001", unit="%", limit=None, usual=6.8),
    ChannelPlan(code="a01012", unit="Cel", limit=None, usual=52.0),
    ChannelPlan(code="a00000", unit="m3/s", limit=None, usual=118.0),
)
# Coal boilers, special limits of GB 13271-2014 table 3: 30 / 200 / 200 mg/m3.
BOILER_STACK = (
    ChannelPlan(code="a21026", unit="mg/m3", limit=200.0, converted=True),
    ChannelPlan(code="a21002", unit="mg/m3", limit=200.0, converted=True),
    ChannelPlan(code="a34013", unit="mg/m3", limit=30.0, converted=True),
    ChannelPlan(code="a19001", unit="%", limit=None, usual=9.4),
)
# Waste incineration, GB 18485-2014: hour means 30 / 100 / 300 mg/m3, carbon monoxide 100.
INCINERATOR_STACK = (
    ChannelPlan(code="a34013", unit="mg/m3", limit=30.0, converted=True),
    ChannelPlan(code="a21026", unit="mg/m3", limit=100.0, converted=True),
    ChannelPlan(code="a21002", unit="mg/m3", limit=300.0, converted=True),
    ChannelPlan(code="a21005", unit="mg/m3", limit=100.0, converted=True),
    ChannelPlan(code="a19001", unit="%", limit=None, usual=9.8),
)
# GB 16297-1996 table 2: organic compounds 120, dust 120 mg/m3.
PAINT_VENT = (
    ChannelPlan(code="a24088", unit="mg/m3", limit=120.0),
    ChannelPlan(code="a34013", unit="mg/m3", limit=120.0),
    ChannelPlan(code="a00000", unit="m3/s", limit=None, usual=14.0),
)
# GB 18918-2002 grade 1A, judged on the daily mean: 50 / 5 / 15 / 0.5 mg/L.
SEWAGE_OUTLET = (
    ChannelPlan(code="w01018", unit="mg/L", limit=50.0, legal_kind="day"),
    ChannelPlan(code="w21003", unit="mg/L", limit=5.0, legal_kind="day"),
    ChannelPlan(code="w21001", unit="mg/L", limit=15.0, legal_kind="day"),
    ChannelPlan(code="w21011", unit="mg/L", limit=0.5, legal_kind="day"),
    ChannelPlan(code="w01001", unit="pH", limit=None, usual=7.3),
    ChannelPlan(code="w00000", unit="L/s", limit=None, usual=420.0),
)
# GB 8978-1996 grade 1: 100 / 15 / 0.5 mg/L.
FACTORY_OUTLET = (
    ChannelPlan(code="w01018", unit="mg/L", limit=100.0),
    ChannelPlan(code="w21003", unit="mg/L", limit=15.0),
    ChannelPlan(code="w21011", unit="mg/L", limit=0.5),
    ChannelPlan(code="w00000", unit="L/s", limit=None, usual=26.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletPlan:
    """`oxygen` is the standard's reference oxygen in per cent, to which converted values are brought."""

    name: str
    medium: str
    channels: tuple[ChannelPlan, ...]
    oxygen: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePlan:
    """One enterprise of the small city: `id` is what the demo's story calls it, `grid` counts from 0, west to east."""

    id: str
    suffix: str
    grid: int
    outlets: tuple[OutletPlan, ...] = ()


TRADES = (
    TradePlan(id="heat", suffix="热电有限公司", grid=0, outlets=(
        OutletPlan(name="1号炉烟囱", medium="air", channels=ULTRA_LOW_STACK, oxygen=6),
        OutletPlan(name="2号炉烟囱", medium="air", channels=ULTRA_LOW_STACK, oxygen=6),
    )),
    TradePlan(id="kiln", suffix="建材有限公司", grid=4, outlets=(
        OutletPlan(name="窑尾排口", medium="air", channels=BOILER_STACK, oxygen=9),
    )),
    TradePlan(id="incinerator", suffix="环保能源有限公司", grid=5, outlets=(
        OutletPlan(name="1号线烟囱", medium="air", channels=INCINERATOR_STACK, oxygen=11),
        OutletPlan(name="2号线烟囱", medium="air", channels=INCINERATOR_STACK, oxygen=11),
    )),
    TradePlan(id="paint", suffix="涂装有限公司", grid=1, outlets=(
        OutletPlan(name="喷漆房排口", medium="air", channels=PAINT_VENT),
    )),
    TradePlan(id="chemicals", suffix="化工有限公司", grid=2, outlets=(
        OutletPlan(name="工艺废气排口", medium="air", channels=PAINT_VENT),
        OutletPlan(name="废水总排口", medium="water", channels=FACTORY_OUTLET),
    )),
    TradePlan(id="sewage", suffix="水务有限公司", grid=3, outlets=(
        OutletPlan(name="出水口", medium="water", channels=SEWAGE_OUTLET),
    )),
    TradePlan(id="dyeing", suffix="印染有限公司", grid=1, outlets=(
        OutletPlan(name="废水总排口", medium="water", channels=FACTORY_OUTLET),
        OutletPlan(name="锅炉烟囱", medium="air", channels=BOILER_STACK, oxygen=9),
    )),
    TradePlan(id="food", suffix="食品有限公司", grid=4, outlets=(
        OutletPlan(name="废水排口", medium="water", channels=FACTORY_OUTLET),
    )),
    TradePlan(id="recycling", suffix="再生资源有限公司", grid=3),
    TradePlan(id="logistics", suffix="物流园有限公司", grid=2),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPlan:
    """A camera looks at `scene`, a name of simulators.scenes; `zones` are (name, purpose, polygon in shares)."""

    id: str
    name: str
    trade: str
    scene: str
    heading_deg: float
    zones: tuple[tuple[str, str, tuple[tuple[float, float], ...]], ...]


STACK_ZONES = (
    ("烟囱上空", "stack", ((0.36, 0.03), (0.98, 0.03), (0.98, 0.40), (0.36, 0.40))),
    ("天空", "sky", ((0.02, 0.03), (0.35, 0.03), (0.35, 0.42), (0.02, 0.42))),
)
YARD_ZONES = (("料场地面", "ground", ((0.06, 0.56), (0.94, 0.56), (0.99, 0.97), (0.01, 0.97))),)
STREET_ZONES = (
    ("路侧绿地", "ground", ((0.02, 0.50), (0.98, 0.50), (0.98, 0.97), (0.02, 0.97))),
    ("天际线", "sky", ((0.02, 0.02), (0.98, 0.02), (0.98, 0.24), (0.02, 0.24))),
)


CAMERAS = (
    CameraPlan(
        id="stack-heat", name="热电厂烟囱", trade="heat", scene="stack_day", heading_deg=75, zones=STACK_ZONES
    ),
    CameraPlan(
        id="yard-recycling",
        name="料场东门",
        trade="recycling",
        scene="yard_day",
        heading_deg=310,
        zones=YARD_ZONES,
    ),
    CameraPlan(
        id="street-logistics",
        name="物流大道路口",
        trade="logistics",
        scene="street_day",
        heading_deg=180,
        zones=STREET_ZONES,
    ),
    CameraPlan(
        id="stack-kiln",
        name="窑尾烟囱",
        trade="kiln",
        scene="stack_dusk_quiet",
        heading_deg=20,
        zones=STACK_ZONES,
    ),
    CameraPlan(
        id="yard-food",
        name="食品厂后院",
        trade="food",
        scene="yard_night_quiet",
        heading_deg=140,
        zones=YARD_ZONES,
    ),
    CameraPlan(
        id="street-chemicals",
        name="化工路",
        trade="chemicals",
        scene="street_night",
        heading_deg=270,
        zones=STREET_ZONES,
    ),
)
