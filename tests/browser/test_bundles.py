"""The committed bundles are what the sources give: whoever changes browser/ runs `npm run build`."""

import subprocess
from pathlib import Path

import pytest
from patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
ESBUILD = ROOT / "node_modules/.bin/esbuild"
WIDGETS = ROOT / "course_utils/widgets"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not ESBUILD.exists(), reason="esbuild is missing: run `npm ci`"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    command = ["npm", "run", "build", "--", f"--outdir={folder}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return folder


def test_each_view_has_its_bundle(built):
    views = {folder.parent.name for folder in WIDGETS.glob("browser/*/index.js")}
    assert views
    wanted = {f"{view}.{kind}" for view in views for kind in ("js", "css")}
    assert {file.name for file in built.iterdir()} == wanted
    assert {file.name for file in (WIDGETS / "static").iterdir()} == wanted


def test_the_committed_bundles_are_up_to_date(built):
    for file in built.iterdir():
        assert (WIDGETS / "static" / file.name).read_text(encoding="utf-8") == file.read_text(encoding="utf-8"), (
            f"{file.name} is not what its sources give: run `npm run build`"
        )
