"""Diffusion DPO: trains a generator on pairs of clips, with Accelerate.

The seed and a pair's position in the run fix all random draws of an update (pairs, t, noise), so a resumed run gives
the result of an uninterrupted one, and the draws do not depend on the number of processes.
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import reduce

from vqinsight.common.files import write_atomic
from vqinsight.common.seeds import seed_of
from vqinsight.errors import TrainingError, UsageError
from vqinsight.generator.base import Generator
from vqinsight.generator.dpo import PairErrors, dpo, pair_errors
from vqinsight.generator.dpo_checkpoint import Progress, checkpoints, restore, save_checkpoint
from vqinsight.generator.dpo_log import TrainingLog
from vqinsight.generator.ema import RunningAverage
from vqinsight.generator.latents import CachedPair, cache_latents, cached
from vqinsight.generator.lora import has_lora
from vqinsight.ranking.pairs_file import Pairs
from vqinsight.settings.dpo import DpoSettings

logger = logging.getLogger(__name__)

FINISHED = "dpo.json"  # in the final folder; written last


def train_dpo(
    generator: Generator,
    pairs: Pairs,
    settings: DpoSettings,
    out: Path,
    *,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Train ``generator`` by Eq. 9, in place, with its initial state as reference; resumes a run in ``out``.

    Args:
        pairs: winners and losers; unreadable ones are left out and counted.
        out: gets ``latents/``, ``checkpoint-*``, ``log.jsonl`` and ``final/``.
        on_progress: called with (pairs encoded, pairs) before the first update.

    Returns:
        The folder of the finished generator, which ``open_generator`` reads.

    Raises:
        TrainingError: no usable pair; or a loss, a gradient or a weight that is not finite: nothing is saved from then
            on.
        UsageError: settings that do not fit this generator or the number of processes.
    """
    final = out / "final"
    if (final / FINISHED).is_file():
        logger.info("%s is finished already", out)
        return final
    # No Accelerator: its state is global to the process, and the assessor's Trainer creates its own.
    state = PartialState(cpu=not torch.accelerator.is_available())
    shares = state.num_processes * settings.pairs_per_forward
    if settings.pairs_per_update % shares:
        raise UsageError(
            f"dpo.pairs_per_update = {settings.pairs_per_update} cannot be cut into passes of {shares} over all "
            "processes."
        )
    generator.to(state.device)
    place = (state.process_index, state.num_processes)
    cache_latents(generator, pairs.pairs, out / "latents", part=place, on_progress=on_progress)
    state.wait_for_everyone()
    usable, broken = cached(pairs.pairs, out / "latents")
    if not usable:
        reasons = "; ".join([pairs.summary(), *broken[:3], *pairs.missing[:3]])
        raise TrainingError(f"{out}: no usable pair to learn from ({reasons}). Make more candidates a prompt.")
    for reason in broken:
        logger.warning("left out: %s", reason)
    with torch.random.fork_rng():  # LoRA's initial weights depend on the seed alone
        torch.manual_seed(seed_of(f"{seed}/lora"))
        _set_free(generator, settings)
    run = _Run(generator, usable, settings, state, seed, out)
    progress = restore(out, run.learning, run.optimizer, run.average, state.device)
    stopped = _displaced(progress, settings)
    with TrainingLog(out / "log.jsonl", progress.step, writes=state.is_main_process) as log:
        while progress.step < settings.updates and stopped is None:
            progress, row = run.update(progress)
            log.take(row, last=progress.step == settings.updates, every=settings.log_every)
            stopped = _displaced(progress, settings)
            if progress.step % settings.save_every == 0:
                run.check_weights(progress)
                if state.is_main_process:
                    save_checkpoint(out, progress, run.learning, run.optimizer, run.average)
    if stopped:
        logger.warning("stopped after update %d: %s", progress.step, stopped)
    run.check_weights(progress)
    if state.is_main_process:
        with run.average.applied() if run.average else nullcontext():
            generator.save(final)
        left_out = Counter(pairs.left_out) + Counter({"whose clips cannot be encoded": len(broken)})
        summary = {
            "updates": progress.step,
            "stopped": stopped,
            "pairs": len(usable),
            "left_out": {reason: count for reason, count in left_out.items() if count},
            "rise": progress.rise(),
            "dtype": run.dtype,
        }
        write_atomic(final / FINISHED, json.dumps(summary, indent=2) + "\n")
    state.wait_for_everyone()
    return final


def _displaced(progress: Progress, settings: DpoSettings) -> str | None:
    if not settings.max_rise or len(progress.watched) < settings.watch or progress.rise() <= settings.max_rise:
        return None
    return f"the winners' error stood {progress.rise():.1%} above the reference's (likelihood displacement)"


class _Run:
    """A training run: what an update needs."""

    def __init__(
        self,
        generator: Generator,
        pairs: Sequence[CachedPair],
        settings: DpoSettings,
        state: PartialState,
        seed: int,
        out: Path,
    ) -> None:
        self.generator, self.state, self._out = generator, state, out
        self.learning = {name: p for name, p in generator.denoiser.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(
            self.learning.values(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.average = RunningAverage(generator.denoiser, settings.ema) if settings.ema else None
        self._pairs, self._settings, self._seed = pairs, settings, seed

    @property
    def dtype(self) -> str:
        """Of the trained weights."""
        return str(next(iter(self.learning.values())).dtype).removeprefix("torch.")

    def check_weights(self, progress: Progress) -> None:
        """Check the trained weights, which all processes have alike.

        Raises:
            TrainingError: one is not finite.
        """
        weight = torch.nn.utils.get_total_norm([p.detach() for p in self.learning.values()], math.inf).item()
        if not math.isfinite(weight):
            raise self._diverged(progress.step, f"the weights are not finite ({weight})")

    def update(self, progress: Progress) -> tuple[Progress, dict[str, float]]:
        """One step of the optimizer over this process's share of the update's pairs."""
        settings, state = self._settings, self.state
        share = settings.pairs_per_update // state.num_processes
        first = progress.step * settings.pairs_per_update + state.process_index * share
        rate = settings.learning_rate * min(1.0, (progress.step + 1) / max(1, settings.warmup))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        totals = torch.zeros(8, dtype=torch.float64)
        for begin in range(first, first + share, settings.pairs_per_forward):
            positions = range(begin, begin + settings.pairs_per_forward)
            with torch.autocast(state.device.type, torch.bfloat16, enabled=settings.dtype == "bf16"):
                errors = self._errors(positions)
            found = dpo(errors.win_B, errors.win_reference_B, errors.lose_B, errors.lose_reference_B, settings.beta)
            loss = (found.loss_B + settings.sft * errors.win_B).sum() / share
            loss.backward()
            columns = (
                *(found.loss_B, found.accuracy_B, found.margin_B, errors.win_B, errors.win_reference_B),
                *(errors.lose_B, errors.lose_reference_B, errors.drift_B),
            )
            totals += torch.stack([column.detach().double().sum().cpu() for column in columns])
        means = (self._everywhere(totals) / settings.pairs_per_update).tolist()
        names = ("loss", "accuracy", "margin", "error_win", "reference_win", "error_lose", "reference_lose", "drift")
        row = dict(zip(names, means, strict=True))
        # Of sums over all processes, so that they stop together.
        for name in ("loss", "error_win", "error_lose"):
            if not math.isfinite(row[name]):
                raise self._diverged(progress.step + 1, f"the {name.replace('_', ' of ')} is not finite ({row[name]})")
        norm = self._averaged_gradients()
        if not math.isfinite(norm):
            raise self._diverged(progress.step + 1, f"the gradients are not finite ({norm})")
        self._step()
        row |= {"gradient": norm, "learning_rate": rate}
        watched = (*progress.watched, (row["error_win"], row["reference_win"]))[-settings.watch :]
        after = Progress(progress.step + 1, watched)
        return after, {"step": after.step, **row, "rise": after.rise()}

    def _errors(self, positions: Sequence[int]) -> PairErrors:
        generator, device = self.generator, self.state.device
        wins, loses, noises, times, prompts = [], [], [], [], []
        for position in positions:
            turn, place = divmod(position, len(self._pairs))
            order = np.random.default_rng((self._seed, turn)).permutation(len(self._pairs))
            chosen = self._pairs[int(order[place])]
            win, lose = chosen.load()
            rng = torch.Generator().manual_seed(seed_of(f"{self._seed}/{position}"))
            times.append(generator.sample_t(1, rng))
            noises.append(torch.randn(win.shape, generator=rng))
            wins.append(win)
            loses.append(lose)
            prompts.append(chosen.pair.prompt)
        win, lose, noise = (torch.stack(each).to(device, generator.dtype) for each in (wins, loses, noises))
        with torch.no_grad():
            conditioning = generator.encode_prompt(prompts)
        return pair_errors(generator, win, lose, noise, torch.cat(times).to(device), conditioning)

    def _averaged_gradients(self) -> float:
        """Average the gradients over all processes and clip them; returns their norm before."""
        # Averaged here: ``predict`` calls the denoiser without a wrapper for several processes.
        for parameter in self.learning.values():
            if parameter.grad is not None:
                parameter.grad = reduce(parameter.grad, reduction="mean")
        return float(torch.nn.utils.clip_grad_norm_(self.learning.values(), self._settings.max_grad_norm))

    def _step(self) -> None:
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average:
            self.average.update()

    def _diverged(self, update: int, what: str) -> TrainingError:
        places = checkpoints(self._out)
        last = f"The last good checkpoint is {places[-1]}." if places else "There is no checkpoint yet."
        return TrainingError(
            f"update {update}: {what}. {last} Lower dpo.learning_rate, or look for clips that the generator's encoder "
            f"cannot take; vqinsight align --resume makes this step anew when {self._out} is moved away."
        )

    def _everywhere(self, totals: torch.Tensor) -> torch.Tensor:
        if self.state.num_processes == 1:
            return totals
        found: torch.Tensor = reduce(totals.float().to(self.state.device), reduction="sum")
        return found.double().cpu()


def _set_free(generator: Generator, settings: DpoSettings) -> None:
    """Freeze the reference and make the trained weights trainable, in float32 whatever they were loaded in.

    Half precision holds about three digits: an update of 1e-6 of a weight rounds to nothing. What is computed in
    bfloat16 (``settings.dtype``) is cast for each pass. Under LoRA the base keeps its precision, unless LoRA is merged
    into it.
    """
    denoiser = generator.denoiser
    # Always in evaluation mode: dropout alone makes the generator differ from its reference.
    denoiser.eval()
    if settings.lora_rank and not has_lora(denoiser):
        generator.add_lora(settings.lora_rank)
    elif settings.lora_rank:
        denoiser.float()
        generator.reset_reference()  # a further round: the current weights become the reference
    elif has_lora(denoiser):
        raise UsageError(f"{generator.name} comes with LoRA, which learns on: set dpo.lora_rank above 0.")
    else:
        denoiser.float()
        generator.reset_reference()
        denoiser.requires_grad_(True)
    if settings.gradient_checkpointing:
        enable = getattr(denoiser, "enable_gradient_checkpointing", None)
        if not callable(enable):
            raise UsageError(f"{generator.name}: its denoiser has no gradient checkpointing. Leave it out.")
        enable()
