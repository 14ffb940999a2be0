"""Settings: strict, and helpful about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vqinsight.errors import UsageError
from vqinsight.settings.inference import InferenceSettings
from vqinsight.settings.reader import parse_settings, read_settings


def test_defaults_are_the_release() -> None:
    look = InferenceSettings()
    assert (look.fps, look.min_frames, look.max_frames, look.max_pixels) == (2.0, 4, 16, 105_369)


def test_unknown_key_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"here: unknown setting 'frmaes'. Did you mean 'frames'\?"):
        parse_settings(InferenceSettings, {"frmaes": 8}, "here")


def test_every_error_gets_its_line() -> None:
    with pytest.raises(UsageError) as caught:
        parse_settings(InferenceSettings, {"fps": -1, "frames": 0}, "here")
    assert len(str(caught.value).splitlines()) == 2
    assert "fps = -1" in str(caught.value)


def test_scopes_need_crops_in_three_columns() -> None:
    with pytest.raises(UsageError, match=r"here: .*columns = 3"):
        parse_settings(InferenceSettings, {"instruments": {"rows": 2, "columns": 2, "scopes": True}}, "here")
    read = parse_settings(InferenceSettings, {"instruments": {"rows": 3, "columns": 3, "scopes": True}}, "here")
    assert read.instruments is not None and read.instruments.scopes


def test_self_similarity_needs_scopes() -> None:
    with pytest.raises(UsageError, match=r"here: .*scopes = true"):
        given = {"rows": 2, "columns": 3, "self_similarity": True}
        parse_settings(InferenceSettings, {"instruments": given}, "here")


@pytest.mark.parametrize("text", ["{", "[1, 2]", ""])
def test_a_file_that_is_no_object_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "vqinsight.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"vqinsight\.json"):
        read_settings(InferenceSettings, path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.json"):
        read_settings(InferenceSettings, tmp_path / "none.json")
