"""The review of hours and days from rows: what is due, judged, written (docs/decisions/0030)."""
