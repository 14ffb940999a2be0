"""Ground truth of a synthetic clip as text: a short form that is easy to learn, free sentences, and a parser of both.

Strength is one of five words, ``LEVELS``; level i covers severities ((i-1)/5, i/5].
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from vqinsight.synthetic.captions import COLOURS, DIRECTIONS, FACT_NAMES, NUMBER_WORDS, SHAPES, Facts, mismatches

LEVELS = ("slight", "mild", "moderate", "strong", "severe")
NOUNS = {
    "blur": "blur",
    "noise": "noise",
    "compression": "compression artefacts",
    "banding": "banding",
    "exposure": "wrong exposure",
    "jitter": "jitter",
    "flicker": "flicker",
    "freeze": "freezing",
    "shuffle": "frame shuffling",
    "ghosting": "ghosting",
    "morphing": "morphing",
    "deformed": "deformed things",
    "boiling": "boiling texture",
    "transforming": "a thing that turns into another",
    "sliding": "wrong motion",
}
OUTSIDE = "Against the text: it names no shapes."  # for a prompt about other content


@dataclass(frozen=True)
class Defect:
    """One defect: its kind, a key of ``NOUNS``, and its severity in (0, 1]."""

    kind: str
    severity: float


@dataclass(frozen=True)
class GroundTruth:
    """The ground truth of a clip.

    Attributes:
        facts: of the moving shapes, or ``None``.
        camera: one of ``scene.CAMERA_MOVES``.
        spatial, temporal: the defect of each family, or ``None``.
        claim: the facts of the text prompt, or ``None`` without a prompt.
        further: slighter defects of both families, which no description names.
    """

    facts: Facts | None
    camera: str
    spatial: Defect | None
    temporal: Defect | None
    claim: Facts | None
    further: tuple[Defect, ...] = ()

    @property
    def wrong(self) -> tuple[str, ...]:
        """Names of the facts in which the text prompt is wrong."""
        return mismatches(self.claim, self.facts) if self.claim and self.facts else ()


def level(severity: float) -> int:
    """1 to 5 for a severity in (0, 1]."""
    return min(5, max(1, int(np.ceil(severity * 5 - 1e-9))))


def terse(truth: GroundTruth, *, still: bool = False) -> str:
    """One word per attribute in a fixed order: the first form that a model is trained on.

    ``still`` leaves out motion and temporal defects, for single images.
    """
    facts = truth.facts
    what = f"{facts.count} {facts.colour} {facts.shape}" if facts else "no shapes"
    if still:
        return f"{what}; {_terse_defect(truth.spatial, 'clean')}"
    parts = [
        f"{what} {facts.direction}" if facts else what,
        f"camera {truth.camera}",
        _terse_defect(truth.spatial, "clean"),
        _terse_defect(truth.temporal, "smooth"),
    ]
    if truth.claim is not None and facts is not None:
        parts.append(f"text {_verdicts(truth.claim, facts)}")
    return "; ".join(parts)


def _terse_defect(defect: Defect | None, otherwise: str) -> str:
    return f"{defect.kind} {level(defect.severity)}" if defect else otherwise


def sentences(truth: GroundTruth, rng: np.random.Generator, *, still: bool = False) -> str:
    """Free wording; ``still`` leaves out motion and temporal defects, for single images."""
    said = [_say_content(truth, rng, still), say_spatial(truth.spatial, rng)]
    if not still:
        said.append(say_temporal(truth.temporal, rng))
    if truth.claim is not None:
        said.append(say_alignment(truth.claim, truth.facts))
    return " ".join(said)


def seen(truth: GroundTruth, rng: np.random.Generator, *, still: bool = False) -> str:
    """What is seen of the frames and, unless ``still``, of the motion; nothing of the content."""
    said = [say_spatial(truth.spatial, rng)]
    return " ".join(said if still else [*said, say_temporal(truth.temporal, rng)])


def content(truth: GroundTruth, rng: np.random.Generator) -> str:
    """The shapes, and what of the text is right."""
    return f"{_say_content(truth, rng, False)} {say_alignment(truth.claim, truth.facts)}"


def _pick(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[rng.integers(len(options))]


def _say_content(truth: GroundTruth, rng: np.random.Generator, still: bool) -> str:
    camera = {"still": "the camera is still", "in": "the camera zooms in"}.get(
        truth.camera, f"the camera moves {truth.camera}"
    )
    if truth.facts is None:
        return "A scene without shapes." if still else f"A scene without shapes; {camera}."
    facts = truth.facts
    plural = facts.count > 1
    what = f"{NUMBER_WORDS[facts.count]} {facts.colour} {facts.shape}{'s' * plural}"
    if still:
        return _pick((f"I see {what}.", f"The image shows {what}."), rng)
    options = (
        f"I see {what} moving {facts.direction}; {camera}.",
        f"The clip shows {what} moving {facts.direction}; {camera}.",
        f"{what.capitalize()} {'move' if plural else 'moves'} {facts.direction}; {camera}.",
    )
    return _pick(options, rng)


def say_spatial(defect: Defect | None, rng: np.random.Generator) -> str:
    """One sentence on the quality of the single frames."""
    return f"{_pick(('The picture shows', 'The frames show'), rng)} {_say_defect(defect)}."


def say_temporal(defect: Defect | None, rng: np.random.Generator) -> str:
    """One sentence on the quality of the motion."""
    return f"{_pick(('The motion shows', 'In motion it shows'), rng)} {_say_defect(defect)}."


def _say_defect(defect: Defect | None) -> str:
    """A sentence in which the kind of defect comes first, after a fixed beginning.

    With more wordings for a defect than for its absence, greedy decoding prefers the absence even where the defect is
    more probable.
    """
    return f"{NOUNS[defect.kind]}, {LEVELS[level(defect.severity) - 1]}" if defect else "no defect"


def say_alignment(claim: Facts | None, facts: Facts | None) -> str:
    """One sentence on the text prompt; a prompt without a ``claim`` is about other content."""
    return f"Against the text: {_verdicts(claim, facts)}." if claim and facts else OUTSIDE


def _verdicts(claim: Facts, facts: Facts) -> str:
    """For every fact the claim and the observation, which makes each word easy to predict.

    A small model does not learn shorter forms: a list of wrong facts works for the count only, verdicts without the
    observation for count and colour only.
    """
    wrong = mismatches(claim, facts)
    return ", ".join(
        f"{name} {getattr(claim, name)} seen {getattr(facts, name)} is {'wrong' if name in wrong else 'right'}"
        for name in FACT_NAMES
    )


@dataclass(frozen=True)
class ParsedDescription:
    """A parsed description; ``None`` for what it does not state.

    ``spatial`` and ``temporal`` are (kind, level 1–5), or ``("none", 0)`` where the text states no defect.
    """

    count: int | None
    colour: str | None
    shape: str | None
    direction: str | None
    spatial: tuple[str, int] | None
    temporal: tuple[str, int] | None
    wrong: tuple[str, ...] | None


SPATIAL_KINDS = ("blur", "noise", "compression", "banding", "exposure")
TEMPORAL_KINDS = ("jitter", "flicker", "freeze", "shuffle", "ghosting", "morphing")
# Of varied clips; no measurement names them.
MORE_SPATIAL_KINDS, MORE_TEMPORAL_KINDS = ("deformed",), ("boiling", "transforming", "sliding")
_CONTENT = re.compile(
    rf"\b(one|two|three|[123]) ({'|'.join(COLOURS)}) ({'|'.join(SHAPES)})s?\b(?: (?:moving|moves?))?"
    rf"(?: ({'|'.join(DIRECTIONS)})\b)?",
    re.IGNORECASE,
)
_COUNT_OF = {word: number for number, word in NUMBER_WORDS.items()}


def read(text: str) -> ParsedDescription:
    """Parse the short form or free sentences; the inverse of ``terse`` and ``sentences``."""
    lowered = text.lower()
    content = _CONTENT.search(lowered)
    count = colour = shape = direction = None
    if content:
        number, colour, shape, direction = content.groups()
        count = _COUNT_OF.get(number) or int(number)
    return ParsedDescription(
        count,
        colour,
        shape,
        direction,
        _read_defect(
            lowered, SPATIAL_KINDS + MORE_SPATIAL_KINDS, r"\bclean\b|\b(?:picture shows|frames show) no defect"
        ),
        _read_defect(lowered, TEMPORAL_KINDS + MORE_TEMPORAL_KINDS, r"\bsmooth|\bmotion (?:it )?shows no defect"),
        _read_alignment(lowered),
    )


def read_pair(text: str) -> tuple[ParsedDescription, ParsedDescription]:
    """Parse the descriptions of two clips, first ``A: …``, then ``B: …``."""
    first, _, second = text.partition(" B: ")
    return read(first.partition("A: ")[2]), read(second)


def _read_defect(text: str, kinds: tuple[str, ...], absent: str) -> tuple[str, int] | None:
    for kind in kinds:
        if match := re.search(rf"\b{NOUNS[kind]}, ({'|'.join(LEVELS)})\b", text):
            return kind, LEVELS.index(match[1]) + 1
        if match := re.search(rf"(?:^|; ){kind} ([1-5])\b", text):
            return kind, int(match[1])
    return ("none", 0) if re.search(absent, text) else None


def _read_alignment(text: str) -> tuple[str, ...] | None:
    verdicts = dict(re.findall(rf"\b({'|'.join(FACT_NAMES)}) \w+ seen \w+ is (right|wrong)\b", text))
    return tuple(name for name in FACT_NAMES if verdicts[name] == "wrong") if len(verdicts) == len(FACT_NAMES) else None
