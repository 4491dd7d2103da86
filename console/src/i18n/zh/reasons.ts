/** Words for the named reasons of detectors (reason) and of dispatch (dispatch). */

export const reasons: Record<string, string> = {
  "reason.over_limit": "{code}{reading} {value} {unit}，超过限值 {limit}（为其 {ratio} 倍）",
  "reason.over_limit_held": "{code}{reading}持续超标，达 {value} {unit}，限值 {limit}（{ratio} 倍）",
  "reason.under_limit": "{code}{reading} {value} {unit}，低于下限 {limit}",
  "reason.under_limit_held": "{code}{reading}持续低于下限，达 {value} {unit}，下限 {limit}",
  "reason.smoke_seen": "画面中出现持续烟羽",
  "reason.camera_offline": "摄像机无画面：{cause}",
  "reason.station_silent": "监测点无数据上报",
  "reason.object_left": "地面出现滞留物，已停留 {dwell_s} 秒",

  "dispatch.nearest": "当班 {candidates} 人中距离最近，{distance_m} m",
  "dispatch.team_lead": "责任班组队长",
  "dispatch.no_grid": "地点不在任何网格内",
  "dispatch.no_lead": "责任班组没有队长",
  "dispatch.lead_declined": "队长已拒绝",
  "dispatch.no_officers": "责任班组没有人员",
  "dispatch.nobody_on_shift": "责任班组无人当班",
  "dispatch.all_declined": "当班人员均已拒绝",
  "dispatch.all_asked": "当班人员均已派过",
  "dispatch.worse_matter": "新增事项更严重",
  "dispatch.not_accepted": "无人响应",
};
