/** Cases as files. */
export const exports: Record<string, string> = {
  "export.title": "Evidence ZIP",
  "export.purpose": "Purpose",
  "export.take": "Export the evidence",
  "export.verify": "Verifier",
  "export.key": "Signed with key",
  "export.unsealed": "{count} {count|entry is|entries are} under no seal yet: export again after the full hour.",
  "error.no_signing_key": "This server lacks the city's signing key",
  "error.disk_short": "The disk is too full to export",
  "error.log_behind": "The log has not numbered the case's last events yet: export again in a moment",
};
