"""Tables of what runs at real size: cost of an update, memory, precision, layouts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from benchmarks.performance.plan import PLACES, cell
from benchmarks.results import results

_ANSWERS = {"score": "same_overall", "ask": "same_yes"}
_WAYS = ("plain", "chunked")
_JUDGED = {
    "folder": "64 clips scored, 4 of them bad",
    "rank": "10 clips ranked in both orders",
    "questions": "ten questions about one clip",
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    titles = list(head)
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def merged(rows: Iterable[list[str]]) -> list[list[str]]:
    """One row for all whose figures are equal, with their names in order."""
    names: dict[tuple[str, ...], list[str]] = {}
    for name, *figures in rows:
        names.setdefault(tuple(figures), []).append(name)
    return [[", ".join(alike), *figures] for figures, alike in names.items()]


def step() -> str:
    """One update on the grid: the ratio to the stock flow with the wanted one."""
    cells = results("step")["cells"]
    lengths = sorted({each["answer_tokens"] for each in cells})
    grid = {(each["visual_tokens"], each["tower"], each["answer_tokens"]): each for each in cells}
    rows = [
        [f"{visual}, {tower}", *(_ratio(grid.get((visual, tower, length), {})) for length in lengths)]
        for visual, tower in dict.fromkeys((each["visual_tokens"], each["tower"]) for each in cells)
    ]
    head = ("visual tokens, tower", *(f"{length} answer tokens" for length in lengths))
    faster = _span([each["sampling_speedup"] for each in cells if "sampling_speedup" in each], 1)
    phases = {name: [each["ours"]["phases"][name]["of_limit"] for each in cells] for name in cells[0]["ours"]["phases"]}
    shares = ", ".join(f"{name} {_span(values, 2)}" for name, values in phases.items())
    return (
        f"{table(head, rows)}\n\nSampling is {faster} times as fast as transformers' loop. Shares of the limit, a "
        f"matrix product of as many rows: {shares}."
    )


def _ratio(each: dict[str, Any]) -> str:
    """How many times faster than the stock flow, and how many are wanted; empty where it is not measured."""
    return f"{each['ratio']:.1f} ({0.85 * each['ratio_of_operations']:.1f})" if "ratio" in each else ""


def _span(values: list[float], digits: int) -> str:
    """The least and the greatest value."""
    return f"{min(values):.{digits}f}–{max(values):.{digits}f}"


def judging() -> str:
    """Processor seconds of judging, ours and without what is shared: the first and the second way of each row."""
    rows = []
    for name, row in results("judging")["rows"].items():
        ours, plain = (spent["cpu_s"]["median"] for spent in list(row["ways"].values())[:2])
        rows.append([_JUDGED[name], f"{ours:.1f}", f"{plain:.1f}"])
    return table(["", "CPU s", "one by one"], rows)


def plan() -> str:
    """What each configuration takes of a card, and of days."""
    found = results("plan")["configurations"]
    smallest, *others = PLACES
    rows = (
        [f"`{name}`", cell(row[smallest], memory=False), *(cell(row[place]) for place in others)]
        for name, row in found.items()
    )
    return table(["", *PLACES], merged(rows))


def precision() -> str:
    """The share of learned weights that two updates change."""
    found = results("precision")["arrangements"] | results("precision_deepspeed")["arrangements"]
    rows = ([name, f"{row['share']:.2%}", row["dtype"]] for name, row in found.items() if row["share"] is not None)
    return table(["arrangement", "changed", "saved as"], merged(rows))


def log_probs() -> str:
    """Peak memory of log-probabilities at a vocabulary of 152,064."""
    found = results("log_probs")
    longest = [max((row for row in found["rows"] if row["way"] == way), key=lambda row: row["tokens"]) for way in _WAYS]
    peaks = [f"{row['way']} {row['peak_bytes'] / 1e9:.2f} GB at {row['tokens']:,} answer tokens" for row in longest]
    grown = f"{found['plain_bytes_at_8192_tokens'] / 1e9:.0f} GB"
    return f"At their longest: {', '.join(peaks)}, where the plain way takes {grown}."


def layouts() -> str:
    """What every checkpoint layout does, and which do not."""
    rows = results("layouts")["rows"]
    checks = ("tower_unchanged", "resumed_equals_straight", "answers_after")
    sound = [row["layout"] for row in rows if row["trained_entries_moved"] > 0.99 and all(row[key] for key in checks)]
    other = [row["layout"] for row in rows if row["layout"] not in sound]
    found = f"Sound: {', '.join(f'`{name}`' for name in sound)}."
    return found + (f" Not: {', '.join(f'`{name}`' for name in other)}." if other else "")


def arena() -> str:
    """What became of votes while the server was killed."""
    found = results("arena")
    lost = Counter[str]()
    for counts in (*found["after_kills"], found["at_the_end"]):
        lost.update(counts)
    return (
        f"{found['raters']} raters at once, {found['kills']} times SIGKILL in the middle: of {found['acknowledged']} "
        f"acknowledged votes {lost['missing']} are missing, {lost['repeated'] + lost['pairs_twice']} stored twice, "
        f"{lost['altered']} altered. Acknowledged in {found['p50_ms']:.0f} ms (median), {found['p95_ms']:.0f} (95 %), "
        f"on a busy machine. A loss of power is not measured."
    )


def serving() -> str:
    """A server's speed by clients beside the offline rate, and what became of four times its load."""
    parts = results("serving")["parts"]
    rows = [
        [name, f"{part['clips_per_second']:.2f}", *(_seconds(part.get(place)) for place in ("p50", "p95"))]
        for name, part in parts.items()
        if name != "overload"
    ]
    full = parts["overload"]
    taken, held = full["statuses"], full["rss_mib"]
    others = sum(taken.values()) - taken.get("200", 0) - taken.get("429", 0)
    said = (
        f"Four times that load for {full['seconds']:g} s: {taken.get('200', 0)} answered, {full['wrong']} unlike "
        f"offline; {taken.get('429', 0)} got 429, {full['without_retry_after']} without `Retry-After`; {others} "
        f"otherwise. Memory: {held['start']:.0f} MiB at the start, {held['end']:.0f} "
        f"at the end, {held['max']:.0f} at most."
    )
    return f"{table(['', 'clips a second', 'p50, s', 'p95, s'], rows)}\n\n{said}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def web() -> str:
    """How long the pages take, and what they weigh."""
    found = results("web")
    seconds, kib = found["seconds"], found["kib"]
    return (
        f"On two busy CPU cores a clip is looked at in {seconds['first look']:.1f} s, two are compared in "
        f"{seconds['compare']:.1f} s, five ranked in {seconds['rank five']:.1f} s; the first page comes after "
        f"{seconds['first page']:.1f} s. A page weighs {kib['look']:.0f} KiB without videos."
    )


def reward_loop() -> str:
    """What the clients of other projects got in their loops."""
    rows = [
        [
            f"{row['project']} {row['commit'][:7]}",
            *(str(row[key]) for key in ("steps", "equal", "different", "error")),
            str(sum(row["faults"].values())),
        ]
        for row in results("reward_loop")["loops"].values()
    ]
    head = ["project", "steps", "as offline", "different", "errors", "faults"]
    return table(head, rows)


def engines() -> str:
    """Other engines against a model loaded here: on how many clips the answer is the same."""
    found = results("engines")
    same = []
    if own := found.get("serve"):
        same.append(f"`vqinsight serve` {_of(own['equal'], own['clips'])}")
    if ray := found.get("ray"):
        same.append(f"Ray {_of(ray['equal'], ray['clips'])}")
    if vllm := found.get("vllm"):
        answers = vllm["answers"]
        scored, asked = (_of(answers[verb][key], answers["clips"]) for verb, key in _ANSWERS.items())
        same.append(f"vLLM {scored} scores and {asked} answers of `ask`")
    return f"The same answers: {', '.join(same)}."


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}"


def vllm() -> str:
    """Prompts and probabilities of vLLM against those of a model loaded here."""
    found = results("engines")["vllm"]
    models = {"nano": found["nano"], **found["layouts"]}
    rows = []
    for name, each in models.items():
        shifts, dtype = each["largest_log_prob_difference"], each["dtype"]
        sent = ("PNG, times told", "JPEG, times told", "PNG, times not told")
        of = [shifts.get(f"{way}; here {dtype}") for way in sent]
        same = f"{each['same']['prompt_tokens']} of {each['clips']}"
        rows.append([name, same, *("" if shift is None else f"{shift:.4f}" for shift in of)])
    ways = ("PNG", "JPEG", "times not told")
    return table(("model", "same prompt tokens", *ways), rows)


def reading() -> str:
    """Reading a clip of 10 s for a score: processor seconds, and shares of what other readers take."""
    rows = []
    for name, row in ((name, row) for name, row in results("reading")["rows"].items() if name.endswith(" 10 s")):
        ours = row["ours"]
        shares = [_share(row[reader]) for reader in ("decode_all", "decord")]
        rows.append([name, f"{ours['cpu']:.2f}", *shares])
    return table(["file", "CPU s", "of decoding all", "of decord"], rows)


def reading_machine() -> str:
    """The machine on which reading was measured."""
    found = results("reading")
    machine, rows = found["machine"], found["rows"].values()
    turns = sorted({row["ours"]["repeats"] for row in rows})
    return (
        f"{machine['cores']} cores ({machine['processor']}) a load of {machine['load']} when the last row was stored, "
        f"{' or '.join(map(str, turns))} turns of each reader."
    )


def _share(rival: dict[str, Any]) -> str:
    """Our processor seconds over those of another reader, with the range over turns."""
    if "refused" in rival:
        return "not read"
    return _spread(rival["ours_over_this"], rival["ratio_range"])


def _spread(value: float, ends: list[float]) -> str:
    """A median with its range; without one where it was measured once."""
    low, high = ends
    return f"{value:.2f}" if low == high else f"{value:.2f} ({low:.2f}–{high:.2f})"


def faults() -> str:
    """What was injected, and what became of the rows."""
    found = results("faults")["rows"]
    rows = ([name, f"{row['injected']:,}", f"{row['expected']:,}"] for name, row in found.items())
    counts = (f"{sum(row[key] for row in found.values())} {key}" for key in ("lost", "double", "wrong"))
    broken = [name for name, row in found.items() if not row["holds"]]
    verdict = f" Not held: {', '.join(broken)}." if broken else ""
    return f"{table(('fault', 'times', 'rows'), merged(rows))}\n\nOf all rows {', '.join(counts)}.{verdict}"


def damage() -> str:
    """What became of damaged clips."""
    row = results("faults")["rows"]["damaged clips"]
    found = Counter[str]()
    for outcomes in row["outcomes"].values():
        found.update(outcomes)
    named, whole, plain = (found[outcome] for outcome in ("named", "as undamaged", "as a plain decode"))
    return (
        f"Of {row['injected']} damaged clips {named} are named and have no score, {whole} show the frames of the "
        f"undamaged clip, and {plain} those of a plain\ndecode of the file: FFmpeg hides some damage without a word."
    )


def damaged() -> str:
    """What became of each of the damaged files, by kind."""
    kinds = results("damaged")["kinds"]
    verdicts = ("named", "warned", "whole", "unnoticed")
    rows = ([kind, *(str(each.get(verdict, 0)) for verdict in verdicts)] for kind, each in kinds.items())
    silent = sum(each.get("silent", 0) for each in kinds.values())
    return f"{table(('file', *verdicts), merged(rows))}\n\nAnything else that differs without a word: {silent}."
