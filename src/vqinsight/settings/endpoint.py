"""Where a model answers over the network: ``--engine endpoint``. Imports no torch."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, Field

from vqinsight.settings.reader import Settings

_QUESTIONS = "/chat/completions"  # the address of questions, below the server's own


def address(url: str) -> str:
    """A server's address in full; an error does not repeat it, as it may hold a key.

    Raises:
        ValueError: it is none, or says more than where the server is.
    """
    try:
        parts = urlsplit(url.strip())
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        raise ValueError("this is no address: write it like http://localhost:8000/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write the server's address in full: http://localhost:8000/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address holds no key: put it into an environment variable and name that: api_key_env")
    if parts.query or parts.fragment:
        raise ValueError("leave out what follows the path: http://localhost:8000/v1")
    path = parts.path.rstrip("/").removesuffix(_QUESTIONS)
    return urlunsplit((parts.scheme, parts.netloc, path or "/v1", "", ""))


class EndpointSettings(Settings):
    """A server of the OpenAI shape, and how it is asked.

    Attributes:
        url: its address, which mostly ends in ``/v1`` (added where there is no path).
        model: the name it serves the model under; ``None`` takes the only one.
        api_key_env: the environment variable that holds the key; ``None`` sends none.
        concurrency: questions under way at a time.
        deadline: seconds for one question, retries included; one try may take half of them.
    """

    url: Annotated[str, AfterValidator(address)]
    model: str | None = None
    api_key_env: str | None = None
    concurrency: int = Field(default=8, ge=1, le=1024)
    deadline: float = Field(default=300.0, gt=0)

    @property
    def host(self) -> str:
        """The server's name and port: what results and messages say of the address."""
        return urlsplit(self.url).netloc
