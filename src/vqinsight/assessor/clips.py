"""Clips by name, preprocessed for one model: read from files, or rendered for a synthetic name."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

from vqinsight.errors import UnreadableVideo
from vqinsight.settings.inference import InferenceSettings
from vqinsight.video.info import SYNTHETIC
from vqinsight.video.inputs import Source
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import Observe, ProcessedClip, preprocess_clip
from vqinsight.video.views import ViewBuilder

_WORKERS = min(8, max(2, (os.cpu_count() or 1) // 2))  # decoding threads; an accelerator must not wait for them
_AHEAD = 8  # clips decoded in advance


@dataclass(frozen=True)
class ClipLoader:
    """Reads, samples and preprocesses clips for one model; thread-safe.

    Attributes:
        settings: how frames are sampled.
        spec: patch size and normalisation.
        views: what the model is shown.
        folder_fps: frame rate of folders of frames.
    """

    settings: InferenceSettings
    spec: PixelSpec
    views: ViewBuilder
    folder_fps: float | None = None

    @property
    def observe(self) -> Observe | None:
        """What measures every frame, where the settings ask for evidence."""
        if not self.settings.evidence:
            return None
        from vqinsight.measure.evidence import EvidenceObserver  # imports OpenCV

        return EvidenceObserver

    def load(self, path: str) -> ProcessedClip:
        """The clip of that name.

        Raises:
            UnreadableVideo: with the file, the reason and the remedy.
        """
        if path.startswith(SYNTHETIC):
            from vqinsight.synthetic.clips import synthetic_clip  # heavy, and not needed for files

            return synthetic_clip(path, self.settings, self.spec, self.views, self.observe)
        return preprocess_clip(
            path, self.settings, self.spec, self.views, folder_fps=self.folder_fps, observe=self.observe
        )

    def shuffled(self, clip: ProcessedClip, seed: int, position: int) -> ProcessedClip | None:
        """A video with its frames shuffled in time before anything is computed from them; ``None`` with one frame.

        What was measured between frames in order is not stated of it.

        Where the model is shown the frames alone they move within the patches. Other views are computed from frames:
        the clip is read again and they are computed from shuffled frames.

        Args:
            clip: from ``load``.
            seed, position: as for ``video.shuffle.shuffled_order``.

        Raises:
            UnreadableVideo: the clip cannot be read again.
        """
        from vqinsight.video.shuffle import ShuffledViews, shuffled_view  # only training shuffles

        if len(set(clip.input.indices)) < 2:
            return None
        if clip.input.evidence is not None:
            clip = replace(clip, input=replace(clip.input, evidence=replace(clip.input.evidence, temporal="")))
        if not self.views.extra:
            [view] = clip.views
            return replace(clip, views=(shuffled_view(view, clip.input.indices, self.spec, seed, position),))
        frames_alone = self.settings.model_copy(update={"evidence": False})
        shuffling = replace(self, settings=frames_alone, views=ShuffledViews(self.views, seed, position))
        return replace(clip, views=shuffling.load(clip.path).views)

    def try_load(self, path: Source) -> ProcessedClip | UnreadableVideo:
        """The clip, or the error where it cannot be read."""
        if isinstance(path, UnreadableVideo):
            return path
        try:
            return self.load(path)
        except UnreadableVideo as error:
            return error

    def prefetch(
        self,
        paths: Iterable[Source],
        *,
        workers: int = _WORKERS,
        ahead: int = _AHEAD,
        load: Callable[[Source], ProcessedClip | UnreadableVideo] | None = None,
    ) -> Iterator[ProcessedClip | UnreadableVideo]:
        """``load`` (by default ``try_load``) of each path, in order; the next ``ahead`` are decoded in the
        background.
        """
        source, load = iter(paths), load or self.try_load
        with ThreadPoolExecutor(max_workers=workers) as pool:
            waiting: deque[Future[ProcessedClip | UnreadableVideo]] = deque()
            try:
                while True:
                    waiting.extend(pool.submit(load, path) for path in islice(source, ahead - len(waiting)))
                    if not waiting:
                        return
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()
