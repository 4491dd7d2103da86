"""Oxygen, as far as conversions to a reference (折算) ask for it."""

O2_OF_AIR_PERCENT = 21.0
O2_TOO_HIGH_PERCENT = 19.0
"""From here on the works stand still or the duct leaks air, and what we would convert says nothing (domain.md §4.6; the
number is common practice, not a standard's)."""
O2_AIR_PERCENT = 20.5
"""From here on the probe measures air, as far as analysers can tell (ours): nobody's conversion says anything."""
