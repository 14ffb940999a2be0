"""Every error a user can meet. Each message says what happened, to which file or option, and what to do."""


class VQInsightError(Exception):
    """Base of all errors that are the input's or the settings' fault: the command line prints them without a trace."""


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


class UsageError(VQInsightError):
    """A wrong option, an unknown key, or inputs that name nothing (exit code 2)."""


class ModelError(VQInsightError):
    """A model cannot be loaded or used: wrong folder, unsupported family, missing package."""


class TrainingError(VQInsightError):
    """A run cannot go on: too many unreadable clips, no memory, nothing to learn from."""
