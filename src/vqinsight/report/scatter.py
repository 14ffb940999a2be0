"""A scatter plot as PNG: predicted scores against labels, one mark per clip, with the figures in the title."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vqinsight.evaluation.metrics.logistic import Logistic
from vqinsight.report.phrases import printable

Colour = tuple[int, int, int]
_FINE = 3  # scale of supersampling for smooth edges
_WIDTH, _HEIGHT = 720, 600  # pixels
_LEFT, _TOP, _RIGHT, _BOTTOM = 74, 96, 24, 64  # margins; with a legend the right one is wider
_LEGEND = 170
_INK, _SOFT, _GRID, _PAPER = (27, 31, 36), (89, 97, 112), (226, 226, 220), (255, 255, 255)
_CURVE = (168, 38, 29)
# Okabe and Ito's colour-blind safe palette, without yellow, which is too light on white.
_COLOURS: tuple[Colour, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (110, 110, 110),
)
_REST = "others"
_LONGEST = 20  # letters of a name in the legend


@dataclass(frozen=True)
class Scatter:
    """The content of a plot.

    Attributes:
        title, subtitle: above the plot.
        across, up: names of the axes.
        x, y: (n,) values; pairs with a missing x are left out by the caller.
        range: the ends of both axes; ``None`` takes those of the values, for each axis.
        sources: (n,) generators of the clips; the six with most clips have their own colour.
        curve: from x to y, drawn over the marks.
    """

    title: str
    subtitle: str
    across: str
    up: str
    x: Sequence[float]
    y: Sequence[float]
    range: tuple[float, float] | None
    sources: Sequence[str | None]
    curve: Logistic | None = None


def draw_scatter(plot: Scatter) -> bytes:
    """The plot as PNG, 720 by 600 pixels."""
    names = _names(plot.sources)
    right = _LEGEND if names else _RIGHT
    image = Image.new("RGB", (_WIDTH * _FINE, _HEIGHT * _FINE), _PAPER)
    pen = _Pen(ImageDraw.Draw(image, "RGBA"))
    frame = _Frame(plot, right)
    for axis in (0, 1):
        for value in frame.ticks[axis]:
            pen.line([frame.at(value, axis, 0), frame.at(value, axis, 1)], _GRID, 1)
            pen.text(frame.label(value, axis), f"{value:g}", 14, _SOFT, "ma" if axis == 0 else "rm")
    if plot.range is not None:
        ends = plot.range
        pen.line([frame.spot(ends[0], ends[0]), frame.spot(ends[1], ends[1])], _SOFT, 1)
    radius = 4.5 if len(plot.x) <= 300 else 3.5 if len(plot.x) <= 1500 else 2.5
    colours = {name: _COLOURS[i] for i, name in enumerate(names)}
    for x, y, source in zip(plot.x, plot.y, plot.sources, strict=True):
        colour = colours.get(source or "", colours.get(_REST, _COLOURS[0]))
        pen.dot(frame.spot(x, y), radius, colour)
    if plot.curve is not None:
        grid = np.linspace(*frame.ends[0], 200)
        path = [frame.spot(x, y) for x, y in zip(grid, plot.curve(grid), strict=True) if frame.inside(y)]
        pen.line(path, _CURVE, 2)
    low, high = frame.ends
    pen.line([frame.spot(low[0], high[1]), frame.spot(low[0], high[0]), frame.spot(low[1], high[0])], _SOFT, 1.5)
    middle = (_LEFT + _WIDTH - right) / 2
    pen.text((middle, _HEIGHT - 14), plot.across, 16, _INK, "md")
    pen.text((_LEFT - 46, _TOP - 8), plot.up, 16, _INK, "ld")
    pen.text((20, 12), plot.title, 20, _INK, "la", room=_WIDTH - 40)
    pen.text((20, 37), plot.subtitle, 14, _SOFT, "la", room=_WIDTH - 40)
    for place, (name, colour) in enumerate(colours.items()):
        height = _TOP + 12 + 24 * place
        pen.dot((_WIDTH - right + 18, height), 5, colour, solid=True)
        shown = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "."
        pen.text((_WIDTH - right + 30, height), shown, 14, _INK, "lm")
    buffer = io.BytesIO()
    image.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


class _Pen:
    """Draws in the plot's pixels on a supersampled image."""

    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self._draw = draw

    def line(self, path: Sequence[tuple[float, float]], colour: Colour, width: float) -> None:
        if len(path) > 1:
            points = [(x * _FINE, y * _FINE) for x, y in path]
            self._draw.line(points, colour, round(width * _FINE), joint="curve")

    def dot(self, spot: tuple[float, float], radius: float, colour: Colour, *, solid: bool = False) -> None:
        x, y = spot
        box = [(x - radius) * _FINE, (y - radius) * _FINE, (x + radius) * _FINE, (y + radius) * _FINE]
        self._draw.ellipse(box, (*colour, 255 if solid else 140))

    def text(
        self, spot: tuple[float, float], text: str, size: int, colour: Colour, anchor: str, room: float | None = None
    ) -> None:
        shown = printable(text)
        font = ImageFont.load_default(size * _FINE)
        while room is not None and size > 9 and font.getlength(shown) > room * _FINE:
            size -= 1
            font = ImageFont.load_default(size * _FINE)
        self._draw.text((spot[0] * _FINE, spot[1] * _FINE), shown, colour, font, anchor)


class _Frame:
    """Maps values to pixels."""

    def __init__(self, plot: Scatter, right: float) -> None:
        self.ends = [plot.range or _padded(values) for values in (plot.x, plot.y)]
        self.ticks = [_ticks(*ends) for ends in self.ends]
        self._box = ((_LEFT, _WIDTH - right), (_HEIGHT - _BOTTOM, _TOP))

    def spot(self, x: float, y: float) -> tuple[float, float]:
        return self._place(x, 0), self._place(y, 1)

    def at(self, value: float, axis: int, end: int) -> tuple[float, float]:
        """A grid line's end: the value on its own axis, an end of the other."""
        other = self._box[1 - axis][end]
        return (self._place(value, 0), other) if axis == 0 else (other, self._place(value, 1))

    def label(self, value: float, axis: int) -> tuple[float, float]:
        x, y = self.at(value, axis, 0)
        return (x, y + 8) if axis == 0 else (x - 8, y)

    def inside(self, y: float) -> bool:
        return self.ends[1][0] <= y <= self.ends[1][1]

    def _place(self, value: float, axis: int) -> float:
        (low, high), (start, end) = self.ends[axis], self._box[axis]
        return start + (min(max(value, low), high) - low) / (high - low) * (end - start)


def _padded(values: Sequence[float]) -> tuple[float, float]:
    low, high = (min(values), max(values)) if len(values) else (0.0, 1.0)
    room = 0.05 * (high - low) or max(abs(high), 1.0) * 0.05
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    """Four to ten round values from end to end."""
    step = 10.0 ** np.floor(np.log10((high - low) / 4))
    step *= next(factor for factor in (5, 2, 1) if (high - low) / (step * factor) >= 4 or factor == 1)
    first = int(np.ceil(low / step - 1e-9))
    return [round(i * step, 12) for i in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def _names(sources: Sequence[str | None]) -> list[str]:
    """The legend: the sources with most clips, then the rest; nothing for a single one."""
    counts = Counter(source for source in sources if source is not None)
    if len(counts) < 2:
        return []
    room = len(_COLOURS) - 1
    names = sorted(name for name, _ in counts.most_common(room))
    return [*names, _REST] if len(counts) > room or len(counts) < len(set(sources)) else names
