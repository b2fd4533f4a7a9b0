"""The built wheel, installed beside a distribution that ships packages of the same names as ours."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.installing import Installed

CALLER = """
import numpy as np
from PIL import Image

import remend


def repair(photo: str) -> str:
    try:
        filled = remend.fill(photo, np.ones((4, 4), bool), detail=0.5)
        remend.upscale(Image.new("RGB", (4, 4)), 2, output="large.png", tile=None)
        remend.upscale(filled, scale=1.5, model="x2-photo", device="cpu", precision="fp32")
    except remend.RequestError as error:
        return f"{error}, remend {remend.__version__.strip()}"
    except (remend.InputError, remend.RemendError) as error:
        return str(error).strip()
    return ""
"""


def test_the_wheel_owns_one_name(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.partition("/")[0] for name in names}
    (about,) = (name for name in top if name.endswith(".dist-info"))
    assert top == {"remend", about}
    inside = {name.split("/")[1] for name in names if name.startswith("remend/")}
    front_door = {"__init__.py", "__main__.py", "py.typed"}
    assert inside == {"app", "models", "training", "weights", *front_door}


def test_the_wheel_carries_what_it_needs_at_run_time(root: Path, wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for pattern in (
        "weights/*.safetensors",
        "training/recipe/*.toml",
        "app/**/*.py",
        "app/page/**/*.js*",
    ):
        wanted = {f"remend/{path.relative_to(root)}" for path in root.glob(pattern)}
        assert wanted, pattern
        assert wanted <= names
    assert not any("__pycache__" in name for name in names)


def test_the_installed_code_is_the_wheels(installed: Installed):
    find = "import remend; print(remend.__file__)"
    module = Path(installed.run(installed.python, "-c", find).strip())
    assert installed.python.parent.parent in module.parents


def test_help_beside_decoys(installed: Installed):
    assert "fill" in installed.run(installed.command, "--help")
    assert "fill" in installed.run(installed.python, "-m", "remend", "--help")


def test_fill_beside_decoys(installed: Installed):
    ramp = np.arange(64, dtype=np.uint8) * 3
    scene = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], np.uint8(90)), axis=-1)
    hole = np.zeros((64, 64), np.uint8)
    hole[20:30, 24:40] = 255
    photo = np.where(hole[..., None] == 255, np.array([255, 0, 255], np.uint8), scene)
    Image.fromarray(photo).save(installed.folder / "photo.png")
    Image.fromarray(hole).save(installed.folder / "mask.png")

    installed.run(installed.command, "fill", "photo.png", "--mask", "mask.png", "-o", "filled.png")

    filled = np.asarray(Image.open(installed.folder / "filled.png"))
    assert filled.shape == photo.shape
    assert (filled[hole == 0] == photo[hole == 0]).all()
    off = np.abs(filled.astype(int) - scene)[hole == 255]
    assert off.mean() < 32, "the scratch is still there"


def test_python_use_beside_decoys(installed: Installed):
    code = (
        "import numpy as np, remend;"
        "photo = np.full((32, 32, 3), 90, np.uint8); mask = np.zeros((32, 32), bool);"
        "mask[4:9, 4:9] = True;"
        "print(remend.fill(photo, mask, device='cpu').shape);"
        "print(remend.__path__[0])"
    )
    shape, folder = installed.run(installed.python, "-c", code).strip().splitlines()
    assert shape == "(32, 32, 3)"
    assert Path(folder).name == "remend"
    assert installed.python.parent.parent in Path(folder).parents


MISTAKES = {
    "detail=0.5": ("detial=0.5", "reportCallIssue"),
    "scale=1.5": ("scale='1.5'", "reportArgumentType"),
    "remend.InputError": ("remend.InputErorr", "reportAttributeAccessIssue"),
}
"""What is right in that script, the same wrong, and the rule of the type checker that finds it."""


@pytest.fixture(scope="module")
def findings(installed: Installed) -> list[tuple[str, str]]:
    """What a type checker says to people whose scripts use the installed wheel: file and rule."""
    wrong = CALLER
    for right, (mistake, _) in MISTAKES.items():
        assert right in wrong
        wrong = wrong.replace(right, mistake)
    scripts = {"caller.py": CALLER, "mistaken.py": wrong}
    for name, code in scripts.items():
        (installed.folder / name).write_text(code)
    config = installed.folder / "pyrightconfig.json"
    config.write_text(json.dumps({"include": list(scripts), "typeCheckingMode": "standard"}))
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--outputjson", "-p", str(config),
         "--pythonpath", str(installed.python)],
        cwd=installed.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert said["summary"]["filesAnalyzed"] == len(scripts)
    return [(Path(found["file"]).name, found["rule"]) for found in said["generalDiagnostics"]]


def test_a_callers_script_is_type_checked(findings: list[tuple[str, str]]):
    assert [rule for file, rule in findings if file == "caller.py"] == []


def test_a_callers_mistakes_are_found(findings: list[tuple[str, str]]):
    found = [rule for file, rule in findings if file == "mistaken.py"]
    assert found == [rule for _, rule in MISTAKES.values()]
