"""Settings: strict, and helpful about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vqinsight.errors import UsageError
from vqinsight.settings.inference import InferenceSettings
from vqinsight.settings.reader import parse_settings, read_settings, read_toml


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


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    for name, text, read in (("a.toml", "frames = 8\n", read_toml), ("a.json", '{"frames": 8}', read_settings)):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
        assert read(InferenceSettings, tmp_path / name).frames == 8


def test_brackets_without_end_are_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("frames = " + "[" * 50_000)
    with pytest.raises(UsageError, match=r"a\.toml: cannot be read as TOML"):
        read_toml(InferenceSettings, tmp_path / "a.toml")
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(UsageError, match=r"a\.json: cannot be read as JSON"):
        read_settings(InferenceSettings, tmp_path / "a.json")
    (tmp_path / "a.toml").write_text("")
    with pytest.raises(UsageError, match="frames"):
        read_toml(InferenceSettings, tmp_path / "a.toml", ["frames=" + "[" * 50_000])


@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_numbers_are_finite(tmp_path: Path, value: str) -> None:
    (tmp_path / "a.toml").write_text(f"fps = {value}\n")
    with pytest.raises(UsageError, match=r"fps = .*finite number"):
        read_toml(InferenceSettings, tmp_path / "a.toml")
    (tmp_path / "a.toml").write_text("")
    with pytest.raises(UsageError, match=r"fps = .*finite number"):
        read_toml(InferenceSettings, tmp_path / "a.toml", [f"fps={value}"])


@pytest.mark.parametrize("change", ["frames=8\nmax_pixels=1", "frames=8\r\nx", "fra\nmes=8"])
def test_a_change_is_one_line(tmp_path: Path, change: str) -> None:
    (tmp_path / "a.toml").write_text("")
    with pytest.raises(UsageError, match=r"--set 'fra.*: write one line"):
        read_toml(InferenceSettings, tmp_path / "a.toml", [change])
