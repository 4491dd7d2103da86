"""What a notice says, in zh-CN, by its key. The pages have their own words for the same keys."""

import re
from collections import defaultdict
from collections.abc import Mapping

from farwatch.domain.finding import Param

TITLE = "远望环境监测"
DRILL = "【演练】"

_TEXTS = {
    "warned": "{enterprise}：{subject} 的监测数据（{code}）超过预警值，请立即排查；{window_min} 分钟内未恢复，将派员到场核查。",
    "warned_half": "再次提醒：{enterprise} 的 {subject}（{code}）仍超过预警值，{window_min} 分钟内未恢复，将派员到场核查。",
    "enterprise_has_no_channel": "{enterprise} 没有通知渠道，请致电：{subject}（{code}）超过预警值，时限 {window_min} 分钟。",
    "offered": "有新的任务等待您接单（严重程度 {severity}）。",
    "matter_joined": "您的任务新增一个事项（严重程度 {severity}），请确认。",
    "taken_by_other": "任务已由其他人员接单。",
    "breached_accept": "超过接单时限 {late_s} 秒。",
    "breached_arrive": "超过到场时限 {late_s} 秒。",
    "breached_handle": "超过处置时限 {late_s} 秒。",
    "escalated": "任务无人接单，已上报指挥中心。",
    "escalated_arrive": "任务无人到场，已上报。",
    "offer_lapsed": "改派的人员未在时限内接单，已另派他人。",
    "withdrawn": "任务已转给其他人员，您无需再处理。",
    "handover_asked": "有一项任务请您接手（严重程度 {severity}）。",
    "handover_declined": "对方未同意接手，任务仍由您负责。",
    "handed_over": "任务已由对方接手。",
    "task_ceased": "问题已自行消除，任务结束，无需到场。",
    "again_after_handled": "处置之后再次发现同一问题，请在核查时确认。",
    "done_handled": "任务已处置，等待核查。",
    "done_false_alarm": "任务被标为误报，等待核查。",
    "no_grid": "地点不在任何责任网格内，请指挥中心处理。",
    "no_officers": "责任班组 {team} 没有人员，请指挥中心处理。",
    "nobody_on_shift": "责任班组 {team} 当前无人值班，请指挥中心处理。",
    "all_declined": "责任班组 {team} 的值班人员均已拒单，请指挥中心处理。",
    "all_asked": "责任班组 {team} 的值班人员均已派过单，尚无人接单。",
    "all_busy": "责任班组 {team} 的值班人员都有任务在身，请指挥中心处理。",
    "no_lead": "责任班组 {team} 没有登记负责人。",
    "lead_declined": "责任班组 {team} 的负责人已拒单。",
    "unheard_no_channel": "{officer} 没有收到通知：页面未打开，也没有其他通知渠道，请电话联系。",
    "unheard_all_failed": "{officer} 没有收到通知：各通知渠道均未送达，请电话联系。",
    "enterprise_not_reached": "{enterprise} 的通知渠道未能送达，请致电：{subject}（{code}）超过预警值，时限 {window_min} 分钟。",
    "storm": "短时间内出现 {tasks} 个任务，进入集中处置：新情况每分钟汇总通知一次。",
    "storm_notices": "集中处置期间有新情况，请在页面查看。",
}
KEYS = frozenset(_TEXTS)
_KINDS = {
    "exceedance": "超标", "smoke": "冒烟", "burning": "焚烧", "dumping": "倾倒", "camera_fault": "摄像机故障",
    "data_fault": "数据异常",
}  # fmt: skip
_CLAUSE = re.compile("[（，。：]")


def text(key: str, params: Mapping[str, Param], *, drill: bool) -> str:
    """Raises KeyError for an unknown key; a value that is missing shows as a dash."""
    shown = defaultdict(lambda: "—", {k: str(v) for k, v in params.items() if v is not None})
    return (DRILL if drill else "") + _TEXTS[key].format_map(shown)


def short(key: str) -> str:
    """The first clause of a text, for counting; of one that begins with a name, the last. Raises KeyError."""
    clauses = [c for c in _CLAUSE.split(_TEXTS[key]) if c and "{" not in c]
    return clauses[0].strip() if clauses else "通知"


def about(task: int, facts: Mapping[str, Param]) -> str:
    """Which task, where and what: `facts` may have enterprise(_name), grid(_name) and kinds (with commas between)."""
    kinds = "、".join(_KINDS.get(kind, kind) for kind in str(facts.get("kinds") or "").split(",") if kind)
    enterprise = facts.get("enterprise_name") or facts.get("enterprise")
    parts = (f"任务 {task}", enterprise, facts.get("grid_name") or facts.get("grid"), kinds)
    return " · ".join(str(part) for part in parts if part)


def digest(count: int, counts: Mapping[str, int], *, drill: bool) -> str:
    """How many notices one message stands for, and of what."""
    listed = "，".join(f"{what} {n} 条" for what, n in counts.items())
    return f"{DRILL if drill else ''}共 {count} 条通知：{listed}。"
