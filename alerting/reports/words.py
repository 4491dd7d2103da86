"""What reports say on paper and in spreadsheets, in zh-CN, by their keys: words.json, which the pages read too."""

import json
from collections.abc import Mapping
from importlib import resources

from alerting.reports.tables import Cell

_FILE = resources.files("alerting.reports").joinpath("words.json")
WORDS: Mapping[str, str] = json.loads(_FILE.read_text("utf-8"))
KINDS: Mapping[str, str] = {
    "kind.exceedance": "超标排放",
    "kind.smoke": "冒烟",
    "kind.burning": "露天焚烧",
    "kind.dumping": "倾倒垃圾",
    "kind.camera_fault": "摄像机故障",
    "kind.data_fault": "数据异常",
    "deadline.accept": "响应超时",
    "deadline.arrive": "到场超时",
    "deadline.handle": "处置超时",
}
"""Words that the pages have among others."""


def word(key: str) -> str:
    """Names of the registry, which are no keys, stand as they are; a rule without a name is its id."""
    return WORDS.get(key) or KINDS.get(key) or key.removeprefix("rule.")


def say(key: str, **params: Cell) -> str:
    return WORDS[key].format_map(params)
