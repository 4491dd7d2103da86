"""What a notice says, in zh-CN, by its key. The pages have their own words for the same keys."""

from collections import defaultdict
from collections.abc import Mapping

from farwatch.domain.finding import Param

TITLE = "远望环境监测"
DRILL = "【演练】"

_TEXTS = {
    "warned": "{enterprise}：{subject} 的监测数据（{code}）超过预警值，请立即排查；{window_min} 分钟内未恢复，将派员到场核查。",
    "enterprise_has_no_channel": "{enterprise} 没有通知渠道，请致电：{subject}（{code}）超过预警值，时限 {window_min} 分钟。",
    "offered": "有新的任务等待您接单（严重程度 {severity}）。",
    "matter_joined": "您的任务新增一个事项（严重程度 {severity}），请确认。",
    "taken_by_other": "任务已由其他人员接单。",
    "breached_accept": "超过接单时限 {late_s} 秒。",
    "breached_arrive": "超过到场时限 {late_s} 秒。",
    "escalated": "任务无人接单，已上报指挥中心。",
    "again_after_handled": "处置之后再次发现同一问题，请在核查时确认。",
    "done_handled": "任务已处置，等待核查。",
    "done_false_alarm": "任务被标为误报，等待核查。",
    "no_grid": "地点不在任何责任网格内，请指挥中心处理。",
    "no_officers": "责任班组 {team} 没有人员，请指挥中心处理。",
    "nobody_on_shift": "责任班组 {team} 当前无人值班，请指挥中心处理。",
    "all_declined": "责任班组 {team} 的值班人员均已拒单，请指挥中心处理。",
    "all_asked": "责任班组 {team} 的值班人员均已派过单，尚无人接单。",
    "no_lead": "责任班组 {team} 没有登记负责人。",
    "lead_declined": "责任班组 {team} 的负责人已拒单。",
}
KEYS = frozenset(_TEXTS)


def text(key: str, params: Mapping[str, Param], *, drill: bool) -> str:
    """Raises KeyError for an unknown key; a value that is missing shows as a dash."""
    shown = defaultdict(lambda: "—", {k: str(v) for k, v in params.items() if v is not None})
    return (DRILL if drill else "") + _TEXTS[key].format_map(shown)
