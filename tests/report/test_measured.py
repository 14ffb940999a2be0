"""Measured clips: rows, texts, the page, and values over time."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers import records
from helpers.measured import measured
from report.test_html import HOSTILE, Page
from rich.console import Console

from vqinsight.measure.reference import Fidelity
from vqinsight.measure.stills import Still, defects
from vqinsight.measure.types import Moment
from vqinsight.report import measured_phrases, timeline
from vqinsight.report.html import render
from vqinsight.report.measured import ClipMeasurement, measured_table
from vqinsight.report.measured_page import defect_charts, render_measured
from vqinsight.report.measured_text import show_measurements
from vqinsight.report.phrases import moment

CLOSE = Fidelity("ref.mp4", 34.2, 0.9312, None, 46, 2, Moment(1.2, 1.25, 30.1))
SAME = replace(CLOSE, psnr=np.inf, ssim=1.0, unmatched=0, lowest=Moment(0, 0.04, np.inf))


def measurement(path: str = "a.mp4", **settings: float) -> ClipMeasurement:
    still = Still("blur", "strong", 1.5, 0.7, records.jpeg(1))
    return ClipMeasurement(path, "ok", None, measured(path, **settings), CLOSE, (still,))  # type: ignore[arg-type]


UNREADABLE = ClipMeasurement("bad.mp4", "unreadable", "bad.mp4: no such file. Check the path.", None)


def test_moments_are_times() -> None:
    assert [moment(1.2), moment(1.2, 1.444), moment(125.16), moment(3725.0), moment(59, 61.5)] == [
        "1.20 s", "1.20–1.44 s", "2:05.2", "1:02:05.0", "0:59.0–1:01.5",
    ]  # fmt: skip


def test_what_is_seen_comes_most_severe_first() -> None:
    clip = measured("a.mp4")
    assert [each.quantity.key for each in defects(clip)] == ["blur", "flicker"]
    assert measured_phrases.seen(clip) == "strong blur at 1.00 s; at moments: flicker at 1.50 s"
    assert measured_phrases.seen(measured("a.mp4", blur=0.1)) == "at moments: flicker at 1.50 s"
    whole = replace(clip.values["blur"], worst=(Moment(0.0, 2.0, 0.7),))
    assert "strong blur; at" in measured_phrases.seen(replace(clip, values={**clip.values, "blur": whole}))
    assert measured_phrases.moments(whole, clip) == "throughout"


def test_the_plain_dict_has_everything_but_frames() -> None:
    plain = json.loads(json.dumps(measurement().as_dict(), allow_nan=False))
    assert plain["measurements"]["blur"] == {
        "value": 0.7, "missing": None, "unit": "", "kind": "spatial", "severity": "strong",
        "worst": [{"start": 1.0, "end": 2.0, "value": 0.7}],
    }  # fmt: skip
    banding = plain["measurements"]["banding"]
    assert banding["value"] is None and banding["missing"] == "all frames are of one colour"
    assert plain["cuts"] == [1.0] and plain["fidelity"]["ssim"] == 0.9312 and "stills" not in plain
    same = json.loads(json.dumps(replace(measurement(), fidelity=SAME).as_dict(), allow_nan=False))
    assert same["fidelity"]["psnr"] is None and same["fidelity"]["identical"] is True


def test_rows_have_values_severities_and_times() -> None:
    columns, rows = measured_table([measurement(), UNREADABLE, replace(measurement(), fidelity=SAME)])
    assert set().union(*rows) <= set(columns)
    first, bad, same = rows
    assert (first["blur"], first["blur_severity"], first["blur_at"]) == (0.7, "strong", 1.0)
    assert first["banding"] is None and json.loads(first["missing"]) == {"banding": "all frames are of one colour"}
    assert first["psnr"] == 34.2 and (first["compared"], first["unmatched"]) == (46, 2)
    assert bad == {"path": "bad.mp4", "status": "unreadable", "error": UNREADABLE.error}
    assert same["psnr"] is None and same["identical"] and "motion_severity" not in columns


def printed(*items: ClipMeasurement, width: int = 80, verbose: bool = False) -> str:
    console = Console(width=width, markup=False, highlight=False, emoji=False, force_terminal=False)
    with console.capture() as capture:
        show_measurements(console, items, verbose=verbose)
    return capture.get()


def test_one_clip_is_a_table_of_80_columns() -> None:
    text = printed(measurement())
    assert max(map(len, text.splitlines())) <= 80
    assert "blur" in text and "0.7" in text and "strong" in text and "1.00–2.00 s" in text
    assert "not measured:" in text and "12.3 % of width a second" in text
    flat = " ".join(text.split())
    assert "Against ref.mp4: PSNR 34.20 dB, lowest 30.10 dB at 1.20 s; SSIM 0.9312; 46 frames compared" in flat
    assert "2 have no reference frame at their time" in flat
    assert "all 48 frames, 2.00 s, cuts at 1.00 s" in text and "! odd header" in text
    assert "lost detail" not in text and "lost detail" in printed(measurement(), width=120)
    assert "identical (PSNR infinite, SSIM 1)" in printed(replace(measurement(), fidelity=SAME))


def test_many_clips_are_a_line_each() -> None:
    text = printed(*(measurement(f"c{number}.mp4") for number in range(8)), UNREADABLE)
    assert text.count(": strong blur at 1.00 s; at moments: flicker") == 8 and "not measured" not in text
    assert "✗ bad.mp4 unreadable: no such file. Check the path." in text
    assert text.rstrip().endswith("9 clips: 8 ok, 1 unreadable.")
    assert printed(*(measurement(f"c{number}.mp4") for number in range(8)), verbose=True).count("not measured") == 8


def test_the_page_is_complete_and_harmless() -> None:
    hostile = replace(measurement(f"{HOSTILE}.mp4"), path=f"{HOSTILE}.mp4")
    text = render_measured([measurement(), hostile, UNREADABLE], command="vqinsight measure")
    page = Page(text)
    assert not page.all("script") and "onerror" not in [key for _, found in page.tags for key in found]
    assert len(page.all("img")) == 2 == text.count('src="data:image/jpeg;base64,')
    assert len(page.all("polyline")) == 4 and "1.50 s" in page.text and "no such file" in page.text
    assert next(each for each in page.all("line") if each["class"] == "cut")["x1"] == "50.0%"
    assert "bad.mp4" in Page(render_measured([UNREADABLE], None)).text


def test_a_chart_holds_the_greatest_value_of_its_share_of_frames() -> None:
    times, values = np.arange(8000) / 100, np.zeros(8000)
    values[4321] = 5.0
    (points,) = timeline.line(times, values, 80.0, 10.0)
    heights = [(float(x), float(y)) for x, y in (point.split(",") for point in points.split())]
    assert len(heights) <= 2 * 400 and min(y for _, y in heights) == 50.0
    assert {x for x, y in heights if y == 50.0} == {540.0, 542.5}  # 43.2 to 43.4 of 80 s
    values[2000:3000] = np.nan
    assert len(timeline.line(times, values, 80.0, 10.0)) == 2
    assert timeline.line(np.array([0.0, 1.0]), np.array([np.nan, 5.0]), 4.0, 10.0) == ("250.0,50.0 1000.0,50.0",)


def test_charts_mark_levels_moments_and_cuts() -> None:
    blur, flicker = defect_charts(measured("a.mp4"))
    assert (blur.name, blur.summary, blur.cuts) == ("blur", "0.7, strong", (50.0,))
    assert [name for _, name in blur.levels] == ["slight", "strong"]  # visible is too near to be read
    assert blur.moments[0].x == 50 and blur.moments[0].width == 50 and blur.moments[0].label == "1.00–2.00 s"
    assert flicker.moments[0].label == "1.50 s" and flicker.moments[0].width == pytest.approx(100 / 48)
    near = timeline.marks([(1.0, 1.1, ""), (1.2, 1.3, ""), (0.0, 0.1, ""), (9.9, 10.0, "")], 10.0)
    assert [each.label for each in near] == ["1.00 s", "", "", "9.90 s"] and near[3].anchor == "end"


def test_scores_of_windows_are_charts() -> None:
    values = [70.0, 60.0, 20.0, 80.0, 75.0, 50.0]
    scores = [records.score(f"a.mp4#t={10 * i},{10 * i + 10}", (value,)) for i, value in enumerate(values)]
    scores[4] = records.unreadable("a.mp4#t=40,50")
    (file,) = timeline.scored_files([records.score("b.mp4"), *scores])
    assert file.summary() == "6 windows, overall median 60.0, lowest 20.0 at 20.00–30.00 s" and file.lowest == (4, 7, 3)
    (chart,) = timeline.score_charts(file)
    assert chart.summary == "from 20.0 to 80.0 on 0–100"
    assert [line.split()[0] for line in chart.lines] == ["0.0,30.0", "833.3,50.0"]
    assert [each.label for each in chart.moments] == ["20.00 s", "50.00 s", "10.00 s"]
    page = Page(render(scores, None, None))
    assert "Over time" in page.text and len(page.all("polyline")) == 2
    ids = [found["id"] for _, found in page.tags if (found.get("id") or "").startswith("clip-")]
    assert sorted(ids) == [f"clip-{number}" for number in range(1, 7)]  # a card or a row


def test_windows_have_columns() -> None:
    from vqinsight.report.rows import table

    columns, rows = table([records.score("a.mp4#t=0,10"), records.score("b.mp4")])
    assert list(columns)[:5] == ["path", "file", "start", "end", "prompt"]
    assert (rows[0]["file"], rows[0]["start"], rows[0]["end"]) == ("a.mp4", 0, 10) and "file" not in rows[1]
    assert "file" not in table([records.score("b.mp4")])[0]
