"""A result file that outlives kills: results go to a journal beside it, and the file is replaced once all are there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vqinsight.common.files import remove_parts, sync
from vqinsight.common.journal import Journal
from vqinsight.common.lock import hold_file
from vqinsight.report.files import plain_errors, write_records
from vqinsight.report.phrases import ResultRecord
from vqinsight.report.store import NOTES, PART_CLIPS, PART_SECONDS
from vqinsight.results import SCHEMA_VERSION, Judged, asked_again, read_record, without_previews
from vqinsight.video.entries import Place

_NEW = "new"  # id of the row that says that there was no file before
Assemble = Callable[[Mapping[str, Judged]], Sequence[ResultRecord]]


def _each(found: Mapping[str, Judged]) -> Sequence[ResultRecord]:
    return list(found.values())


class KeptFile:
    """The results of a file for its one writer; see ``open_kept``. Each is in the journal on return."""

    def __init__(self, path: Path, journal: Journal, assemble: Assemble) -> None:
        self.path, self._journal, self._assemble = path, journal, assemble
        self._results: dict[str, Judged] = {}
        self._unsynced, self._since = 0, time.monotonic()

    def earlier(self, entry: Place) -> Judged | None:
        """The result of a stopped run, if it is of the clip as it is and not to be asked again."""
        row = self._journal.rows.get(entry.id)
        if row is None or row["revision"] != entry.revision:
            return None
        if asked_again(row["record"]["status"], row["record"]["error"]):
            return None
        return read_record(row["record"])

    def add(self, entry: Place, record: Judged, *, again: bool = False) -> None:
        """Add a result; results are written to the file in this order.

        Args:
            again: it is in the journal.

        Raises:
            UsageError: it cannot be written.
        """
        record = without_previews(record)
        if again:
            self._results[entry.id] = record
            return
        with plain_errors(self.path):
            self._journal.add({"id": entry.id, "revision": entry.revision, "record": record.as_dict()})
            self._results[entry.id] = record
            self._unsynced += 1
            if self._unsynced >= PART_CLIPS or time.monotonic() - self._since >= PART_SECONDS:
                sync(self._journal.path)
                self._unsynced, self._since = 0, time.monotonic()

    def finish(self) -> None:
        """Replace the file by all results, and remove the journal.

        Raises:
            UsageError: it cannot be written.
        """
        if records := self._assemble(self._results):
            write_records(self.path, records)
        with plain_errors(self.path):
            self._journal.remove()

    def leave(self) -> None:
        """End a stopped run: the journal stays. Where there was no file before, it gets what there is.

        Raises:
            UsageError: it cannot be written.
        """
        if not self._journal.rows.keys() - {_NEW}:
            self._journal.remove()
        elif _NEW in self._journal.rows and (records := self._assemble(self._results)):
            write_records(self.path, records)


@contextmanager
def open_kept(path: Path, settings: Mapping[str, Any], assemble: Assemble = _each) -> Iterator[KeptFile]:
    """Hold a result file for its one writer; on leaving it is finished, or left after an error or an interruption.

    Args:
        settings: as for ``open_store``.
        assemble: the records of the file, from the results by id.

    Raises:
        UsageError: another process writes to it, its journal was begun with other settings, or it cannot be written.
    """
    with hold_file(path):
        remove_parts(path.parent, path.name)
        is_new = not os.path.lexists(path)
        with plain_errors(path):
            depends = {key: value for key, value in settings.items() if key not in NOTES}
            depends["schema_version"] = SCHEMA_VERSION
            journal = Journal(path.with_name(f"{path.name}.journal.jsonl"), depends)
            if is_new and not journal.rows:
                journal.add({"id": _NEW})
        kept = KeptFile(path, journal, assemble)
        try:
            yield kept
        except BaseException:
            kept.leave()
            raise
        kept.finish()
