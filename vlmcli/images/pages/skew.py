"""By how many degrees the lines of a page are off the level, by projection profiles.

The right angle is the one at which rows of ink and rows of paper part most sharply.
"""

from __future__ import annotations

import math
from itertools import pairwise

from PIL import Image

MOST_DEGREES = 3.5
_COARSE, _FINE = 0.5, 0.1
_SIDE_PX = 1100
_LEAST_DEGREES = 0.12
"""What is less is left: turning blurs, and over a page it is a fraction of a line."""


def find_skew(ink: Image.Image) -> float:
    """Degrees by which the page must be turned counterclockwise to be straight; 0.0 where it is, or cannot be known."""
    small = ink.reduce(max(1, max(ink.size) // _SIDE_PX))
    coarse = [i * _COARSE for i in range(-round(MOST_DEGREES / _COARSE), round(MOST_DEGREES / _COARSE) + 1)]
    about = max(coarse, key=lambda degrees: _sharpness(small, degrees))
    fine = [about + i * _FINE for i in range(-5, 6)]
    scores = [_sharpness(small, degrees) for degrees in fine]
    at = scores.index(max(scores))
    degrees = fine[at]
    if 0 < at < len(fine) - 1:
        degrees += _FINE * _peak(*scores[at - 1 : at + 2])
    level = _sharpness(small, 0.0)
    return degrees if abs(degrees) >= _LEAST_DEGREES and scores[at] > 1.02 * level else 0.0


def _sharpness(ink: Image.Image, degrees: float) -> float:
    """How much neighbouring rows differ when the columns are shifted as a turn by `degrees` would."""
    slope = math.tan(math.radians(degrees))
    shear = (1, 0, 0, slope, 1, -slope * ink.width / 2)
    rows = ink.transform(ink.size, Image.Transform.AFFINE, shear, Image.Resampling.NEAREST)
    profile = rows.resize((1, ink.height), Image.Resampling.BOX).tobytes()
    return float(sum((a - b) ** 2 for a, b in pairwise(profile)))


def _peak(before: float, top: float, after: float) -> float:
    """Where a parabola through three neighbouring values has its top, from -0.5 to 0.5 around the middle one."""
    bend = before - 2 * top + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


def turned(point: tuple[float, float], degrees: float, size: tuple[int, int]) -> tuple[float, float]:
    """Where a point of the straightened page (turned by `degrees`) was before."""
    cx, cy = size[0] / 2, size[1] / 2
    angle = math.radians(degrees)
    x, y = point[0] - cx, point[1] - cy
    return cx + x * math.cos(angle) - y * math.sin(angle), cy + x * math.sin(angle) + y * math.cos(angle)
