"""Pollutant and parameter codes: HJ 212-2017 Appendix B (checked against a second code table), what the field adds, and the
codes of HJ/T 212-2005 that old devices send. Codes are stored as sent; this says what they are."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum


class Medium(StrEnum):
    """What is measured: PROCESS is equipment and its work, DEVICE the analysers and loggers themselves."""

    WATER = "water"
    AIR = "air"
    NOISE = "noise"
    PROCESS = "process"
    DEVICE = "device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pollutant:
    """`code` is the canonical code of 2017; `unit` the standard's own, sites may differ. `role` is what a channel of this
    code is for a judge where the registry does not say otherwise: o2, flow, temperature, humidity, velocity or none."""

    code: str
    zh: str
    en: str
    unit: str
    medium: Medium
    role: str = ""


_ROLES = {
    "a19001": "o2",
    "a00000": "flow",
    "w00000": "flow",
    "a01012": "temperature",
    "a01014": "humidity",
    "a01011": "velocity",
}
_FLOWS = ("a00000", "w00000", "e101xx", "e201xx")

_ROWS: tuple[tuple[str, str, str, str, Medium, str], ...] = (
    ("w00000", "污水流量", "wastewater flow", "L/s", Medium.WATER, "B01"),
    ("w01001", "pH值", "pH", "pH", Medium.WATER, "001"),
    ("w01002", "色度", "colour", "times", Medium.WATER, "002"),
    ("w01003", "浑浊度", "turbidity", "NTU", Medium.WATER, ""),
    ("w01006", "溶解性总固体", "total dissolved solids", "mg/L", Medium.WATER, ""),
    ("w01009", "溶解氧", "dissolved oxygen", "mg/L", Medium.WATER, ""),
    ("w01010", "水温", "water temperature", "Cel", Medium.WATER, ""),
    ("w01012", "悬浮物", "suspended solids", "mg/L", Medium.WATER, "003"),
    ("w01014", "电导率", "conductivity", "uS/cm", Medium.WATER, ""),
    ("w01017", "五日生化需氧量", "BOD5", "mg/L", Medium.WATER, "010"),
    ("w01018", "化学需氧量", "chemical oxygen demand (COD)", "mg/L", Medium.WATER, "011"),
    ("w01019", "高锰酸盐指数", "permanganate index", "mg/L", Medium.WATER, ""),
    ("w01020", "总有机碳", "total organic carbon", "mg/L", Medium.WATER, "015"),
    ("w02003", "粪大肠菌群", "faecal coliforms", "1/L", Medium.WATER, "550"),
    ("w19002", "阴离子表面活性剂", "anionic surfactants (LAS)", "mg/L", Medium.WATER, "520"),
    ("w20111", "总汞", "total mercury", "ug/L", Medium.WATER, "020"),
    ("w20115", "总镉", "total cadmium", "ug/L", Medium.WATER, "022"),
    ("w20116", "总铬", "total chromium", "mg/L", Medium.WATER, "023"),
    ("w20117", "六价铬", "hexavalent chromium", "ug/L", Medium.WATER, "024"),
    ("w20119", "总砷", "total arsenic", "ug/L", Medium.WATER, "026"),
    ("w20120", "总铅", "total lead", "ug/L", Medium.WATER, "027"),
    ("w20121", "总镍", "total nickel", "mg/L", Medium.WATER, "028"),
    ("w20122", "总铜", "total copper", "mg/L", Medium.WATER, "029"),
    ("w20123", "总锌", "total zinc", "mg/L", Medium.WATER, "030"),
    ("w20124", "总锰", "total manganese", "mg/L", Medium.WATER, "031"),
    ("w20125", "总铁", "total iron", "mg/L", Medium.WATER, "032"),
    ("w21001", "总氮", "total nitrogen (TN)", "mg/L", Medium.WATER, "065"),
    ("w21003", "氨氮", "ammonia nitrogen (NH3-N)", "mg/L", Medium.WATER, "060"),
    ("w21006", "亚硝酸盐", "nitrite", "mg/L", Medium.WATER, "063"),
    ("w21007", "硝酸盐", "nitrate", "mg/L", Medium.WATER, "064"),
    ("w21011", "总磷", "total phosphorus (TP)", "mg/L", Medium.WATER, "101"),
    ("w21016", "氰化物", "cyanide", "mg/L", Medium.WATER, "070"),
    ("w21017", "氟化物", "fluoride", "mg/L", Medium.WATER, "072"),
    ("w21019", "硫化物", "sulfide", "mg/L", Medium.WATER, "071"),
    ("w21022", "氯化物", "chloride", "mg/L", Medium.WATER, "090"),
    ("w21038", "硫酸盐", "sulfate", "mg/L", Medium.WATER, ""),
    ("w22001", "石油类", "petroleum oils", "mg/L", Medium.WATER, "080"),
    ("w23002", "挥发酚", "volatile phenol", "mg/L", Medium.WATER, "110"),
    ("a00000", "废气流量", "flue gas flow (standard dry)", "m3/s", Medium.AIR, "B02"),
    ("a01010", "林格曼黑度", "Ringelmann blackness", "level", Medium.AIR, "37"),
    ("a01011", "烟气流速", "flue gas velocity", "m/s", Medium.AIR, "S02"),
    ("a01012", "烟气温度", "flue gas temperature", "Cel", Medium.AIR, "S03"),
    ("a01013", "烟气压力", "flue gas static pressure", "kPa", Medium.AIR, "S08"),
    ("a01014", "烟气湿度", "flue gas moisture", "%", Medium.AIR, "S05"),
    ("a01015", "制冷温度", "cooler temperature", "Cel", Medium.AIR, "S06"),
    ("a01016", "烟道截面积", "duct cross-section", "m2", Medium.AIR, "S07"),
    ("a01017", "烟气动压", "dynamic pressure", "kPa", Medium.AIR, "S04"),
    ("a01901", "垃圾焚烧炉膛内焚烧平均温度", "incinerator furnace mean temperature", "Cel", Medium.AIR, ""),
    ("a01902", "垃圾焚烧炉膛内DCS温度", "incinerator furnace DCS temperature", "Cel", Medium.AIR, ""),
    ("a05001", "二氧化碳", "carbon dioxide", "mg/m3", Medium.AIR, "30"),
    ("a05002", "甲烷", "methane", "mg/m3", Medium.AIR, ""),
    ("a19001", "氧气含量", "oxygen content", "%", Medium.AIR, "S01"),
    ("a20043", "铅及其化合物", "lead and compounds", "mg/m3", Medium.AIR, "32"),
    ("a20025", "镉及其化合物", "cadmium and compounds", "mg/m3", Medium.AIR, "33"),
    ("a20057", "汞及其化合物", "mercury and compounds", "mg/m3", Medium.AIR, "31"),
    ("a20063", "镍及其化合物", "nickel and compounds", "mg/m3", Medium.AIR, "35"),
    ("a21001", "氨（氨气）", "ammonia", "mg/m3", Medium.AIR, "10"),
    ("a21002", "氮氧化物", "nitrogen oxides (as NO2)", "mg/m3", Medium.AIR, "03"),
    ("a21003", "一氧化氮", "nitric oxide", "mg/m3", Medium.AIR, ""),
    ("a21004", "二氧化氮", "nitrogen dioxide", "mg/m3", Medium.AIR, ""),
    ("a21005", "一氧化碳", "carbon monoxide", "mg/m3", Medium.AIR, "04"),
    ("a21017", "氰化物", "cyanide (as HCN)", "mg/m3", Medium.AIR, "07"),
    ("a21018", "氟化物", "fluorides (HF)", "mg/m3", Medium.AIR, "06"),
    ("a21022", "氯气", "chlorine", "mg/m3", Medium.AIR, "11"),
    ("a21024", "氯化氢", "hydrogen chloride", "mg/m3", Medium.AIR, "08"),
    ("a21026", "二氧化硫", "sulfur dioxide", "mg/m3", Medium.AIR, "02"),
    ("a21028", "硫化氢", "hydrogen sulfide", "mg/m3", Medium.AIR, "05"),
    ("a23001", "酚类", "phenols", "mg/m3", Medium.AIR, "27"),
    ("a24046", "氯乙烯", "vinyl chloride", "mg/m3", Medium.AIR, "29"),
    ("a24087", "碳氢化合物", "total hydrocarbons (THC)", "mg/m3", Medium.AIR, "25"),
    ("a24088", "非甲烷总烃", "non-methane hydrocarbons (NMHC)", "mg/m3", Medium.AIR, ""),
    ("a25002", "苯", "benzene", "mg/m3", Medium.AIR, ""),
    ("a25003", "甲苯", "toluene", "mg/m3", Medium.AIR, "17"),
    ("a25005", "二甲苯", "xylenes", "mg/m3", Medium.AIR, "18"),
    ("a25010", "氯苯", "chlorobenzene", "mg/m3", Medium.AIR, "23"),
    ("a25044", "苯并[a]芘", "benzo[a]pyrene", "mg/m3", Medium.AIR, "20"),
    ("a30001", "甲醇", "methanol", "mg/m3", Medium.AIR, "28"),
    ("a31001", "甲醛", "formaldehyde", "mg/m3", Medium.AIR, "19"),
    ("a34013", "烟尘（颗粒物）", "particulate matter (soot and dust)", "mg/m3", Medium.AIR, "01"),
    ("a34038", "沥青烟", "asphalt fume", "mg/m3", Medium.AIR, "09"),
    ("a34039", "硫酸雾", "sulfuric acid mist", "mg/m3", Medium.AIR, "14"),
    ("a34040", "铬酸雾", "chromic acid mist", "mg/m3", Medium.AIR, "15"),
    ("a34041", "油烟", "catering fume", "mg/m3", Medium.AIR, ""),
    ("a01001", "温度", "air temperature", "Cel", Medium.AIR, ""),
    ("a01002", "湿度", "relative humidity", "%", Medium.AIR, ""),
    ("a01006", "气压", "air pressure", "kPa", Medium.AIR, ""),
    ("a01007", "风速", "wind speed", "m/s", Medium.AIR, ""),
    ("a01008", "风向", "wind direction", "deg", Medium.AIR, ""),
    ("a05024", "臭氧", "ozone", "ug/m3", Medium.AIR, ""),
    ("a34001", "总悬浮颗粒物TSP", "total suspended particulate", "ug/m3", Medium.AIR, ""),
    ("a34002", "可吸入颗粒物PM10", "PM10", "ug/m3", Medium.AIR, ""),
    ("a34004", "细颗粒物PM2.5", "PM2.5", "ug/m3", Medium.AIR, ""),
    ("a34005", "亚微米颗粒物PM1.0", "PM1.0", "ug/m3", Medium.AIR, ""),
    ("LA", "A权声级", "A-weighted sound level", "dB(A)", Medium.NOISE, "B03"),
    ("L5", "累计百分声级 L5", "percentile level L5", "dB(A)", Medium.NOISE, ""),
    ("L10", "累计百分声级 L10", "percentile level L10", "dB(A)", Medium.NOISE, ""),
    ("L50", "累计百分声级 L50", "percentile level L50", "dB(A)", Medium.NOISE, ""),
    ("L90", "累计百分声级 L90", "percentile level L90", "dB(A)", Medium.NOISE, ""),
    ("L95", "累计百分声级 L95", "percentile level L95", "dB(A)", Medium.NOISE, ""),
    ("Leq", "等效声级", "equivalent level", "dB(A)", Medium.NOISE, ""),
    ("Ldn", "昼夜等效声级", "day-night equivalent level", "dB(A)", Medium.NOISE, ""),
    ("Ld", "昼间等效声级", "daytime equivalent level", "dB(A)", Medium.NOISE, ""),
    ("Ln", "夜间等效声级", "night equivalent level", "dB(A)", Medium.NOISE, ""),
    ("LMx", "最大的瞬时声级", "maximum level", "dB(A)", Medium.NOISE, ""),
    ("LMn", "最小的瞬时声级", "minimum level", "dB(A)", Medium.NOISE, ""),
    ("e101xx", "进水口流量", "influent flow", "L/s", Medium.PROCESS, ""),
    ("e102xx", "进水口COD", "influent COD", "mg/L", Medium.PROCESS, ""),
    ("e201xx", "出水口流量", "effluent flow", "L/s", Medium.PROCESS, ""),
    ("e301xx", "污水提升泵", "sewage lift pump current", "A", Medium.PROCESS, ""),
    ("e302xx", "鼓风机", "blower current", "A", Medium.PROCESS, ""),
    ("g101xx", "增压风机状态", "booster fan state", "state", Medium.PROCESS, ""),
    ("g102xx", "增压风机电流", "booster fan current", "A", Medium.PROCESS, ""),
    ("g111xx", "脱硫塔内浆液pH", "FGD slurry pH", "pH", Medium.PROCESS, ""),
    ("g119xx", "脱硫率", "desulfurisation rate", "%", Medium.PROCESS, ""),
    ("i11001", "运行日志（仪表）", "analyser log", "text", Medium.DEVICE, ""),
    ("i12001", "工作状态（仪表）", "analyser state", "enum", Medium.DEVICE, ""),
    ("i12002", "分析仪与数采仪通讯状态", "analyser-logger link", "enum", Medium.DEVICE, ""),
    ("i13001", "测量量程", "measuring range", "-", Medium.DEVICE, ""),
    ("i13007", "截距", "intercept", "-", Medium.DEVICE, ""),
    ("i13008", "斜率", "slope", "-", Medium.DEVICE, ""),
    ("i13009", "测量检出限", "detection limit", "-", Medium.DEVICE, ""),
    ("i21001", "运行日志（数采仪）", "logger log", "text", Medium.DEVICE, ""),
    ("i22001", "工作状态（数采仪）", "logger state", "enum", Medium.DEVICE, ""),
)  # fmt: skip
"""Code, names, unit, medium, code of 2005. `xx` is the number of an equipment, 01-99."""

BY_CODE: dict[str, Pollutant] = {
    code: Pollutant(code=code, zh=zh, en=en, unit=unit, medium=medium, role=_ROLES.get(code, ""))
    for code, zh, en, unit, medium, _ in _ROWS
}
CODE_OF_2005: dict[str, str] = {old: code for code, _, _, _, _, old in _ROWS if old}

_EQUIPMENT = re.compile(r"([eg]\d{3})(\d\d)")
_STATE = re.compile(r"SB(\d{1,3})")
_PERIOD = {"_day": ("昼间", "daytime"), "_night": ("夜间", "night-time")}


def about(code: str) -> Pollutant | None:
    """What a code means, as sent by devices of 2005 or 2017, with the endings that our decoder adds: `_Cou` (what passed in
    a period: kg, or m3 of a flow), `_day` and `_night`; `SBn` is an equipment's state, or its hours in a day's reading."""
    return _plain(code) or _with_ending(code)


def canonical(code: str) -> str:
    """The code of 2017, or the code itself where there is none."""
    known = about(code)
    return known.code if known else code


def _plain(code: str) -> Pollutant | None:
    known = BY_CODE.get(CODE_OF_2005.get(code, code))
    if known is not None:
        return known
    if match := _EQUIPMENT.fullmatch(code):
        kind = BY_CODE.get(f"{match[1]}xx")
        return kind and replace(kind, code=code, zh=f"{kind.zh} {match[2]}", en=f"{kind.en} {match[2]}")
    if match := _STATE.fullmatch(code):
        n = match[1]
        return Pollutant(code=code, zh=f"设备{n}", en=f"equipment {n}", unit="state", medium=Medium.PROCESS)
    return None


def _with_ending(code: str) -> Pollutant | None:
    if code.endswith("_Cou") and (base := _plain(code.removesuffix("_Cou"))):
        unit = "m3" if base.code in _FLOWS else "kg"
        return replace(
            base,
            code=f"{base.code}_Cou",
            zh=f"{base.zh}（排放量）",
            en=f"{base.en}, amount",
            unit=unit,
            role="",
        )
    for ending, (zh, en) in _PERIOD.items():
        if code.endswith(ending) and (base := _plain(code.removesuffix(ending))):
            return replace(base, code=f"{base.code}{ending}", zh=f"{zh}{base.zh}", en=f"{base.en}, {en}")
    return None
