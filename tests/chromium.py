"""The browser that tests drive: one place that knows where it is and how it is started."""

import os
import shutil

from patience import IN_A_PAGE

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "Chromium is missing: `apt-get install chromium`, or name one in the environment variable CHROMIUM"


def find_chromium() -> str | None:
    """Path of Chromium: the environment variable CHROMIUM, or the first one on the PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright):
    """Start Chromium under Playwright; the caller closes it."""
    from playwright.sync_api import expect

    expect.set_options(timeout=1000 * IN_A_PAGE)
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
    return playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
