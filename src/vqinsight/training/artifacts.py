"""Steps of a run with cached artefacts: each runs once, can be interrupted, and writes only to its own folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vqinsight.common.files import atomic_path, write_atomic
from vqinsight.errors import UsageError
from vqinsight.training.run import processes

logger = logging.getLogger(__name__)

NOTE = "step.json"


class Artifacts:
    """The steps of a run, by name; each has its own folder under ``out``.

    Args:
        out: the run's folder.
        reuse: existing artefacts, by the name of the step that they replace.

    Raises:
        UsageError: an artefact to reuse does not exist.
    """

    def __init__(self, out: Path, reuse: Mapping[str, Path]) -> None:
        self._out, self._reuse = out, dict(reuse)
        for name, place in self._reuse.items():
            if not place.exists():
                raise UsageError(f"reuse.{name} = {place}: there is no such file or folder.")

    def run(
        self, name: str, inputs: Mapping[str, Any], make: Callable[[Path], dict[str, Any]], *, alone: bool = True
    ) -> Path:
        """The artefact of a step; the step runs unless it is finished.

        Args:
            name: of the step and of its folder.
            inputs: everything the artefact depends on, ready for JSON; stored with it.
            make: runs or resumes the step in the folder; its return value is stored as the summary.
            alone: whether one process runs the step; a training step runs on all of them.

        Raises:
            UsageError: the folder belongs to something else, or to other settings.
        """
        if name in self._reuse:
            return self._reuse[name]
        place, given = self._out / name, json.loads(json.dumps(inputs))
        before = self._note(place, name)
        if before is not None:
            changed = [key for key in {**before["inputs"], **given} if before["inputs"].get(key) != given.get(key)]
            if changed:
                raise UsageError(
                    f"{place} was made with other settings ({', '.join(changed)}; see {place / NOTE}). Choose another "
                    f"out, or reuse what there is: --set reuse.{name}={place}"
                )
            if before["finished"]:
                return place
        if alone and processes().num_processes > 1:
            raise UsageError(f"{name} is made by one process: run the same command without torchrun up to here.")
        self._write(place, {"inputs": given, "finished": False})
        logger.info("%s %s", "goes on:" if before else "begins:", place)
        summary = make(place)
        processes().wait_for_everyone()
        self._write(place, {"inputs": given, "finished": True, "summary": summary})
        logger.info("finished: %s, %s", place, json.dumps(summary))
        return place

    def place(self, name: str) -> Path:
        """The path of a step's artefact, whether or not it exists."""
        return self._reuse.get(name, self._out / name)

    def exists(self, name: str) -> bool:
        """Whether the artefact of a step is reused or finished."""
        if name in self._reuse:
            return True
        note = self._note(self._out / name, name)
        return note is not None and bool(note["finished"])

    def reused(self, *names: str) -> dict[str, str]:
        """The reused artefacts among these steps, which are inputs of the following steps."""
        return {name: str(self._reuse[name]) for name in names if name in self._reuse}

    def summaries(self) -> dict[str, Any]:
        """The summary of every finished step, by name."""
        notes = sorted(self._out.rglob(NOTE), key=lambda note: note.stat().st_mtime)
        read = {str(note.parent.relative_to(self._out)): json.loads(note.read_text(encoding="utf-8")) for note in notes}
        return {name: note["summary"] for name, note in read.items() if note["finished"]}

    @staticmethod
    def _note(place: Path, name: str) -> dict[str, Any] | None:
        if not place.exists():
            return None
        if not (place / NOTE).is_file():
            raise UsageError(f"{place} is there already and was not made by the step {name}. Choose another out.")
        note: dict[str, Any] = json.loads((place / NOTE).read_text(encoding="utf-8"))
        return note

    @staticmethod
    def _write(place: Path, note: dict[str, Any]) -> None:
        if not processes().is_main_process:
            return
        # The folder and its note are created together, so that an interruption leaves no folder without a note.
        if not place.exists():
            with atomic_path(place) as part:
                part.mkdir(parents=True)
                (part / NOTE).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
            return
        write_atomic(place / NOTE, json.dumps(note, indent=2) + "\n")
