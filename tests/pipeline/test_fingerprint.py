"""The cache sees code changes, and nothing else."""

from __future__ import annotations

from pathlib import Path

from pipeline.fingerprint import code_fingerprint


def test_a_fingerprint_changes_with_the_code_and_with_nothing_else(tmp_path: Path) -> None:
    for name in ("transform", "trainer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text("x = 1\n")
    transform, both = code_fingerprint("transform", root=tmp_path), code_fingerprint("transform", "trainer", root=tmp_path)

    (tmp_path / "transform" / "notes.txt").write_text("not code")
    (tmp_path / "transform" / "code.py").touch()
    assert code_fingerprint("transform", root=tmp_path) == transform

    (tmp_path / "trainer" / "code.py").write_text("x = 2\n")
    assert code_fingerprint("transform", root=tmp_path) == transform
    assert code_fingerprint("transform", "trainer", root=tmp_path) != both

    (tmp_path / "transform" / "code.py").rename(tmp_path / "transform" / "renamed.py")
    assert code_fingerprint("transform", root=tmp_path) != transform
