"""The numbers of the camera health rules. Levels are of luma 0-255, times in seconds.

No standard names such numbers (GB/T 28181 and GB 37300 only ask that faults are noticed): they are ours, set so that no
honest clip that we measured is found fault with; docs/reference/camera-health.md has the measurements.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    spacing_s: float = 3.5
    """Pictures closer together than this are not looked at: nothing here begins within a second."""
    quiet_s: float = 30.0
    """A fault is over when the camera was well for so long."""
    least_pictures: int = 10
    """However long a fault lasts, so many pictures must show it: a patrol camera is seen for a while only."""

    black_level: int = 32
    """Limited range begins at 16; sensor noise of a covered lens stays below this."""
    white_level: int = 228
    """Limited range ends at 235."""
    filled_share: float = 0.985
    """So much of the picture must be black (or white): what is left over may be a burnt-in clock."""
    filled_well_share: float = 0.9
    filled_normal_share: float = 0.5
    """What came suddenly came from a picture that had less of it than this."""
    black_after_s: float = 300.0
    overexposed_after_s: float = 300.0

    frozen_after_s: float = 300.0
    frozen_texture_levels: float = 2.0
    """A tile that is flatter may be coded the same twice although the sensor lives."""
    frozen_changed_share: float = 0.01
    """Share of a tile's pixels that may differ, by whatever, for the tile to be the same."""
    frozen_share: float = 0.5
    frozen_well_share: float = 0.2
    """Textured tiles that must be the same, and that may be by chance. Measured with x264: of a frozen picture with a clock in it
    half of the tiles are equal to the last bit, of one with noise of one level, ten times denoised, none."""

    sudden_pictures: int = 10
    """From normal to gone within so many pictures is a hand or a spray can; fog, dusk and dirt take longer."""
    lasting_s: float = 16 * 3600.0
    """What did not come suddenly counts when it outlasts any night and any fog."""

    structure_levels: float = 2.0
    """A tile has structure when neighbouring pixels of the smoothed 160-column picture differ by so much (root mean square)."""
    least_tiles: int = 12
    """Of 144: with fewer structured tiles a view says nothing about blur, covering and turning."""
    gone: float = 0.3
    """A tile has lost its structure when this share of it, or less, is left."""
    normal: float = 0.6
    """What came suddenly came from a picture that had this share of its structure."""
    covered_share: float = 0.9
    covered_well_share: float = 0.4
    """Tiles that must have lost their structure, and that may have when all is well."""
    covered_after_s: float = 180.0

    sharp_levels: float = 2.5
    """A tile has fine detail when neighbouring pixels differ by so much (root mean square, without noise)."""
    blurred: float = 0.6
    sharp: float = 0.75
    """Of four fifths of the tiles with detail, at most (at least) this share of their usual sharpness is left. The best fifth
    decides nothing: fog, rain and drops leave the near or the dry part sharp, and burnt-in text stays sharp in any blur.
    Measured: 1 and more in honest clips, 0.2-0.55 in blurred ones."""
    blurred_quantile: float = 0.8
    defocused_after_s: float = 900.0

    alike: float = 0.4
    """Correlation of a zone's edges with those it usually has."""
    turned_share: float = 0.25
    same_view_share: float = 0.4
    """Zones that are at most (at least) still alike when the view is another one (the same). Measured: 0.47-1 in honest clips, up
    to 0.16 in turned ones, up to 0.35 at night."""
    turned_after_s: float = 300.0
    adopt_s: float = 7 * 86_400.0
    """Another view that nobody has put right for so long is the view: it is learned, and the fault ends."""

    mature_s: float = 600.0
    """A reference is believed when it was learned for so long."""
    memory_s: float = 6 * 3600.0
    """Time constant with which it follows seasons and building sites."""
    step_limit_s: float = 10.0
    """A pause between pictures counts for so much learning at most."""
