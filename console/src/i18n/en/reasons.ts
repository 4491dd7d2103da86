/** Words for the named reasons of detectors (reason) and of dispatch (dispatch). */

export const reasons: Record<string, string> = {
  "reason.over_limit": "{code} {reading} {value} {unit}, over the limit of {limit} ({ratio} times)",
  "reason.over_limit_held": "{code} {reading} held at {value} {unit}, limit {limit} ({ratio} times)",
  "reason.smoke": "A plume of smoke that stays",
  "reason.left_object": "Something was left on the ground",

  "dispatch.nearest_on_shift": "Nearest officer on shift",
  "dispatch.no_grid": "The place lies in no grid",
  "dispatch.nobody_on_shift": "Nobody of the grid's team is on shift",
};
