"""Settings: strict, and helpful about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vqinsight.config import LookSettings, parse_settings, read_settings
from vqinsight.errors import UsageError


def test_defaults_are_the_release() -> None:
    look = LookSettings()
    assert (look.fps, look.min_frames, look.max_frames, look.max_pixels) == (2.0, 4, 16, 105_369)


def test_unknown_key_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"here: unknown setting 'frmaes'. Did you mean 'frames'\?"):
        parse_settings(LookSettings, {"frmaes": 8}, "here")


def test_every_error_gets_its_line() -> None:
    with pytest.raises(UsageError) as caught:
        parse_settings(LookSettings, {"fps": -1, "frames": 0}, "here")
    assert len(str(caught.value).splitlines()) == 2
    assert "fps = -1" in str(caught.value)


@pytest.mark.parametrize("detail", [None, (2, 2)])
def test_scopes_need_fragments_in_three_columns(detail: tuple[int, int] | None) -> None:
    with pytest.raises(UsageError, match=r"here: .*3 columns"):
        parse_settings(LookSettings, {"detail": detail, "scopes": True}, "here")
    assert parse_settings(LookSettings, {"detail": (3, 3), "scopes": True}, "here").scopes


def test_self_similarity_needs_scopes() -> None:
    with pytest.raises(UsageError, match=r"here: .*scopes = true"):
        parse_settings(LookSettings, {"detail": (2, 3), "similarity": True}, "here")
    assert parse_settings(LookSettings, {"detail": (2, 3), "scopes": True, "similarity": True}, "here").similarity


@pytest.mark.parametrize("text", ["{", "[1, 2]", ""])
def test_a_file_that_is_no_object_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "vqinsight.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"vqinsight\.json"):
        read_settings(LookSettings, path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.json"):
        read_settings(LookSettings, tmp_path / "none.json")
