/** Words for the named reasons of detectors (reason) and of dispatch (dispatch). */

export const reasons: Record<string, string> = {
  "reason.over_limit": "{code} {reading} {value} {unit}, over the limit of {limit} ({ratio} times the limit)",
  "reason.over_limit_held": "{code} {reading} held at {value} {unit}, limit {limit} ({ratio} times)",
  "reason.under_limit": "{code} {reading} {value} {unit}, below the lower limit of {limit}",
  "reason.under_limit_held": "{code} {reading} held at {value} {unit}, below the lower limit of {limit}",
  "reason.smoke_seen": "A plume of smoke that stays",
  "reason.camera_offline": "No picture from the camera: {cause}",
  "reason.station_silent": "The station sends no data",
  "reason.object_left": "Something was left on the ground, for {dwell_s} s so far",

  "dispatch.nearest": "Nearest of {candidates} on shift, {distance_m} m",
  "dispatch.team_lead": "Lead of the grid's team",
  "dispatch.no_grid": "The place lies in no grid",
  "dispatch.no_lead": "The grid's team has no lead",
  "dispatch.lead_declined": "The lead has declined",
  "dispatch.no_officers": "The grid's team has no officers",
  "dispatch.nobody_on_shift": "Nobody of the grid's team is on shift",
  "dispatch.all_declined": "Everybody on shift has declined",
  "dispatch.all_asked": "Everybody on shift has been asked",
  "dispatch.worse_matter": "A worse matter was added",
  "dispatch.not_accepted": "Nobody accepted",
};
