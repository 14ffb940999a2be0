"""The cost of judging, against plain ways that give the same answers: python -m benchmarks.performance.judging.

* ``folder``: 64 clips, 4 of them bad, scored. Against a script that takes them one by one: it decodes a clip and calls
  transformers' ``generate`` with its pixels. The floor is decoding alone, and the floating-point operations of tower,
  prompts and answers at the rate of a matrix product of as many rows.
* ``rank``: 10 clips, all 45 pairs in both orders. Against 45 comparisons on their own, against encoding a clip at each
  of its 180 places in the questions, and against prompts that are each forwarded whole.
* ``questions``: ten about one clip, together and one by one.

Seconds are of wall-clock and of processor time; of several repeats the median and the extremes. A row that the file
has is not measured again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.performance.speed import RANKED, film
from benchmarks.performance.step import rate
from benchmarks.performance.step_flows import Clock
from benchmarks.results import keep
from vqinsight.assessor import prefill
from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.backbone import keep_accepted_kwargs, language_backbone, language_head
from vqinsight.assessor.clips import ClipLoader
from vqinsight.assessor.prompting import collate
from vqinsight.assessor.vision import EncodedClip, EncodedView, pixels
from vqinsight.errors import UnreadableVideo
from vqinsight.inference.api import VQInsight, load
from vqinsight.inference.batches import BATCH, default_task
from vqinsight.ranking.judge import both_orders
from vqinsight.ranking.tally import all_pairs
from vqinsight.results import ClipComparison
from vqinsight.tasks.types import Clip, Question
from vqinsight.video.preprocess import ProcessedClip

CLIPS, BAD, QUESTIONS = 64, 4, 10
_SIZES = ((320, 180), (180, 320), (240, 240), (426, 240), (480, 200))
_DISTINCT = 10  # films of the folder; the others are copies
_ASKED = 32  # questions that are asked together

Row = dict[str, Any]


class Timer:
    """Wall-clock and processor seconds of ways to do the same."""

    def __init__(self, repeats: int) -> None:
        self._repeats = repeats
        self.ways: dict[str, dict[str, list[float]]] = {}

    def __call__(self, name: str, work: Callable[[], Any]) -> Any:
        """The last result of the work."""
        spent: dict[str, list[float]] = {"wall_s": [], "cpu_s": []}
        for _ in range(self._repeats):
            wall, cpu = time.perf_counter(), time.process_time()
            found = work()
            spent["wall_s"].append(time.perf_counter() - wall)
            spent["cpu_s"].append(time.process_time() - cpu)
        self.ways[name] = spent
        print(name, {key: round(statistics.median(values), 2) for key, values in spent.items()}, flush=True)
        return found

    def row(self, **facts: Any) -> Row:
        """The median of each way, the lowest and the highest of its repeats, and what was found."""
        ways = {
            name: {key: {"median": statistics.median(v), "low": min(v), "high": max(v)} for key, v in spent.items()}
            for name, spent in self.ways.items()
        }
        return {"repeats": self._repeats, "ways": ways, **facts}


def folder(judge: VQInsight, place: Path, timer: Timer) -> Row:
    """64 clips of several sizes, 4 of them bad."""
    paths = _films(place)
    assessor = judge.assessor
    judge.score(paths[0])  # loads what is imported late
    records = timer("ours", lambda: list(judge.score_all((path, None) for path in paths)))
    plain = timer("one by one", lambda: [_one(assessor, path) for path in paths])
    clips = timer("decoding", lambda: [assessor.clips.try_load(path) for path in paths])
    texts = [record.replies[0].text if record.replies else None for record in records]
    good = [clip for clip in clips if isinstance(clip, ProcessedClip)]
    words = [assessor.loaded.tokenizer(text)["input_ids"] for text in texts if text is not None]
    return timer.row(
        clips=CLIPS,
        failed=sum(record.status != "ok" for record in records),
        answers_differ=sum(mine != theirs for mine, theirs in zip(texts, plain, strict=True)),
        answer_tokens=sum(map(len, words)) + len(words),
        products_cpu_s=_products(assessor, good, sum(map(len, words)) + len(words)),
    )


def rank(judge: VQInsight, place: Path, timer: Timer) -> Row:
    """10 clips in both orders."""
    paths = []
    for number in range(RANKED):
        paths.append(str(place / f"ranked{number}.mp4"))
        film(Path(paths[-1]), 1, 320, 180, fps=12, seed=number)
    judge.rank(paths[:2])  # loads what is imported late
    before = judge.assessor.tower.clips_encoded
    ours = timer("ours", lambda: judge.rank(paths)).comparisons
    encoded = (judge.assessor.tower.clips_encoded - before) // len(timer.ways["ours"]["wall_s"])
    pairs = all_pairs(RANKED)
    apart = timer("compared apart", lambda: [judge.compare(paths[i], paths[j]) for i, j in pairs])
    texts = timer("encoded at each place", lambda: _encoding_each(judge.assessor, paths))
    with patch.object(prefill, "common_starts", lambda *_: None):
        whole = timer("prompts forwarded whole", lambda: judge.rank(paths)).comparisons
    said = [_texts(ours), _texts(apart), texts, _texts(whole)]
    return timer.row(
        clips=RANKED,
        pairs=len(ours),
        clips_encoded=encoded,
        answers_differ=sum(any(each != mine for each in others) for mine, *others in zip(*said, strict=True)),
    )


def _texts(comparisons: Iterable[ClipComparison]) -> list[list[str]]:
    return [[reply.text for reply in (*pair.forward, *pair.swapped)] for pair in comparisons]


def questions(judge: VQInsight, place: Path, timer: Timer) -> Row:
    """Ten questions about one clip; counts are of the first way."""
    clip = str(place / "asked.mp4")
    film(Path(clip), 2, 320, 180, fps=12)
    texts = [f"Is the clip sharp at second {number / 5:.1f}?" for number in range(QUESTIONS)]
    with patch.object(ClipLoader, "load", autospec=True, side_effect=ClipLoader.load) as loads:
        before = judge.assessor.tower.clips_encoded
        together = judge.ask_about(clip, texts)
        counts = {"decoded": loads.call_count, "encoded": judge.assessor.tower.clips_encoded - before}
    timer("ours", lambda: judge.ask_about(clip, texts))
    alone = timer("one by one", lambda: [judge.ask(clip, text) for text in texts])
    return timer.row(
        questions=QUESTIONS, answers_differ=sum(a != b for a, b in zip(together, alone, strict=True)), **counts
    )


ROWS: dict[str, Callable[[VQInsight, Path, Timer], Row]] = {"folder": folder, "rank": rank, "questions": questions}


def _films(place: Path) -> list[str]:
    made = []
    for number in range(_DISTINCT):
        made.append(place / f"film{number}.mp4")
        width, height = _SIZES[number % len(_SIZES)]
        film(made[-1], 1 + number % 3, width, height, fps=12, seed=number)
    paths = []
    for number in range(CLIPS):
        path = place / f"clip{number:02}.mp4"
        shutil.copy(made[number % _DISTINCT], path)
        if number % (CLIPS // BAD) == 5:
            path.write_bytes(path.read_bytes()[: 100 * number])  # its index, at the end, is gone
        paths.append(str(path))
    return paths


def _one(assessor: Assessor, path: str) -> str | None:
    """One clip, by transformers' own generation from pixels."""
    try:
        clip = assessor.clips.load(path)
    except UnreadableVideo:
        return None
    step, loaded = assessor.loaded.settings.seconds_per_grid, assessor.loaded
    views = [view if step is None else replace(view, seconds_per_grid=step) for view in clip.views]
    shown = tuple(EncodedView(view, torch.empty(0), ()) for view in views)
    question = Question(default_task(clip, None), (Clip(path),))
    prompt = assessor.build(assessor.prompt_set.messages(question), [EncodedClip(clip, shown, "")])
    inputs = keep_accepted_kwargs(loaded.model.forward, collate([prompt], loaded.tokenizer.pad_token_id))
    out = loaded.model.generate(
        **{name: value.to(loaded.model.device) for name, value in inputs.items()},
        **pixels(shown, loaded.model.device),
        do_sample=False,
        max_new_tokens=loaded.settings.max_new_tokens,
        suppress_tokens=list(loaded.suppressed_tokens),
    )[0, len(prompt.ids) :]
    text: str = loaded.tokenizer.decode(out, skip_special_tokens=True)
    return text


def _encoding_each(assessor: Assessor, paths: list[str]) -> list[list[str]]:
    """The answers to each pair in both orders, each clip encoded for each question."""
    clips = [assessor.clips.load(path) for path in paths]
    orders = both_orders(all_pairs(len(paths)))
    texts: list[str] = []
    for start in range(0, len(orders), _ASKED):
        asked = [
            (Question("compare", tuple(Clip(paths[i]) for i in order)), [assessor.encode(clips[i]) for i in order])
            for order in orders[start : start + _ASKED]
        ]
        texts += [said[0].text for said in assessor.ask(asked)]
    return [texts[i : i + 2] for i in range(0, len(texts), 2)]


def _products(assessor: Assessor, clips: list[ProcessedClip], answer_tokens: int) -> float:
    """Seconds of the matrix products: 2 operations a weight and row, at the rate of products of as many rows."""
    model, clock = assessor.loaded.model, Clock(assessor.loaded.model.device.type)
    body = language_backbone(model)
    text = sum(p.numel() for name, p in body.language_model.named_parameters() if "embed_tokens" not in name)
    tower = sum(p.numel() for p in body.visual.parameters())
    patches = [sum(len(view.patches) for view in clip.views) for clip in clips]
    shown = [
        assessor.build(
            assessor.prompt_set.messages(Question(default_task(clip, None), (Clip(clip.path),))),
            [EncodedClip(clip, tuple(EncodedView(view, torch.empty(0), ()) for view in clip.views), "")],
        )
        for clip in clips
    ]
    tokens = sum(len(prompt.ids) for prompt in shown)
    seen = 2 * tower * sum(patches) / rate(model, sum(patches) // len(clips), clock)
    read = 2 * text * tokens / rate(model, BATCH * tokens // len(clips), clock)
    return seen + read + 2 * (text + language_head(model).weight.numel()) * answer_tokens / rate(model, BATCH, clock)


def main() -> None:
    """Measure the rows that the file lacks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows = json.loads(given.json.read_text(encoding="utf-8"))["rows"] if given.json and given.json.is_file() else {}
    judge = load(given.model)
    for name in given.rows:
        if name in rows:
            continue
        with tempfile.TemporaryDirectory() as place:
            rows[name] = ROWS[name](judge, Path(place), Timer(given.repeats))
        print(name, json.dumps(rows[name]), flush=True)
        head = {"model": given.model, "device": str(judge.assessor.loaded.model.device)}
        keep({**head, "threads": torch.get_num_threads(), "rows": {n: rows[n] for n in ROWS if n in rows}}, given.json)


if __name__ == "__main__":
    main()
