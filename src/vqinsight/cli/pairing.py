"""What compare and rank share: the pairs of one or many prompts are judged, and what was judged is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vqinsight.cli import options as opt
from vqinsight.cli.engine import open_judge
from vqinsight.cli.judging import expand, is_folder
from vqinsight.errors import UsageError
from vqinsight.report import console, output, progress
from vqinsight.results import ClipComparison, Judged
from vqinsight.video.entries import Entry, PairEntry, PairGroup, entries, pair_entries
from vqinsight.video.info import LIST_SUFFIXES
from vqinsight.video.inputs import location, refuse_url

if TYPE_CHECKING:
    from vqinsight.inference.api import VQInsight
    from vqinsight.ranking.standings import PairOutcome
    from vqinsight.report.phrases import ResultRecord

Verb = Literal["compare", "rank"]
Prompts = list[tuple[str | None, list[Entry]]]  # each with its clips


@dataclass(frozen=True)
class Group:
    """The pairs of one prompt."""

    prompt: str | None
    pairs: tuple[PairEntry, ...]

    def work(self, is_left: Callable[[PairEntry], bool]) -> PairGroup:
        """The pairs that are left, and the clips that they need."""
        pairs = [pair for pair in self.pairs if is_left(pair)]
        clips = list({clip.id: clip for pair in pairs for clip in (pair.a, pair.b)}.values())
        number = {clip.id: i for i, clip in enumerate(clips)}
        places = tuple((number[pair.a.id], number[pair.b.id]) for pair in pairs)
        return PairGroup(self.prompt, tuple(clip.source for clip in clips), places)


@dataclass(frozen=True)
class Found:
    """The groups of a source; ``lone`` says of each prompt without a pair that it has none."""

    groups: list[Group]
    lone: list[str]


def rank_clips(arguments: list[str], prompt: str | None, asked: opt.Asking, out: str | None, *, verbose: bool) -> None:
    """Rank the clips of each prompt, and exit; arguments as for ``judging.judge_clips``."""

    def find() -> Found:
        prompts = _by_prompt(arguments, prompt)
        lone = [
            f"Not ranked, as it is alone: {clips[0].source} of {_named(text)}."
            for text, clips in prompts
            if len(clips) == 1
        ]
        if len(lone) == len(prompts):
            raise UsageError(" ".join(["A ranking takes at least two clips of one prompt.", *lone[:3]]))
        return Found(_groups((text, combinations(clips, 2)) for text, clips in prompts if len(clips) > 1), lone)

    _judge("rank", arguments, find, asked, out, partial(console.show_rankings, verbose=verbose))


def compare_clips(
    arguments: list[str], prompt: str | None, asked: opt.Asking, out: str | None, *, verbose: bool
) -> None:
    """Compare two clips, or the pairs of a list, and exit; arguments as for ``judging.judge_clips``."""

    def find() -> Found:
        if len(arguments) == 1:
            return Found(_listed(arguments[0], prompt), [])
        for name in arguments:
            refuse_url(name)
        if arguments[0] == arguments[1]:
            raise UsageError("Both clips are the same. Name two different ones.")
        a, b = entries((name, prompt) for name in arguments)
        return Found(_groups([(prompt, [(a, b)])]), [])

    _judge("compare", arguments, find, asked, out, partial(console.show_comparisons, verbose=verbose))


def pairs_to_vote(arguments: list[str], prompt: str | None) -> list[tuple[Entry, Entry]]:
    """The pairs of a list with two paths a row, else all pairs of each prompt's clips."""
    if len(arguments) == 1 and Path(arguments[0]).suffix.lower() in LIST_SUFFIXES and not Path(arguments[0]).is_dir():
        from vqinsight.video.lists import read_pair_list

        rows = read_pair_list(Path(arguments[0]))
        if rows is not None:
            groups = _grouped_rows([(a, b, text or prompt) for a, b, text in rows])
            return [(pair.a, pair.b) for group in groups for pair in group.pairs]
    return [pair for _, clips in _by_prompt(arguments, prompt) for pair in combinations(clips, 2)]


def _by_prompt(arguments: list[str], prompt: str | None) -> Prompts:
    """The clips of each prompt: by their prompts, or those of a folder with one sub-folder a prompt."""
    from vqinsight.ranking.candidate_folders import Candidates, find_candidates
    from vqinsight.video.inputs import media_files

    place = Path(arguments[0])
    if len(arguments) == 1 and prompt is None and os.path.isdir(place):  # noqa: PTH112 - is_dir fails on long names
        candidates: list[Candidates] = []
        with suppress(OSError):  # what cannot be read is named as for other verbs
            candidates = [] if media_files(place) else find_candidates(place)
        if candidates:
            progress.notice(
                f"Each sub-folder of {place} is a prompt ({len(candidates)}). With --prompt TEXT all clips are of one."
            )
            found = entries((path, each.prompt) for each in candidates for path in each.paths)
            clips = iter(found)
            return [(each.prompt, list(islice(clips, len(each.paths)))) for each in candidates]
    prompts: dict[str | None, list[Entry]] = {}
    for entry in entries(expand(arguments, prompt)):
        prompts.setdefault(entry.prompt, []).append(entry)
    return list(prompts.items())


def _listed(argument: str, prompt: str | None) -> list[Group]:
    """The pairs of a list with two paths a row, or of prompts that have two clips each."""
    place = Path(argument)
    if not place.is_dir() and place.suffix.lower() not in LIST_SUFFIXES:
        raise UsageError(f"Name two clips, or a list of pairs; {argument} is no list.")
    if place.suffix.lower() in LIST_SUFFIXES:
        from vqinsight.video.lists import read_pair_list

        rows = read_pair_list(place)
        if rows is not None:
            return _grouped_rows([(a, b, text or prompt) for a, b, text in rows])
    prompts = _by_prompt([argument], prompt)
    for text, clips in prompts:
        if len(clips) != 2:
            raise UsageError(
                f"compare takes two clips a prompt, and {_named(text)} has {len(clips)} in {argument}. Use vqinsight "
                "rank, or a list with the columns path_a, path_b and prompt."
            )
    return _groups((text, [(clips[0], clips[1])]) for text, clips in prompts)


def _grouped_rows(rows: Sequence[tuple[Any, Any, str | None]]) -> list[Group]:
    """Rows of one prompt share their clips; each row without a prompt stands alone, as they may be many."""
    groups: dict[Any, tuple[str | None, list[tuple[Entry, Entry]]]] = {}
    clips: dict[tuple[str, str | None], Entry] = {}
    for number, (a, b, text) in enumerate(rows):
        sides = [
            clips.setdefault((location(source), text), entry)
            for source, entry in zip((a, b), entries([(a, text), (b, text)]), strict=True)
        ]
        groups.setdefault(text or number, (text, []))[1].append((sides[0], sides[1]))
    return _groups(groups.values())


def _groups(prompts: Iterable[tuple[str | None, Iterable[tuple[Entry, Entry]]]]) -> list[Group]:
    named = [(text, list(pairs)) for text, pairs in prompts]
    rows = iter(pair_entries(pair for _, pairs in named for pair in pairs))
    return [Group(text, tuple(islice(rows, len(pairs)))) for text, pairs in named]


def _named(prompt: str | None) -> str:
    return "no prompt" if prompt is None else f"the prompt {prompt!r}"


def _judge(
    verb: Verb,
    arguments: list[str],
    find: Callable[[], Found],
    asked: opt.Asking,
    out: str | None,
    show: Callable[..., None],
) -> None:
    folder, place = is_folder(out), Path(out) if out else None
    outputs = output.Outputs(asked.json_lines, place, asked.report, asked.quiet, folder=folder, kept=out is not None)
    with output.deliver(outputs, arguments, show) as take:
        found = find()
        for line in found.lone:
            progress.notice(line)
        judge = open_judge(asked)
        if place is None:
            with closing(_compared(judge, found.groups, asked)) as compared:
                _take(verb, found.groups, lambda _: next(compared), take)
        elif folder:
            _to_folder(verb, judge, found.groups, asked, place, take)
        else:
            _to_file(verb, judge, found.groups, asked, place, take)
        take.failed |= bool(found.lone)


def _take(
    verb: Verb, groups: Sequence[Group], get: Callable[[PairEntry], ClipComparison], take: Callable[[Any], None]
) -> None:
    """Take the comparisons of each group as they come, or its ranking."""
    for group in groups:
        pairs = []
        for entry in group.pairs:
            pairs.append(get(entry))
            if verb == "compare":
                take(pairs[-1])
        if verb == "rank":
            take(_ranking(group, pairs))


def _ranking(group: Group, pairs: Sequence[Any]) -> Any:
    from vqinsight.ranking import standings  # imports scipy

    return standings.ranking(group.prompt, pairs, pairs[0].provenance)


def _to_folder(
    verb: Verb, judge: VQInsight, groups: list[Group], asked: opt.Asking, out: Path, take: output.Taker[Any]
) -> None:
    from vqinsight.report.kept_pairs import show_kept_pairs
    from vqinsight.report.store import open_store

    with open_store(out, _settings(verb, judge, asked), {}) as store:
        left = [pair for group in groups for pair in group.pairs if not store.has(pair)]
        shares: list[float] = []  # the share of each pair comes just before it
        ids = {pair.id for pair in left}
        compared = _compared(judge, groups, asked, lambda pair: pair.id in ids, log=True, on_seconds=shares.append)
        with closing(compared):
            for entry, result in zip(left, compared, strict=True):
                store.add(entry, result, shares[-1] if shares else None)
                take(result)
        store.commit()
        stand = [(group.prompt, [_outcome(store.known[pair.id]) for pair in group.pairs]) for group in groups]
    take.failed |= any(pair.status != "ok" for _, pairs in stand for pair in pairs)
    if not asked.json_lines:
        show_kept_pairs(output.text_console(), str(out), stand, ranked=verb == "rank")


def _outcome(row: Mapping[str, Any]) -> PairOutcome:
    from vqinsight.ranking.standings import PairOutcome

    readable = (row["a_kind"] is not None, row["b_kind"] is not None)
    return PairOutcome((row["a"], row["b"]), readable, row["verdict"], row["status"], row["error"])


def _to_file(
    verb: Verb, judge: VQInsight, groups: list[Group], asked: opt.Asking, out: Path, take: output.Taker[Any]
) -> None:
    from vqinsight.report.kept_file import open_kept

    def assemble(found: Mapping[str, Judged]) -> list[ResultRecord]:
        """The rankings of the groups that are judged in full."""
        whole = [group for group in groups if all(pair.id in found for pair in group.pairs)]
        return [_ranking(group, [found[pair.id] for pair in group.pairs]) for group in whole]

    options = {"assemble": assemble} if verb == "rank" else {}
    with open_kept(out, _settings(verb, judge, asked), **options) as kept:
        earlier = {pair.id: kept.earlier(pair) for group in groups for pair in group.pairs}

        def get(pair: PairEntry) -> ClipComparison:
            before = earlier[pair.id]
            result = before if isinstance(before, ClipComparison) else next(compared)
            kept.add(pair, result, again=before is not None)
            return result

        with closing(_compared(judge, groups, asked, lambda pair: earlier[pair.id] is None, log=True)) as compared:
            _take(verb, groups, get, take)


def _settings(verb: Verb, judge: VQInsight, asked: opt.Asking) -> dict[str, Any]:
    return {"verb": verb} | judge.settings(**asked.pick(*opt.SAMPLING))


def _compared(
    judge: VQInsight,
    groups: Sequence[Group],
    asked: opt.Asking,
    is_left: Callable[[PairEntry], bool] = lambda _: True,
    *,
    log: bool = False,
    on_seconds: Callable[[float], None] | None = None,
) -> Generator[ClipComparison, None, None]:
    """The comparisons of the pairs that are left, in order."""
    work = [todo for group in groups if (todo := group.work(is_left)).pairs]
    total = sum(len(todo.pairs) for todo in work)
    options = asked.pick(*opt.SAMPLING) | ({"on_seconds": on_seconds} if on_seconds else {})
    with progress.counting("Comparing pairs", total, asked.json_lines, log=log) as count:
        for done, result in enumerate(judge.compare_all(work, **options), start=1):
            yield result
            count(done, total)
