/** The HTTP API's contract (v1). Times are RFC 3339, UTC. */

import type { Zone } from "./cameraTypes";
import type { CaseState } from "./caseTypes";
import type { NoticeWay } from "./noticesTypes";

export type Role = "centre" | "officer" | "bureau" | "admin";
export type Kind = "exceedance" | "smoke" | "burning" | "dumping" | "camera_fault" | "data_fault";
export type TaskState = "open" | "offered" | "accepted" | "arrived" | "handled" | "verified" | "closed";
export type DeadlineState = "pending" | "met" | "breached" | "cancelled";
export type EvidenceKind = "still" | "still_marked" | "clip" | "clip_copy" | "readings" | "photo";
export type ReadingKind = "rtd" | "min" | "hour" | "day";
export type Verb = "accept" | "decline" | "arrive" | "handle" | "false-alarm" | "verify" | "close" | "reassign" | "hand-over" | "excuse";

export type Param = string | number | boolean | null | undefined;
export type Params = Record<string, Param>;

export interface Session {
  name: string;
  role: Role;
  officer: string | null;
}

export interface LatLon {
  lat: number;
  lon: number;
}

export interface Fix extends LatLon {
  accuracy_m: number;
}

export interface Reason {
  key: string;
  params: Params;
}

export interface Deadline {
  due_at: string;
  state: DeadlineState;
  /** A breach that somebody excused; it stays one. */
  excused_at?: string;
  excused_by?: string;
  excuse?: string;
}

export interface Named {
  id: string;
  name: string;
}

export interface Evidence {
  id: string;
  kind: EvidenceKind;
  state: "pending" | "stored" | "lost" | "purged";
  sha256: string | null;
  sm3?: string | null;
  claimed_at?: string;
  url: string | null;
  media_type: string;
  derived_from: string | null;
  captured_at: string | null;
  reason?: string | null;
  camera: string | null;
  size_bytes: number | null;
  details: EvidenceDetails;
}

/** What is known of a picture or clip, each only where it is. */
export interface EvidenceDetails {
  codec?: string;
  width?: number;
  height?: number;
  duration_s?: number;
  frames?: number;
  key_distance_s?: number;
  cut_short?: string;
  time_source?: "rtcp" | "receive";
  camera_clock_at?: string;
  clock_offset_s?: number;
  certificate?: string;
  certificate_until?: string;
  certificate_expired?: boolean;
  sm3_later?: boolean;
  late?: boolean;
}

export interface Matter {
  id: number;
  fingerprint: string;
  kind: Kind;
  station?: string | null;
  camera?: string | null;
  code?: string | null;
  zone?: string | null;
  /** Its own: a visit may be to several places. */
  place?: LatLon;
  event_at: string;
  found_at: string;
  accepted_at: string | null;
  /** Since when somebody is, or was, at its place. */
  arrived_at?: string | null;
  /** Its findings ended and stayed away. */
  ceased_at?: string | null;
  closed_at?: string | null;
  closed_reason?: string | null;
  severity: number;
  reason: Reason;
  /** How often it was found, and when last. */
  occurrences?: number;
  last_found_at?: string;
  was_silenced?: boolean;
  confirmed_by?: number[];
  deadlines?: { accept: Deadline | null; arrive?: Deadline | null };
  evidence: Evidence[];
}

/** The moments t1-t8 of a task; null while it has not come to that. */
export interface TaskTimes {
  opened_at: string;
  dispatched_at: string | null;
  delivered_at: string | null;
  accepted_at: string | null;
  arrived_at: string | null;
  handled_at: string | null;
  verified_at: string | null;
  closed_at: string | null;
}

export interface Task extends TaskTimes {
  id: number;
  kinds: Kind[];
  state: TaskState;
  place: LatLon;
  grid: string | null;
  officer: string | null;
  enterprise: Named | null;
  severity: number;
  outcome: "handled" | "false_alarm" | "ceased" | null;
  drill_id: string | null;
  dispatch: Reason | null;
  offered_to: string[];
  declined_by?: string[];
  /** Asked to take it over from `officer`. */
  handover_to?: string | null;
  closed_reason?: string | null;
  /** The earlier and the later task of the same business. */
  reopened_from?: number | null;
  followed_by?: number | null;
  storm?: number | null;
  deadlines: { accept: Deadline | null; arrive: Deadline | null; handle?: Deadline | null };
  matters: Matter[];
}

export interface TimelineEntry {
  n: number;
  at: string;
  type: string;
  actor: string | null;
  detail: Params;
}

export interface Notice {
  id: number;
  step: string;
  channel: string;
  target: string;
  message: Reason;
  state: string;
  attempts: number;
  created_at: string;
  sent_at: string | null;
}

export interface TaskDetail extends Task {
  /** Whoever asked may excuse its missed clocks. */
  may_excuse: boolean;
  /** Null for officers. */
  case?: CaseState | null;
  timeline: TimelineEntry[];
  photos: Evidence[];
  notices: NoticeWay[];
}

export interface Page<T> {
  items: T[];
  next: string | null;
}


export interface ChannelLimit {
  kind: ReadingKind;
  limit: number | null;
  converted?: boolean;
  lower?: number | null;
  /** `HH:MM-HH:MM` in Asia/Shanghai; empty: always. */
  schedule?: string;
  source?: string;
  unverified?: boolean;
}

export interface Channel {
  code: string;
  unit: string;
  role?: string;
  registered?: boolean;
  limits: ChannelLimit[];
  latest: { ts: string; kind: ReadingKind; value: number; converted: number | null; flag: string } | null;
}

export interface Station {
  mn: string;
  name: string;
  enterprise: Named | null;
  medium: string;
  place: LatLon;
  drill: boolean;
  o2_reference_percent?: number | null;
  clock?: { offset_s: number; spread_s: number; measured_at: string } | null;
  link?: { way: string; dialect: number; checksum: string; heard_at: string } | null;
  channels: Channel[];
}

export interface Camera {
  id: string;
  name: string;
  enterprise: Named | null;
  place: LatLon;
  heading_deg: number | null;
  drill: boolean;
  state: "online" | "resting" | "offline" | "unknown";
  reason: string | null;
  last_frame_at: string | null;
  still_url: string;
  zones: Zone[];
}

export interface Officer {
  id: string;
  name: string;
  team: string;
  on_shift: boolean;
  /** `at`, `age_s`: when he was there. */
  place: (Fix & { at: string; age_s: number; source: "page" | "osmand" }) | null;
  open_tasks: number;
  skills: string[];
  device: boolean;
}

export interface Grid {
  id: string;
  name: string;
  team: string;
}

export interface Reading {
  ts: string;
  value: number;
  converted: number | null;
  minimum?: number | null;
  maximum?: number | null;
  flag: string;
  late: boolean;
  received_at?: string;
  revision: number;
}

export interface Readings extends Page<Reading> {
  unit: string;
  limits: ChannelLimit[];
}

export interface Warning {
  finding_id: string;
  fingerprint: string;
  station: string;
  code: string;
  enterprise: Named | null;
  told_at: string;
  window_ends_at: string;
  state: string;
  decided_at: string | null;
  /** By which messenger it was told; null: nobody could be reached but by telephone. */
  channel: string | null;
  reminded_at: string | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  answer: string | null;
  reason: Reason | null;
}

export interface Figures {
  since: string;
  opened: number;
  open: number;
  closed: number;
  by_kind: Partial<Record<Kind, number>>;
  accepted_within_5min_share: number | null;
  arrived_within_10min_share: number | null;
  response_p50_s: number | null;
  response_p90_s: number | null;
  false_alarms: number;
  readings: number;
  cameras_online: number;
  cameras_total: number;
  stations_reporting: number;
  stations_total: number;
}

/** A channel that gets every event of the log: how many wait for it, since when, and how many it refused for good. */
export interface EventWebhook {
  name: string;
  behind: number;
  behind_s: number;
  aside: number;
  aside_at: string | null;
}

export interface Status {
  now: string;
  engine_tick_age_s: number | null;
  intake_age_s: number | null;
  clock_offset_s: number | null;
  roles: Record<string, unknown>;
  evidence_free_bytes: number;
  evidence_short: boolean;
  /** Cameras that no worker watches. */
  cameras_unwatched: number;
  event_webhooks: EventWebhook[];
}

export interface LogEvent {
  n: number;
  type: string;
  at: string;
  task: number | null;
  actor: string | null;
  [detail: string]: unknown;
}

export interface ActionBody {
  client_id: string;
  at: string;
  position?: Fix;
  note?: string;
  reason?: string;
  to?: string;
  deadline?: "accept" | "arrive" | "handle";
  matter?: number;
}

export interface ActionResult {
  result: "done" | "repeated";
  task: TaskDetail;
}
