/** Cases as files. */
export const exports: Record<string, string> = {
  "export.title": "Evidence ZIP",
  "export.purpose": "Purpose",
  "export.take": "Export the evidence",
  "export.verify": "Verifier",
  "export.key": "Signed with key",
  "export.unsealed": "{count} entries are under no seal yet: export again after the full hour.",
  "export_purpose.case": "the case",
  "export_purpose.review": "a review",
  "export_purpose.complaint": "a complaint",
  "export_purpose.training": "training",
  "error.no_signing_key": "This server lacks the city's signing key",
  "error.disk_short": "The disk is too full to export",
};
