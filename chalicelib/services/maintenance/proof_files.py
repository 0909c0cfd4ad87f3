"""Find stored files that no order and no message names, and remove them.

Such a file stays behind when a try at a message ends between storing its file and committing: by a crash, or because
the order changed in between.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.services.maintenance.scan import STEP, OnProgress, ignore_progress
from chalicelib.services.orders.proofs import Proofs

# An order names its file within 30 seconds of the upload, the most that a function may run. A retry uploads it again.
MIN_AGE = timedelta(days=1)


@dataclass
class ProofFilesResult:
    """The result of a check, as counts: files older than a day, those that no order names, and those removed."""

    files: int = 0
    unnamed: int = 0
    removed: int = 0

    @property
    def left(self) -> int:
        return self.unnamed - self.removed


@dataclass(frozen=True, kw_only=True)
class ProofFilesCheck:
    proofs: Proofs
    clock: Callable[[], datetime]

    def check(self, *, repair: bool = False, progress: OnProgress = ignore_progress) -> ProofFilesResult:
        """Count the files that no order and no message names. With `repair`, remove them.

        This lists the bucket, and then reads the whole table. In this order, whatever names a listed file in the
        meantime is read, and the file stays.
        """
        before = self.clock() - MIN_AGE
        unnamed = set(self.proofs.stored_before(before))
        result = ProofFilesResult(files=len(unnamed))
        for number, key in enumerate(self.proofs.named_keys(), start=1):
            unnamed.discard(key)
            if number % STEP == 0:
                progress("proofs", number, None)
        result.unnamed = len(unnamed)
        if repair:
            result.removed = sum(self.proofs.remove_stored_before(before, key) for key in sorted(unnamed))
        return result
