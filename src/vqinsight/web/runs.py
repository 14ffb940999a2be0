"""Runs: curves of every reward part, groups with all their answers, and alarms of a training run's folder."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from vqinsight.web.run_files import RunFiles, find_runs, read_run
from vqinsight.web.shared import Web

WIDTH, HEIGHT = 300, 80  # of a curve's own units


@dataclass(frozen=True)
class Curve:
    """One quantity over the steps: points in units of ``WIDTH`` and ``HEIGHT``, first and last step, values as text."""

    name: str
    points: str
    steps: tuple[int, int]
    low: str
    high: str
    last: str


def routes(web: Web) -> APIRouter:
    """``/runs``, and a run by its name in the query."""
    router = APIRouter()

    @router.get("/runs")
    async def page(request: Request, run: str | None = None) -> HTMLResponse:
        web.session(request)
        folder = web.shelf.folder
        names = await asyncio.to_thread(find_runs, folder) if folder else []
        if run is None:
            return web.page("runs.html", here="runs", names=names, run=None)
        if folder is None or run not in names:  # a path is never taken from the query
            raise HTTPException(404, "There is no run of this name in the folder.")
        found: RunFiles = await asyncio.to_thread(read_run, folder, run)
        curves = [curve(name, points) for name, points in found.curves.items()]
        return web.page("runs.html", here="runs", names=names, run=found, curves=curves)

    return router


def curve(name: str, points: list[tuple[float, float]]) -> Curve:
    """Layout of a quantity's curve; a constant one lies in the middle."""
    first, last = points[0][0], points[-1][0]
    points = points if len(points) > 1 else [*points, (points[0][0] + 1, points[0][1])]  # one value is a line, too
    steps, values = [step for step, _ in points], [value for _, value in points]
    low, high = min(values), max(values)
    across, up = max(steps[-1] - steps[0], 1e-9), high - low
    line = " ".join(
        f"{WIDTH * (step - steps[0]) / across:.1f},{HEIGHT * (1 - (value - low) / up) if up else HEIGHT / 2:.1f}"
        for step, value in points
    )
    figures = (f"{value:.4g}" for value in (low, high, values[-1]))
    return Curve(name, line, (int(first), int(last)), *figures)
