/** Words for the named reasons of detectors (reason) and of dispatch (dispatch). */

export const reasons: Record<string, string> = {
  "reason.over_limit": "{code}{reading} {value} {unit}，超过限值 {limit}（{ratio} 倍）",
  "reason.over_limit_held": "{code}{reading}持续超标，达 {value} {unit}，限值 {limit}（{ratio} 倍）",
  "reason.smoke": "画面中出现持续烟羽",
  "reason.left_object": "地面出现滞留物",

  "dispatch.nearest_on_shift": "当班人员中距离最近",
  "dispatch.no_grid": "地点不在任何网格内",
  "dispatch.nobody_on_shift": "责任网格无当班人员",
};
