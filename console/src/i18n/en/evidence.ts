/** What is said of evidence: clips and their copies, what was lost and why. */

export const evidence: Record<string, string> = {
  "task.copy_pending": "A copy that browsers can play is being made",
  "task.plays_copy": "This is a copy for browsers: the original is {codec} and unchanged.",
  "task.plays_not": "This browser does not play the original, {codec}.",
  "task.fetch_original": "Fetch the original",
  "task.evidence_purged": "No longer kept: {reason}",
  "evidence.key_distance": "key pictures every {seconds} s",
  "evidence.clock_offset": "arrived {seconds} s after",
  "evidence.cut_short": "ended early: {reason}",
  "codec.h264": "H.264",
  "codec.h265": "H.265",
  "codec.mjpeg": "MJPEG",
  "time_source.rtcp": "camera's clock",
  "time_source.receive": "time of arrival",
  "lost.disk_full": "too little room on the disk",
  "lost.copy_failed": "the copy could not be made",
  "lost.copy_too_slow": "making the copy took too long",
  "lost.original_purged": "the original is no longer kept",
  "lost.stream_changed": "the camera changed its stream",
  "health.disk_short": "Disk nearly full: stills only, no clips",
};
