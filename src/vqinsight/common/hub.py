"""The Hugging Face hub: whether it can be reached, checked once instead of for every file."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from vqinsight.errors import ModelError

_PATIENCE = 5.0  # seconds for an answer


def local_only(name: str, repository: str, subfolder: str = "") -> dict[str, Any]:
    """Arguments for ``from_pretrained`` of a repository on the hub: none, or ``local_files_only``.

    Args:
        name: for the message.
        repository: ``owner/name``.
        subfolder: of the repository; empty for its top.

    Raises:
        ModelError: the hub cannot be reached and no files are cached.
    """
    reason = _unreachable()
    if reason is None:
        return {}
    from huggingface_hub import try_to_load_from_cache

    file = f"{subfolder}/config.json" if subfolder else "config.json"
    if isinstance(try_to_load_from_cache(repository, file), str):
        return {"local_files_only": True}
    raise ModelError(
        f"{name}: cannot be loaded: it is not on this machine, and {reason}. Download it once with a network "
        f"(hf download {repository}), or give 'nano', a folder, or another hub id."
    )


def _unreachable() -> str | None:
    """Why the hub cannot be reached; ``None`` after any response."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE forbids the network"
    try:
        with urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=_PATIENCE):
            return None
    except HTTPError:
        return None
    except OSError as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLError):  # it responds, and the hub's client may accept its certificate
            return None
        return f"{constants.ENDPOINT} cannot be reached ({reason})"
