"""LGVQ, VisionRewardDB-Video, GenAI-Bench and VidProM, each in miniature, with real labels where they are."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers import downloads

from vqinsight.datasets import genai_bench, lgvq, vidprom, visionreward
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Preference, Score, Verdict
from vqinsight.video.read import probe

GENERATORS = ("animatediff", "lavie", "gen2")


def make_lgvq(root: Path, prompts: int = 10) -> dict[str, tuple[float, float, float]]:
    """Clips of several generators; the two files in opposite orders, their paths written differently."""
    truth = {
        f"{generator}/{number}.mp4": (10.0 + number, 20.0 + number + place, 30.5 + place)
        for number in range(prompts)
        for place, generator in enumerate(GENERATORS)
    }
    lines = [f"videos\\{path.replace('/', chr(92))} ; {a} ;{b}; {c}" for path, (a, b, c) in truth.items()]
    downloads.text(root / "MOS.txt", "\ufeff" + "\r\n".join([*lines, "", "  "]))
    entries = [
        {
            "path": f"/home/someone/LGVQ/videos/{path}",
            "prompt": f" a  cat,\nno. {path.split('/')[1][:-4]} ",
            "spatial_quality": a,
            "temporal_quality": b,
        }
        for path, (a, b, _) in reversed(truth.items())
    ]
    downloads.text(root / "prompt_cls.json", "\ufeff" + json.dumps({"data": entries, "length": len(entries)}))
    downloads.files(root / "videos", truth)
    return truth


def test_lgvq_joins_on_the_path_and_not_on_the_line(tmp_path: Path) -> None:
    truth = make_lgvq(tmp_path)
    read = lgvq.load(tmp_path, "all")
    assert len(read.examples) == len(truth) and not read.missing and not read.left_out and not read.notes
    for example in read.examples:
        path = example.id.removeprefix("videos/")
        assert isinstance(example.answer, Score)
        assert tuple(example.answer.values.values()) == truth[path]
        (clip,) = example.question.clips
        number = path.split("/")[1][:-4]
        assert clip.path == str(tmp_path / "videos" / path) and clip.prompt == f"a cat, no. {number}" == example.group
        assert (example.source, example.scale) == (path.split("/")[0], (0.0, 100.0))
        assert list(example.answer.values) == ["spatial", "temporal", "alignment"]


def test_lgvq_splits_keep_a_prompts_clips_together(tmp_path: Path) -> None:
    make_lgvq(tmp_path)
    parts = {split: lgvq.load(tmp_path, split) for split in ("train", "test")}
    groups = {split: {example.group for example in read.examples} for split, read in parts.items()}
    assert len(groups["test"]) == 2 and len(groups["train"]) == 8 and not groups["test"] & groups["train"]
    assert sum(len(read.examples) for read in parts.values()) == 30
    assert parts["test"].notes == ("split by prompt: 2 of 10 in test, seed 0",)
    assert len({frozenset(e.group for e in lgvq.load(tmp_path, "test", seed=s).examples) for s in range(8)}) > 1
    for clip in sorted(tmp_path.glob("videos/lavie/*.mp4")):
        clip.unlink()
    less = lgvq.load(tmp_path, "test")  # the split is that of the labels, not of what is on the disk
    assert {example.group for example in less.examples} == groups["test"]
    assert set(less.missing) == {e.id.replace("/", "\\") for e in parts["test"].examples if e.source == "lavie"}


def test_lgvq_lists_the_lines_it_cannot_use(tmp_path: Path) -> None:
    make_lgvq(tmp_path, prompts=2)
    extra = "videos/lavie/77.mp4;1;2;3\nvideos/lavie/0.mp4;1;2\nvideos/gen2/0.mp4;1;2;999\n"
    lines = (tmp_path / "MOS.txt").read_text(encoding="utf-8-sig").splitlines()
    downloads.text(tmp_path / "MOS.txt", "\n".join([line for line in lines if "gen2\\0" not in line]) + f"\n{extra}")
    assert set(lgvq.load(tmp_path, "all").left_out) == {
        "MOS.txt, line 8: prompt_cls.json does not know videos/lavie/77.mp4",
        "MOS.txt, line 9: 'videos/lavie/0.mp4;1;2' is not 'path;spatial;temporal;alignment'",
        "MOS.txt, line 10: alignment 999 is outside 0–100",
    }


def test_lgvq_gives_no_prompt_that_several_clips_would_share(tmp_path: Path) -> None:
    """A bare name in the prompt file could be any generator's clip."""
    downloads.text(tmp_path / "MOS.txt", "a/1.mp4;1;2;3\nb/1.mp4;4;5;6\nb/2.mp4;7;8;9\n")
    entries = [{"filename": "1.mp4", "prompt": "x"}, {"filename": "2.mp4", "prompt": "y", "spatial_quality": 70}]
    downloads.text(tmp_path / "prompt_cls.json", json.dumps(entries))
    downloads.files(tmp_path / "videos", ["a/1.mp4", "b/1.mp4", "b/2.mp4"])
    read = lgvq.load(tmp_path, "all")
    assert [example.id for example in read.examples] == ["b/2.mp4"]
    assert len(read.left_out) == 2 and "1.mp4 for 2 different clips" in read.left_out[0]
    assert read.notes == ("1 scores differ between MOS.txt and prompt_cls.json; those of MOS.txt are taken",)


def test_lgvq_wrong_files_are_named(tmp_path: Path) -> None:
    downloads.text(tmp_path / "MOS.txt", "nothing here\n")
    downloads.text(tmp_path / "prompt_cls.json", "{}")
    with pytest.raises(UsageError, match=r"MOS\.txt has no line"):
        lgvq.load(tmp_path, "all")
    downloads.text(tmp_path / "MOS.txt", "a.mp4;1;2;3\n")
    with pytest.raises(UsageError, match=r"prompt_cls\.json has no list 'data'"):
        lgvq.load(tmp_path, "all")
    downloads.text(tmp_path / "prompt_cls.json", "[1")
    with pytest.raises(UsageError, match=r"prompt_cls\.json is not JSON"):
        lgvq.load(tmp_path, "all")


def pair(name: str, answer: str | None, one: str = "videos/1.mp4", two: str = "videos/2.mp4") -> dict[str, Any]:
    return {
        "internal_id": name, "prompt": "a dog", "standard_answer": answer, "video1_path": one, "video2_path": two
    }  # fmt: skip


@pytest.mark.parametrize("folder", ["regression", "test", "monetbench"])
def test_visionreward_pairs(tmp_path: Path, folder: str) -> None:
    rows = [pair("p1", "video1"), pair("p2", "video2"), pair("p3", "tie"), pair("p4", "video3"), pair("p5", None)]
    downloads.parquet(tmp_path / folder / "x-00000-of-00001.parquet", [*rows, pair("p6", "tie", two="videos/9.mp4")])
    downloads.files(tmp_path / "unpacked", ["videos/1.mp4", "videos/2.mp4"])
    read = visionreward.load(tmp_path, "regression" if folder == "regression" else "test")
    assert [(e.id, e.answer) for e in read.examples] == [
        ("p1", Preference("A")), ("p2", Preference("B")), ("p3", Preference("tie")),
    ]  # fmt: skip
    first = read.examples[0]
    assert [Path(clip.path).name for clip in first.question.clips] == ["1.mp4", "2.mp4"]
    assert (first.question.task, first.scale, first.group) == ("compare", None, "a dog")
    assert {clip.prompt for clip in first.question.clips} == {"a dog"}
    assert read.missing == ("videos/9.mp4",)
    assert [entry.split(": ", 1)[0] for entry in read.left_out] == [
        "x-00000-of-00001.parquet, row 4", "x-00000-of-00001.parquet, row 5",
    ]  # fmt: skip


def verdicts(name: str, results: list[int] | None, mask: list[int], path: str = "videos/1.mp4") -> dict[str, Any]:
    return {
        "internal_id": name, "prompt": "a dog", "video_path": path, "url": "", "meta_result": results, "meta_mask": mask
    }  # fmt: skip


def test_visionreward_asks_only_what_the_mask_marks(tmp_path: Path) -> None:
    rows = [
        verdicts("t1", [1, 0, 1], [1, 1, 0]),
        verdicts("t2", [1, 0], [1, 1]),  # fewer than there are questions
        verdicts("t3", [7, 1, 5], [0, 1, 1]),  # 5 is neither yes nor no; the 7 is not asked for
        verdicts("t4", None, [1, 1, 1]),
        verdicts("t5", [1, 1, 1], [0, 0, 0]),
        verdicts("t6", [1, 1, 1], [1, 1, 1], "videos/9.mp4"),
    ]
    downloads.parquet(tmp_path / "train" / "train-00000-of-00001.parquet", rows)
    downloads.files(tmp_path, ["videos/1.mp4"])
    with pytest.raises(UsageError, match=r"has no meta_qa_en\.txt or VisionReward_video_qa\.txt"):
        visionreward.load(tmp_path, "train")
    downloads.text(tmp_path / "meta_qa_en.txt", 'Does it show "[[prompt]]"?\n\nIs it sharp?\nIs it still?')
    read = visionreward.load(tmp_path, "train")
    assert [(e.id, e.question.text, e.answer) for e in read.examples] == [
        ("t1/01", 'Does it show "a dog"?', Verdict(True)),
        ("t1/02", "Is it sharp?", Verdict(False)),
    ]
    assert len(read.left_out) == 3 and "neither 0 nor 1 at 3" in read.left_out[1]
    assert read.missing == ("videos/9.mp4",)


def test_visionreward_draws_a_few_questions_of_each_clip(tmp_path: Path) -> None:
    rows = [verdicts(f"t{row}", [row % 2] * 10, [1] * 10) for row in range(20)]
    downloads.parquet(tmp_path / "train" / "train.parquet", rows)
    downloads.files(tmp_path, ["videos/1.mp4"])
    own = downloads.text(tmp_path / "own.txt", "\n".join(f"Is {number}?" for number in range(10)))
    read = visionreward.load(tmp_path, "train", questions=own, per_clip=3, seed=1)
    assert Counter(e.id.split("/")[0] for e in read.examples) == {f"t{row}": 3 for row in range(20)}
    assert len({e.id.split("/")[1] for e in read.examples}) > 5
    assert read == visionreward.load(tmp_path, "train", questions=own, per_clip=3, seed=1)
    with pytest.raises(UsageError, match="at least one question"):
        visionreward.load(tmp_path, "train", questions=own, per_clip=0)


def test_visionreward_real_questions(labels: Path, tmp_path: Path) -> None:
    path = labels / "visionreward" / "VisionReward_Video__VisionReward_video_qa.txt"
    count = sum(bool(line.strip()) for line in path.read_text().split("\n"))
    downloads.parquet(tmp_path / "train" / "train.parquet", [verdicts("t", [1] * count, [1] * count)])
    downloads.files(tmp_path, ["videos/1.mp4"])
    read = visionreward.load(tmp_path, "train", questions=path)
    assert len(read.examples) == count == 64
    texts = [example.question.text or "" for example in read.examples]
    assert '"a dog"' in texts[0] and not any("[[" in text for text in texts)


def vote(left: Any, right: Any, kind: str | None = "leftvote", prompt: str = "a dog") -> dict[str, Any]:
    return {
        "prompt": prompt, "left_video": left, "right_video": right, "left_model": "Lavie", "right_model": "Pika",
        "vote_type": kind,
    }  # fmt: skip


def test_genai_bench_votes_and_ways_to_name_a_clip(tmp_path: Path) -> None:
    rows = [
        vote("a.mp4", "https://host/files/video%20b.mp4?download=true"),
        vote("a.mp4", "c.mp4", "rightvote"),
        vote("a.mp4", "c.mp4", "tievote"),
        vote("a.mp4", "c.mp4", "bothbad_vote"),
        vote("a.mp4", "c.mp4", "badvote"),
        vote("a.mp4", "gone.mp4"),
        vote("a.mp4", None),
    ]
    path = "video_generation/test_v1-00000-of-00001.parquet"
    downloads.parquet(tmp_path / path, rows)
    downloads.parquet(tmp_path / "image_generation/test_v1-00000-of-00001.parquet", [{"left_image": "a.png"}])
    downloads.files(tmp_path / "videos", ["a.mp4", "video b.mp4", "c.mp4"])
    read = genai_bench.load(tmp_path)
    assert [(e.id, e.answer) for e in read.examples] == [
        ("test_v1-0000", Preference("A")), ("test_v1-0001", Preference("B")),
        ("test_v1-0002", Preference("tie")), ("test_v1-0003", Preference("tie")),
    ]  # fmt: skip
    assert [Path(c.path).name for c in read.examples[0].question.clips] == ["a.mp4", "video b.mp4"]
    assert read.examples[0].source == "Lavie vs Pika" and read.examples[0].group == "a dog"
    assert read.missing == ("gone.mp4",) and len(read.left_out) == 2
    with pytest.raises(UsageError, match=r"no video_generation/test-\*\.parquet"):
        genai_bench.load(tmp_path, "test")


def test_genai_bench_clips_inside_the_file_are_written_out_only_when_asked(tmp_path: Path, encode: ModuleType) -> None:
    left = encode.video(tmp_path / "made.mp4", 6).read_bytes()
    right = encode.video(tmp_path / "other.mp4", 9).read_bytes()
    rows = [vote({"bytes": left, "path": "l.mp4"}, {"bytes": right, "path": None}, "rightvote")] * 2
    root = tmp_path / "download"
    downloads.parquet(root / "video_generation" / "test_v1-00000-of-00001.parquet", rows)
    read = genai_bench.load(root)
    assert not read.examples and len(read.missing) == 4 and "--unpack" in read.notes[0]
    assert not list(root.rglob("*.mp4"))
    read = genai_bench.load(root, unpack=tmp_path / "clips")
    assert len(read.examples) == 2 and not read.notes
    assert [probe(clip.path).frames for clip in read.examples[1].question.clips] == [6, 9]
    assert len(list((tmp_path / "clips").iterdir())) == 2  # the same clip is written once
    with pytest.raises(UsageError, match="cannot be written to"):
        genai_bench.load(root, unpack=tmp_path / "made.mp4")


def test_genai_bench_real_votes(labels: Path, tmp_path: Path) -> None:
    lines = (labels / "genai_bench" / "genai_bench_video_test_v1_1069.jsonl").read_text(encoding="utf-8").splitlines()
    votes = [json.loads(line) for line in lines]
    path = tmp_path / "video_generation" / "test_v1-00000-of-00001.parquet"
    downloads.parquet(path, [vote("a.mp4", "b.mp4", v["vote_type"], v["prompt"]) for v in votes])
    downloads.files(tmp_path, ["a.mp4", "b.mp4"])
    read = genai_bench.load(tmp_path)
    assert len(read.examples) == 1069 and not read.left_out
    choices = Counter(e.answer.choice for e in read.examples if isinstance(e.answer, Preference))
    assert choices == {"A": 325, "B": 375, "tie": 369}
    named = json.loads((labels / "genai_bench" / "unifiedreward_GenAI-Bench-Video_test_1889.json").read_text())
    rows = [vote(v["video_left"], v["video_right"], v["vote_type"], v["prompt"]) for v in named]
    downloads.parquet(path.with_name("test-00000-of-00001.parquet"), rows)
    downloads.files(tmp_path / "videos", {v[side] for v in named[:99] for side in ("video_left", "video_right")})
    read = genai_bench.load(tmp_path, "test")
    assert [example.id for example in read.examples[:99]] == [f"test-{number:04d}" for number in range(99)]
    assert read.missing and not read.left_out


def test_vidprom_prompts_are_told_apart_by_words_and_drawn_evenly(tmp_path: Path) -> None:
    prompts = ["A  cat", "a cat", "", *(f"dog {number}" for number in range(99)), 'with, comma\nand "quotes"']
    downloads.table(
        tmp_path / "VidProM_unique.csv", ["uuid", "prompt", "time"], *((n, p, "t") for n, p in enumerate(prompts))
    )
    read = vidprom.load(tmp_path)
    assert read.prompts[0] == "A cat" and read.prompts[-1] == 'with, comma and "quotes"' and len(read.prompts) == 101
    assert read.left_out == ("VidProM_unique.csv, line 4: nothing in column 'prompt'",)
    assert read.notes[0] == "101 different prompts in VidProM_unique.csv" and read.notes[1].startswith("1 differ")
    drawn = vidprom.load(tmp_path, count=10, seed=3)
    assert len(set(drawn.prompts)) == 10 and set(drawn.prompts) < set(read.prompts)
    assert list(drawn.prompts) == sorted(drawn.prompts, key=read.prompts.index)
    assert drawn == vidprom.load(tmp_path, count=10, seed=3) != vidprom.load(tmp_path, count=10, seed=4)
    often = Counter(prompt for seed in range(400) for prompt in vidprom.load(tmp_path, count=10, seed=seed).prompts)
    assert len(often) == 101 and max(often.values()) < 80  # 40 expected of each
    assert vidprom.load(tmp_path, count=1000).prompts == read.prompts
    with pytest.raises(UsageError, match="At least one prompt"):
        vidprom.load(tmp_path, count=0)
