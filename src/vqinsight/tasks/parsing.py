"""Parsing of completions: the reasoning, the answer, and its value or the reason why there is none.

Three rules hold everywhere: the reasoning is never parsed for an answer, tags that are repeated or out of order give no
answer, and an ambiguous answer is ``Missing`` with a reason, never a guess. Nothing here raises on any completion.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TypeVar

from vqinsight.tasks.retraction import retraction
from vqinsight.tasks.types import Choice, Missing, Preference, Verdict

# An opening or closing think/answer tag, in any case, with stray blanks. Blanks are bounded so that matching is linear.
TAG = re.compile(r"<\s{0,4}(/?)\s{0,4}(think|answer)\s{0,4}>", re.IGNORECASE)

# Full-width forms and typographic quotes and minus signs become the ASCII ones that JSON and ``float`` know.
_ASCII = (
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys(map(ord, "“”„‟«»「」"), '"')
    | dict.fromkeys(map(ord, "‘’‚‛‹›`´"), "'")
    | dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
    | dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"), "")
)

# A decimal number, rounded (≈) or not, then "/100", "out of 100" or a percent sign, then a word such as "points".
# Single blanks only. A hedge is no value: "about 62", "~62".
_NUMBER = re.compile(
    r"(?:[≈≃≅] ?)?([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?)"
    r"(?: ?(?:/|out of) ?([0-9]+(?:\.[0-9]+)?)| ?(%|percent))?(?: ?(?:points?|pts))?"
)
# Where a value ends in plain text. Not before another number: neither "62,5" nor "62, 70" must be read as 62.
_VALUE_END = re.compile(r"[,;|](?!\s{0,4}[+-]?[0-9])|[})\n]")
# Code fences around the whole text; ``_ASCII`` has made their backticks quotes.
_FENCE = re.compile(r"\A'{3}[a-z]*|'{3}\Z")
# "The overall score is" before a lone number.
_LEAD_IN = re.compile(
    r"\A(?:(?:the|my|final|overall|video|image|visual|quality) )*(?:score|rating|quality|answer)(?: is)? ?[:=]? ?"
)
# Where the value of a key is an object: the key of its value, and of the highest value possible.
_VALUES = frozenset({"score", "value", "rating"})
_WHOLES = frozenset({"max", "maximum", "max_score", "out_of", "scale", "total"})
# LaTeX around an answer, and what is left of it around several.
_BOXED = re.compile(r"\$?\\(?:boxed|text|textbf|mathrm)\{([^{}]{0,200})\}\$?")

# A word or a question mark, as a question is not an answer.
_WORD = re.compile(r"[^\W_]+|\?")
# Where the statement of a choice ends and an explanation may begin.
_CLAUSE_END = re.compile(r"[.,;!\n]|\bbecause\b|\bsince\b| -")
# The article, as opposed to the clip A: "a tie", and in an explanation "it has a sharper image".
_ARTICLE_TIE = re.compile(r"\ba tie\b")
_ARTICLE = re.compile(r"(?<!video )(?<!clip )(?<!option )\ba(?= [^\W\d_]{3})")

_CHOICES: dict[str, Choice] = {
    "a": "A",
    "videoa": "A",
    "b": "B",
    "videob": "B",
    "tie": "tie",
    "tied": "tie",
    "equal": "tie",
    "equally": "tie",
}
# "Video A is clearly better than Video B", and "Video A and Video B are equal".
_CLIP_NAME = r"(?:\b(?:video|clip|option) )?[\"'*(]{0,3}\b(?:(?:video|clip|option) ?)?([ab])\b[\"'*)]{0,3}"
_COMPARED = re.compile(
    rf"{_CLIP_NAME} (?:is|looks|seems) (?:(?:much|far|clearly|slightly|somewhat|significantly) )?"
    rf"(better|worse|superior|inferior|preferable|preferred) (?:than|to|over) {_CLIP_NAME}"
)
_EQUAL = re.compile(
    rf"(?:both )?{_CLIP_NAME} and {_CLIP_NAME} are (?:equal(?:ly good| in quality)?|tied|of equal quality)\b(?! \w)"
)
_VERDICTS = {"yes": True, "no": False}
# Words that do not change a choice or a verdict beside them: none that negates or reverses.
_FRAME = frozenset({"the", "my", "final", "correct", "answer", "verdict", "is", "are", "it", "s", "i", "would", "say"})
_CHOICE_FRAME = _FRAME | {
    *("overall", "choice", "winner", "preference", "better", "best", "preferred", "superior", "good", "higher", "they"),
    *("choose", "prefer", "pick", "select", "think", "one", "both", "video", "videos", "clip", "option", "clearly"),
    *("slightly", "much", "be", "looks", "has", "wins", "quality"),
}

_ORDER = ("think", "/think", "answer", "/answer")  # each tag at most once, and in this order

_Option = TypeVar("_Option")


def reasoning(completion: str) -> str:
    """The text in ``<think>``; without think tags, the text before the last ``<answer>``; for display."""
    thoughts = _thoughts(completion)
    if not thoughts:
        opened = [tag.start() for tag in TAG.finditer(completion) if _is(tag, "answer")]
        thoughts = [completion[: opened[-1]] if opened else completion]
    return "\n".join(thoughts).strip()


def answer_text(completion: str) -> str | Missing:
    """The text of the one ``<answer>…</answer>``, behind the reasoning if there is any.

    The reasoning is ``<think>…</think>``; an unopened ``</think>`` closes reasoning opened by the chat template.
    ``Missing`` when a tag occurs twice, when tags are out of order (an answer inside the reasoning, a ``<think>``
    inside the answer), when there is no answer, when it is empty, and when the completion ends inside ``<answer>`` or
    ``<think>``.
    """
    tags = list(islice(TAG.finditer(completion), len(_ORDER) + 1))  # one of five is a repeated one
    names = [tag[1] + tag[2].lower() for tag in tags]
    if repeated := next((name for name in _ORDER if names.count(name) > 1), None):
        return Missing(f"<{repeated}> occurs more than once")
    if names != sorted(names, key=_ORDER.index):
        return Missing(f"tags out of order: {' '.join(f'<{name}>' for name in names)}")
    place = dict(zip(names, tags, strict=True))
    if "think" in place and "/think" not in place:
        return Missing("cut off: <think> was never closed")
    if "answer" not in place:
        return Missing("no <answer>…</answer> outside the reasoning")
    if "/answer" not in place:
        return Missing("cut off: <answer> was never closed")
    return completion[place["answer"].end() : place["/answer"].start()].strip() or Missing("the answer is empty")


def parse_scores(text: str, ranges: Mapping[str, tuple[float, float]]) -> dict[str, float | Missing] | Missing:
    """One number for each key of ``ranges`` (lower case, each with its lowest and highest value, inclusive).

    Accepts JSON objects at any depth (with code fences, other keys and numbers in quotes), near-JSON and plain
    ``key: number`` text, and, when there is one key, a lone number. A number may carry ``/100`` or ``out of 100`` when
    that is the range's highest value, ``%`` when that is 100, and a sign of rounding (``≈ 62.5``). In JSON a key's
    value may be an object with one of ``score``, ``value`` and ``rating``.

    A key is ``Missing`` when it has no value, two different ones, one that is not a plain finite number (``62,5``,
    ``60-70``, ``about 62``, ``[62]``), or one outside its range, as nothing is clipped or rescaled. All are, in one
    ``Missing``, when the text takes its answer back ("62, wait, I was wrong").
    """
    plain = _FENCE.sub("", _plain(text).strip()).strip()
    pairs = _json_pairs(plain)
    if pairs is None:
        pairs = _labelled(plain, ranges)
    if not pairs and len(ranges) == 1:
        pairs = [(key, _LEAD_IN.sub("", " ".join(plain.split()), count=1)) for key in ranges]
    said: dict[str, list[object]] = {}
    for name, raw in pairs:
        said.setdefault(name, []).append(raw)
    values = {key: _value(said.get(key, ()), key, *ends) for key, ends in ranges.items()}
    return retraction(plain) or values


def parse_choice(text: str) -> Preference | Missing:
    """The clip that the text names unambiguously, or a tie: ``A``, ``Video B.``, ``The answer is Video A``,
    ``\\boxed{A}``, ``Video A is better than Video B``.

    ``tie`` and ``equal`` are a tie even where the prompt asks for one of the two. ``Missing`` when both clips are
    named otherwise, or neither, when other words surround the name ("not A", "A is bad"), and when the text takes its
    answer back.
    """
    plain = _ARTICLE_TIE.sub("tie", _plain(text))
    plain = _EQUAL.sub(lambda found: "tie" if found[1] != found[2] else found[0], _COMPARED.sub(_better, plain))
    choice = _pick(plain, _CHOICES, _CHOICE_FRAME)
    return choice if isinstance(choice, Missing) else Preference(choice)


def parse_yes_no(text: str) -> Verdict | Missing:
    """``yes`` or ``no``, with or without an explanation after a comma or a full stop.

    ``Missing`` when both words occur, or neither, when other words follow directly ("no problem"), and when the text
    takes its answer back.
    """
    yes = _pick(_plain(text), _VERDICTS, _FRAME)
    return yes if isinstance(yes, Missing) else Verdict(yes)


def _is(tag: re.Match[str], name: str) -> bool:
    return tag[1] + tag[2].lower() == name


def _thoughts(completion: str) -> list[str]:
    """The parts in ``<think>``; what is before a ``</think>`` that none opens is one."""
    # Spans, cut out at the end: a text before each of a million tags would take a time of a million squared.
    spans: list[tuple[int, int]] = []
    start: int | None = None
    for tag in TAG.finditer(completion):
        if _is(tag, "think") and start is None:
            start = tag.end()
        elif _is(tag, "/think"):
            if start is None:
                spans, start = [], 0
            spans.append((start, tag.start()))
            start = None
    if start is not None:
        spans.append((start, len(completion)))
    return [completion[begin:end] for begin, end in spans]


def _plain(text: str) -> str:
    """Lower case, with ASCII signs, without LaTeX boxes."""
    plain = text.translate(_ASCII).lower()
    return _BOXED.sub(r" \1 ", _BOXED.sub(r" \1 ", plain))  # twice: text in a box


def _better(found: re.Match[str]) -> str:
    """The name of the better clip of a comparison, which is as it is where both are the same."""
    first, how, second = found.groups()
    if first == second:
        return found[0]
    return f"video {second if how in ('worse', 'inferior') else first}"


def _json_pairs(text: str) -> list[tuple[str, object]] | None:
    """Every key and value of a JSON text, at any depth, numbers as written; ``None`` when it is not JSON.

    The value of an object is that of its one key of ``_VALUES``, if it has just one.
    """
    pairs: list[tuple[str, object]] = []

    def collect(members: list[tuple[str, object]]) -> object:
        members = [(key.strip(), value) for key, value in members]
        pairs.extend(members)
        values = [value for key, value in members if key in _VALUES]
        if len(values) != 1 or not isinstance(values[0], str):
            return {}
        return "/".join((values[0], *(str(value) for key, value in members if key in _WHOLES)))

    try:
        json.loads(text, object_pairs_hook=collect, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):  # RecursionError: ten thousand opening brackets
        return None
    return pairs


def _labelled(text: str, keys: Mapping[str, tuple[float, float]]) -> list[tuple[str, object]]:
    """Every ``key: value``, ``key = value`` or ``key ≈ value`` in plain text or broken JSON."""
    # The key, not the end of another word or phrase ("temporal consistency" is not "consistency"), then its separator.
    label = re.compile(rf"(?<![\w-])(?<![^\W\d_] )({'|'.join(map(re.escape, keys))})[\"'*\\]{{0,4}}\s{{0,4}}[:=≈]")
    found = list(label.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    return [
        (match[1], _VALUE_END.split(text[match.end() : end].strip(), maxsplit=1)[0])
        for match, end in zip(found, ends, strict=False)  # ``ends`` is one longer
    ]


def _value(said: Iterable[object], key: str, low: float, high: float) -> float | Missing:
    """The one number that all values of a key are."""
    found: float | Missing = Missing(f"{key} is missing")
    for raw in said:
        value = _number(raw, key, low, high)
        if isinstance(value, Missing):
            return value
        if not isinstance(found, Missing) and found != value:
            return Missing(f"contradictory: {key} is both {found:g} and {value:g}")
        found = value
    return found


def _number(raw: object, key: str, low: float, high: float) -> float | Missing:
    if not isinstance(raw, str):
        return Missing(f"{key} is not a number")
    shown = " ".join(raw.split()).lstrip("\"'*\\ ").rstrip("\"'*\\. ")
    match = _NUMBER.fullmatch(shown)
    if match is None:
        return Missing(f"{key} is not a number: {shown[:40]!r}")
    value = float(match[1])
    whole = 100.0 if match[3] else float(match[2] or high)
    if whole != high:
        return Missing(f"{key} is out of {whole:g}, not out of {high:g}: {shown[:40]!r}")
    if not (math.isfinite(value) and low <= value <= high):
        return Missing(f"{key} is outside {low:g}–{high:g}: {shown[:40]!r}")
    return value


def _pick(text: str, options: Mapping[str, _Option], frame: frozenset[str]) -> _Option | Missing:
    """The one option named in the whole text, in a clause that says nothing else."""
    clauses = [_WORD.findall(clause) for clause in _CLAUSE_END.split(text)]
    statement = next((words for words in clauses if not frame.issuperset(words)), [])
    named = {options[word] for word in statement + _WORD.findall(_ARTICLE.sub("", text)) if word in options}
    shown = f"{text.strip()[:40]!r}"
    if len(named) > 1:
        return Missing(f"names both: {shown}")
    if not named:
        return Missing(f"names neither: {shown}")
    if not all(word in options or word in frame for word in statement):
        return Missing(f"does not plainly choose: {shown}")
    return retraction(text) or named.pop()
