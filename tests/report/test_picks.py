"""Which clips are shown in which order, and which pass a bar: only overall scores of the same dimensions compare."""

from __future__ import annotations

from helpers import records

from vqinsight.report.picks import Picks, overall, overall_of_row
from vqinsight.report.rows import table

WHY = {"temporal": "one frame cannot show motion"}
CLIPS = [
    records.score("whole_50.mp4", (50.0, 50.0)),
    records.score("part_90.mp4", (90.0, 0.0), lacking=WHY),
    records.score("whole_70.mp4", (70.0, 70.0)),
    records.missing("mute.mp4"),
    records.score("part_40.mp4", (40.0, 0.0), lacking=WHY),
    records.score("whole_60.mp4", (60.0, 60.0)),
]


def names(picks: Picks) -> list[str]:
    return [clip.path.removesuffix(".mp4") for clip in picks.apply(CLIPS, overall)]


def test_clips_are_ordered_within_their_dimensions() -> None:
    assert names(Picks(sort=True)) == ["whole_70", "whole_60", "whole_50", "part_90", "part_40", "mute"]
    assert names(Picks(worst=1)) == ["whole_50", "part_40", "mute"]
    assert names(Picks()) == [clip.path.removesuffix(".mp4") for clip in CLIPS]


def test_a_missing_score_never_passes_a_bar() -> None:
    bar = Picks(below=45)
    assert [bar.fails(overall(clip)) for clip in CLIPS] == [False, True, False, True, True, False]
    assert not Picks().fails(overall(CLIPS[3]))


def test_rows_are_picked_as_records_are() -> None:
    _, rows = table(CLIPS)
    assert [overall_of_row(row) for row in rows] == [overall(clip) for clip in CLIPS]
