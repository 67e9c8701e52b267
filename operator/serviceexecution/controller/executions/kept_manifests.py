"""File lists of outputs that a pass has read: those of 50,000 files take long, and each pass until the end asks."""

from collections import OrderedDict
from typing import Final

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.records import OutputManifest

MOST_FILES: Final = 60_000
"""Of all lists together; a file takes some 700 bytes."""


class KeptManifests:
    """State owner of the lists that were read of late. A list that is there does not change before its run's end."""

    def __init__(self) -> None:
        self._kept: OrderedDict[ExecutionReference, OutputManifest] = OrderedDict()
        self._files = 0

    def get(self, reference: ExecutionReference) -> OutputManifest | None:
        """Return the list, if it was read and is remembered."""
        return self._kept.get(reference)

    def keep(self, reference: ExecutionReference, manifest: OutputManifest | None) -> None:
        """Remember a list; the oldest go when there are too many."""
        if manifest is None or reference in self._kept:
            return
        self._kept[reference] = manifest
        self._files += _weight(manifest)
        while self._files > MOST_FILES:
            _, oldest = self._kept.popitem(last=False)
            self._files -= _weight(oldest)

    def forget(self, reference: ExecutionReference) -> None:
        """Forget the list of a run that has ended."""
        manifest = self._kept.pop(reference, None)
        if manifest is not None:
            self._files -= _weight(manifest)


def _weight(manifest: OutputManifest) -> int:
    return len(manifest.files) + len(manifest.skipped) + 10
