"""Every error a user can meet. Each message says what happened, to which file or option, and what to do."""


class VQInsightError(Exception):
    """Base of all errors that the input or the settings cause: the command line prints them without a traceback."""


class UnreadableVideo(VQInsightError):
    """A file cannot be used as a clip.

    Attributes:
        path: the file as the user named it.
        reason: what is wrong with it, in a few words ("no video stream").
        remedy: what the user can do about it.
    """

    def __init__(self, path: str, reason: str, remedy: str) -> None:
        super().__init__(f"{path}: {reason}. {remedy}")
        self.path = path
        self.reason = reason
        self.remedy = remedy


class FailedClip(UnreadableVideo):
    """Decoding, encoding or answering one clip raised: memory ran out, or a library failed. Others go on."""


class UsageError(VQInsightError):
    """A wrong option, an unknown key, or inputs that match nothing (exit code 2)."""


class ModelError(VQInsightError):
    """A model cannot be loaded or used: wrong folder, unsupported family, missing package."""


class TrainingError(VQInsightError):
    """A run cannot continue: too many unreadable clips, out of memory, or no usable training data."""
