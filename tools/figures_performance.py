"""Tables of what runs at real size: cost of an update, memory, precision, layouts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmarks.performance.plan import PLACES, cell
from benchmarks.results import results

_WAYS = ("plain", "chunked")
_PHASES = {"vision": "tower", "prefill": "prefill", "sampling": "sampling", "passes": "passes", "backward": "backward"}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    titles = list(head)
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def step() -> str:
    """One update on the grid: seconds of ours, share of the limit of each phase, and the ratio to the stock flow."""
    cells = results("step")["cells"]
    rows = []
    for each in cells:
        ours = each["ours"]
        reached = [f"{ours['phases'][name]['of_limit']:.2f}" for name in _PHASES]
        ratio = [f"{each['ratio']:.1f}", f"{0.85 * each['ratio_of_operations']:.1f}"] if "ratio" in each else ["", ""]
        faster = f"{each['sampling_speedup']:.1f}" if "sampling_speedup" in each else ""
        size = f"{each['visual_tokens']} / {each['answer_tokens']}, {each['tower']}"
        rows.append([size, f"{ours['s']:.0f}", *reached, faster, *ratio])
    head = (
        "visual / answer tokens, tower",
        "CPU s",
        *_PHASES.values(),
        "sampling, times faster",
        "times stock",
        "wanted",
    )
    return table(head, rows)


def judging() -> str:
    """Seconds of each way to judge, and the floor of a folder."""
    rows = []
    for name, row in results("judging")["rows"].items():
        for way, spent in row["ways"].items():
            rows.append([name, way, *(f"{spent[key]['median']:.1f}" for key in ("wall_s", "cpu_s"))])
        if "products_cpu_s" in row:
            rows.append([name, "matrix products", "", f"{row['products_cpu_s']:.1f}"])
    return table(["", "way", "wall s", "CPU s"], rows)


def plan() -> str:
    """What each configuration takes of a card, and of days."""
    found = results("plan")["configurations"]
    return table(["", *PLACES], ([f"`{name}`", *(cell(row[place]) for place in PLACES)] for name, row in found.items()))


def precision() -> str:
    """The share of learned weights that two updates change."""
    found = results("precision")["arrangements"] | results("precision_deepspeed")["arrangements"]
    rows = ([name, f"{row['share']:.2%}", row["dtype"]] for name, row in found.items() if row["share"] is not None)
    return table(["arrangement", "changed", "saved as"], rows)


def log_probs() -> str:
    """Peak memory and time of log-probabilities at a vocabulary of 152,064."""
    found = results("log_probs")
    longest = [max((row for row in found["rows"] if row["way"] == way), key=lambda row: row["tokens"]) for way in _WAYS]
    rows = (
        [row["way"], f"{row['tokens']:,}", f"{row['peak_bytes'] / 1e9:.2f} GB", f"{row['cpu_s']:.1f}"]
        for row in longest
    )
    text = table(["way", "answer tokens", "peak", "CPU s"], rows)
    return f"{text}\n\nThe plain way grows to {found['plain_bytes_at_8192_tokens'] / 1e9:.0f} GB at 8,192 tokens."


def layouts() -> str:
    """What every checkpoint layout does, and which do not."""
    rows = results("layouts")["rows"]
    checks = ("tower_unchanged", "resumed_equals_straight", "answers_after")
    sound = [row["layout"] for row in rows if row["trained_entries_moved"] > 0.99 and all(row[key] for key in checks)]
    other = [row["layout"] for row in rows if row["layout"] not in sound]
    found = f"Sound: {', '.join(f'`{name}`' for name in sound)}."
    return found + (f" Not: {', '.join(f'`{name}`' for name in other)}." if other else "")


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


def reward_loop() -> str:
    """What the clients of other projects got in their loops."""
    rows = [
        [
            f"{row['project']} {row['commit'][:7]}",
            f"`{row['reward']}`",
            *(str(row[key]) for key in ("steps", "clips", "equal", "different", "error")),
            str(sum(row["faults"].values())),
        ]
        for row in results("reward_loop")["loops"].values()
    ]
    head = ["project", "reward", "steps", "clips", "as offline", "different", "errors", "faults"]
    return table(head, rows)


def engines() -> str:
    """Other engines against a model loaded here, on the same clips."""
    found = results("engines")
    rows = []
    if own := found.get("serve"):
        rows.append(["`vqinsight serve`, whole files: score", own["clips"], own["same_status"], own["equal"], ""])
    if ray := found.get("ray"):
        rows.append(["Ray: score", ray["clips"], ray["same_status"], ray["equal"], ""])
    if vllm := found.get("vllm"):
        answers = vllm["answers"]
        score, asked = answers["score"], answers["ask"]
        largest = f"{score['largest_difference']:.0f} of 100"
        rows.append(["vLLM, frames: score", answers["clips"], score["same_status"], score["same_overall"], largest])
        rows.append(["vLLM, frames: ask", answers["clips"], asked["same_status"], asked["same_yes"], ""])
    return table(
        ("engine", "clips", "same status", "same answer", "largest difference"), ([str(c) for c in row] for row in rows)
    )


def vllm() -> str:
    """Prompts and probabilities of vLLM against those of a model loaded here."""
    found = results("engines")["vllm"]
    models = {"nano": found["nano"], **found["layouts"]}
    rows = []
    for name, each in models.items():
        shifts, dtype = each["largest_log_prob_difference"], each["dtype"]
        of = [
            shifts.get(f"{sent}; here {way}")
            for sent, way in (
                ("PNG, times told", dtype),
                ("PNG, times told", "float32"),
                ("JPEG, times told", "float32"),
                ("PNG, times not told", "float32"),
                ("PNG, times not told", "float32, 2 s a patch"),
            )
        ]
        same = f"{each['same']['prompt_tokens']} of {each['clips']}"
        rows.append([name, dtype, same, *("" if shift is None else f"{shift:.4f}" for shift in of)])
    ways = ("dtype of both", "float32 here", "JPEG", "times not told", "and 2 s a patch here")
    return table(("model", "dtype", "same prompt tokens", *ways), rows)


def reading() -> str:
    """Reading a clip for a score: processor and wall seconds, and shares of what other readers take."""
    rows = []
    for name, row in results("reading")["rows"].items():
        ours = row["ours"]
        shares = [_share(row[reader]) for reader in ("decode_all", "decord")]
        cpu = _spread(ours["cpu"], ours["cpu_range"])
        size = f"{row['width']}×{row['height']}"
        rows.append([name, size, f"{row['read']} of {row['frames']}", cpu, f"{ours['wall']:.2f}", *shares])
    return table(["file", "pixels", "frames read", "CPU s", "wall s", "of decoding all", "of decord"], rows)


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
    counts = ("injected", "expected", "found", "lost", "double", "wrong")
    rows = [
        [name, *(f"{row[key]:,}" for key in counts), "holds" if row["holds"] else "fails"]
        for name, row in found.items()
    ]
    return table(("fault", "times", "rows expected", *counts[2:], "verdict"), rows)


def damage() -> str:
    """What became of damaged clips, by kind."""
    found = results("faults")["rows"]["damaged clips"]["outcomes"]
    outcomes = ("named", "as undamaged", "as a plain decode")
    rows = ([kind, *(str(each.get(outcome, 0)) for outcome in outcomes)] for kind, each in found.items())
    return table(("damage", *outcomes), rows)


def damaged() -> str:
    """What became of each of the damaged files, by kind."""
    verdicts = ("named", "warned", "whole", "unnoticed", "silent")
    rows = (
        [kind, *(str(each.get(verdict, 0)) for verdict in verdicts)]
        for kind, each in results("damaged")["kinds"].items()
    )
    return table(("file", *verdicts), rows)
