"""How many questions an epoch has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from vqinsight.ranking.pairs_file import Pair, write_table
from vqinsight.settings.train import DataSettings, TrainSettings
from vqinsight.training.data import mixture


def test_an_epoch_asks_every_pair_in_both_orders(tmp_path: Path) -> None:
    pairs = []
    for number in range(6):
        win, lose = (tmp_path / f"{number}{name}.mp4" for name in "wl")
        win.touch()
        lose.touch()
        pairs.append(Pair(str(number), "a text", str(win), str(lose)))
    write_table(tmp_path / "pairs.jsonl", pairs)
    data = DataSettings(dataset="table", dir=tmp_path / "pairs.jsonl", task="compare")
    settings = TrainSettings(stage="temporal", out=tmp_path / "run", epochs=1, questions_per_update=4, data=(data,))
    asked = mixture(settings, ("compare",))
    assert len(asked) == 12
    shown = Counter((each.id, each.question.clips[0].path) for each in asked)
    assert len(shown) == 12 and set(shown.values()) == {1}
