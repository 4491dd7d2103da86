"""Metrics of the cameras."""

from prometheus_client import Counter, Gauge

LAST_FRAME_AGE = Gauge(
    "farwatch_camera_last_frame_age_seconds",
    "Since the last decoded picture, or since the watch began when there was none; NaN: not watched any more",
    ["camera"],
    multiprocess_mode="mostrecent",
)
FRAMES_DECODED = Counter("farwatch_camera_frames_decoded_total", "Pictures decoded", ["camera"])
RECONNECTS = Counter(
    "farwatch_camera_reconnects_total", "Sessions with a camera that ended and were tried again", ["camera"]
)
DROPPED_PICTURES = Counter(
    "farwatch_camera_dropped_pictures_total",
    "Pictures passed over because decoding could not keep up",
    ["camera"],
)
STREAM_TROUBLES = Counter(
    "farwatch_camera_stream_troubles_total",
    "What went wrong on the way from a camera, by kind",
    ["camera", "kind"],
)
DETECTOR_ERRORS = Counter("farwatch_detector_errors_total", "Pictures at which a detector failed")
UNDECODABLE = Counter(
    "farwatch_camera_undecodable_total", "Batches of frames that were not decodable", ["camera"]
)
REFUSED_REPORTS = Counter(
    "farwatch_camera_refused_reports_total",
    "Findings and evidence lost because the desk was full or the row not writable",
)
EVIDENCE_LOST = Counter(
    "farwatch_camera_evidence_lost_total", "Stills and clips that could not be kept", ["reason"]
)
SENDING_REFUSED = Counter(
    "farwatch_camera_sending_refused_total",
    "What the server did not take of a worker on another machine: evidence or picture, and why",
    ["what", "reason"],
)
WORKERS_REPLACED = Counter(
    "farwatch_camera_workers_replaced_total",
    "Camera processes that took over from one that hung, crashed or grew too big",
    ["reason"],
)
DECODERS_OPENED = Counter(
    "farwatch_camera_decoders_opened_total", "Decoders opened, in hardware or in software", ["kind"]
)
DECODE_REFUSED = Counter(
    "farwatch_camera_decode_refused_total",
    "Key frames that were looked at alone because the budget for more was used up, by what more was wanted for",
    ["want"],
)
DECODE_CPU = Counter(
    "farwatch_camera_decode_cpu_seconds_total",
    "CPU time of decoding and looking, by what was wanted",
    ["want"],
)
