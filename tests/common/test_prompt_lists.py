"""Lists of prompts, from files and from words."""

from __future__ import annotations

from pathlib import Path

import pytest

from vqinsight.common.prompt_lists import gather_prompts, read_prompt_file
from vqinsight.errors import UsageError


def test_a_file_gives_each_prompt_once(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes("\ufeffa cat\r\n\r\n  two\u2028dogs \r\na cat\r\n".encode())
    assert read_prompt_file(file) == ["a cat", "two\u2028dogs"]
    assert gather_prompts(["a bird", str(file), "a cat", "x" * 5000]) == [
        "a bird", "a cat", "two\u2028dogs", "x" * 5000
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["nosuch.txt", "my prompts.txt", "./nosuch", "/nosuch", "lists/a.csv", "clip.mp4"])
def test_what_looks_like_a_file_and_is_none_is_an_error(name: str) -> None:
    with pytest.raises(UsageError, match="no such file"):
        gather_prompts([name])


@pytest.mark.parametrize(
    "text", ["a cat", "A dog. It runs.", "cat/dog", "3.5 apples", "Rain...", "v1.2", "a cat, e.g."]
)
def test_what_is_a_text_is_a_prompt(text: str) -> None:
    assert gather_prompts([text]) == [text]


@pytest.mark.parametrize(
    ("content", "said"), [(b" \n\n", "no prompt in it"), (b"\xff\xfe\x00", "cannot be read as text")]
)
def test_a_file_that_is_no_list_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "p.txt").write_bytes(content)
    with pytest.raises(UsageError, match=rf"p\.txt: .*{said}"):
        gather_prompts([str(tmp_path / "p.txt")])
