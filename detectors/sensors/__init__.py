"""Rules over readings: limits now, the quality of data later."""
