"""What counts as a published version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from serving.versions import SAVED_MODEL, is_version, main, newest_version, published_versions, version_number

ROOT = Path(__file__).parents[2]


def publish(base_path: Path, *names: str) -> None:
    for name in names:
        (base_path / name).mkdir(parents=True)
        (base_path / name / SAVED_MODEL).touch()


def test_a_version_is_a_numeric_folder_with_a_saved_model(tmp_path: Path) -> None:
    publish(tmp_path, "9", "10", ".11", "12.pruned", "v13", "14x")
    (tmp_path / "15" / "variables").mkdir(parents=True)
    (tmp_path / "16").touch()
    assert published_versions(str(tmp_path)) == {9: str(tmp_path / "9"), 10: str(tmp_path / "10")}
    assert newest_version(str(tmp_path)) == str(tmp_path / "10")
    assert is_version(str(tmp_path / "9"))
    assert is_version(f"{tmp_path}/9/")
    assert not is_version(str(tmp_path / "15"))
    assert not is_version(str(tmp_path / ".11"))


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("7", 7),
        ("007/", 7),
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63), None),
        ("1" * 30, None),
        ("", None),
        ("-1", None),
        ("\u0667", None),
        ("7\n", None),
        (".7", None),
    ],
)
def test_the_number_of_a_name(name: str, number: int | None) -> None:
    assert version_number(name) == number


def test_no_folder_holds_no_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert published_versions(str(tmp_path / "none")) == {}
    assert main([str(tmp_path / "none")]) == 1
    assert "Nothing is published under" in capsys.readouterr().err


def test_the_command_prints_the_newest_version_without_the_libraries(tmp_path: Path) -> None:
    """`make serve` calls it: it must not take the seconds that TensorFlow's import takes."""
    publish(tmp_path, "2", "10")
    command = f"import sys; from serving.versions import main; status = main([{str(tmp_path)!r}])"
    check = "; print(status, sorted({'tensorflow', 'numpy', 'tfx'} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", command + check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [str(tmp_path / "10"), "0 []"]


def test_a_server_without_a_complete_version_is_refused_by_the_scripts(tmp_path: Path) -> None:
    """A numeric folder without a saved_model.pb is what a killed copy leaves."""
    base_path = tmp_path / "serving" / "community-din"
    (base_path / "1700000000" / "variables").mkdir(parents=True)
    for script in ("scripts/serve", "scripts/check_export"):
        run = subprocess.run(
            [script],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "STATE_ROOT": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 1
        assert f"Nothing is published under {base_path}. `make run` publishes" in run.stderr
