"""Which pixels of a page are ink: a mask of mode L, 255 on letters, of a copy that is small enough to be searched."""

from __future__ import annotations

from itertools import accumulate

from PIL import Image, ImageChops, ImageFilter

from vlmcli.core import LoadedImage
from vlmcli.images.decode import pixels_of
from vlmcli.images.pages.desk import without_desk

SIDES_PX = (320, 2400)
"""Longer sides of the copies that are searched: for few large letters, and for a page of small ones. Of a page with 100
lines these are still 20 pixels apart on the larger one."""
_DARK_PAPER = 110
_FAINT = 12
"""Levels of grey below which nothing on a page is called ink, and nothing is called text."""
_STRAY_PIXELS = 8
"""Of millions, noise makes one or two as dark as ink; the smallest letter has more."""
_LEAST_CONTRAST, _MOST_CONTRAST = 28, 110
_NOISY, _GRAINY = 3.0, 6.0
_THICK_PX = 7
_RULE_PX = 64
"""Ink that goes on so far in one direction is a ruled line or a frame and no letter."""


def copy_of(image: LoadedImage, side_px: int) -> tuple[Image.Image, int]:
    """The page as grey, dark on light, without what lies around it, and by how much smaller it is."""
    factor = -(-max(image.width, image.height) // side_px)
    pixels = pixels_of(image)
    grey = (pixels.reduce(factor) if factor > 1 else pixels).convert("L")
    usual = _quantile(grey.histogram(), 0.5)
    if usual < _DARK_PAPER:
        grey, usual = ImageChops.invert(grey), 255 - usual
    return without_desk(grey, usual), factor


def is_plain(grey: Image.Image) -> bool:
    """Whether there is nothing on it at all, apart from noise and slow shadows."""
    depth = _depth(grey.filter(ImageFilter.GaussianBlur(1.5)))
    return sum(depth.histogram()[_FAINT + round(_noise(grey)) :]) <= _STRAY_PIXELS


def ink_of(grey: Image.Image) -> Image.Image:
    """The mask: darker than the paper around it by more than its noise; no specks, no ruled lines."""
    noise = _noise(grey)
    depth = _depth(grey.filter(ImageFilter.GaussianBlur(1.0)) if noise > _NOISY else grey)
    threshold = min(max(otsu(depth.histogram()), _LEAST_CONTRAST), _MOST_CONTRAST)
    mask = depth.point([0] * threshold + [255] * (256 - threshold))
    return _without_rules(_without_specks(mask))


def _depth(grey: Image.Image) -> Image.Image:
    """How much darker each pixel is than the paper around it, which is the lightest within some 20 pixels."""
    eighth = max(1, min(8, grey.width // 8, grey.height // 8))
    paper = grey.reduce(eighth).filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.GaussianBlur(2))
    return ImageChops.subtract(paper.resize(grey.size, Image.Resampling.BILINEAR), grey)


def _noise(grey: Image.Image) -> float:
    """The standard deviation of its noise, about: six of ten pixels are nearer than this to their neighbours.

    Half of the pixels would not do: on white paper half of the noise is cut off.
    """
    return 1.2 * _quantile(ImageChops.difference(grey, grey.filter(ImageFilter.MedianFilter(3))).histogram(), 0.6)


def without_grain(page: Image.Image) -> Image.Image:
    """Each pixel the middle one of the nine around it, where the page is as noisy as a bad scan."""
    return page.filter(ImageFilter.MedianFilter(3)) if _noise(page.convert("L")) > _GRAINY else page


def _without_specks(mask: Image.Image) -> Image.Image:
    """Only ink with ink beside it: at least three pixels of nine."""
    crowd = mask.filter(ImageFilter.BoxBlur(1)).point([0] * 80 + [255] * 176)
    return ImageChops.darker(mask, crowd)


def _without_rules(mask: Image.Image) -> Image.Image:
    if max(mask.size) <= SIDES_PX[0]:
        return mask  # there it may be a stroke of a large letter
    for step in ((_RULE_PX, 1), (1, _RULE_PX)):
        if mask.width < step[0] or mask.height < step[1]:
            continue
        runs = mask.reduce(step).point([0] * 235 + [255] * 21).resize(mask.size, Image.Resampling.NEAREST)
        if not runs.getbbox():
            continue
        thick = runs.filter(ImageFilter.MinFilter(_THICK_PX)).filter(ImageFilter.MaxFilter(_THICK_PX + 2))
        runs = ImageChops.subtract(runs, thick)
        if runs.getbbox():
            reach = 2 * _RULE_PX + 1  # to the ends of the rule, which lie within the next steps
            along = _widened(runs, step, reach)
            mask = ImageChops.subtract(mask, ImageChops.darker(along, mask))
    return mask


def _widened(runs: Image.Image, step: tuple[int, int], reach: int) -> Image.Image:
    """Each run longer by half of `reach` at both ends, and thicker by a pixel."""
    small = runs.reduce(step).point([0] + [255] * 255)
    longer = ImageChops.lighter(small, ImageChops.lighter(_shifted(small, step, 1), _shifted(small, step, -1)))
    return longer.resize(runs.size, Image.Resampling.NEAREST).filter(ImageFilter.MaxFilter(3))


def _shifted(image: Image.Image, step: tuple[int, int], by: int) -> Image.Image:
    moved = Image.new("L", image.size)
    moved.paste(image, (by, 0) if step[0] > 1 else (0, by))
    return moved


def _quantile(histogram: list[int], share: float) -> int:
    enough = share * sum(histogram)
    return next(level for level, below in enumerate(accumulate(histogram)) if below >= enough)


def otsu(histogram: list[int]) -> int:
    """The level that parts a histogram into two heaps, each as narrow as can be."""
    total, weighted = sum(histogram), sum(level * count for level, count in enumerate(histogram))
    best, best_level, below, below_weighted = -1.0, 0, 0, 0
    for level, count in enumerate(histogram[:-1]):
        below += count
        below_weighted += level * count
        if not below or below == total:
            continue
        apart = below_weighted / below - (weighted - below_weighted) / (total - below)
        if (variance := below * (total - below) * apart * apart) > best:
            best, best_level = variance, level + 1
    return best_level
