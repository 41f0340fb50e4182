"""Open JupyterLab at the first notebook. Without a display, start no browser and print the address instead.

python tools/lab.py [any option of JupyterLab]

The folder labconfig holds what the course changes in JupyterLab: settings, which a reader's own settings overrule, and
a style sheet.
"""

import json
import os
import sys
from pathlib import Path

from course_utils.threads import let_threads_sleep

ROOT = Path(__file__).resolve().parent.parent
FIRST = "notebooks/00_start_here.ipynb"
CONFIG = ROOT / "tools/labconfig"


def options(platform, environment, is_root):
    """JupyterLab's options on this machine. The server listens on this machine only, and its own token guards it."""
    chosen = [
        "--ip=127.0.0.1",
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
        "--log-level=WARN",  # what is left on the terminal is the address
        "--KernelManager.transport_encryption=auto",  # others on this machine can't read along
        "--LabApp.news_url=None",  # the course runs offline: ask nobody for news
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.custom_css=True",
        f"--ServerApp.tornado_settings={json.dumps({'static_custom_path': [str(CONFIG / 'custom')]})}",
    ]
    if platform.startswith("linux") and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        chosen.append("--no-browser")
    if is_root:
        chosen.append("--allow-root")
    return chosen


def config_path(environment):
    """Return JUPYTER_CONFIG_PATH with the course's settings in front of what is there."""
    return os.pathsep.join(filter(None, [str(CONFIG), environment.get("JUPYTER_CONFIG_PATH")]))


def kernel_environment():
    """Return the environment for processes that compute: this one's, and how their threads wait; a dict."""
    environment = dict(os.environ)
    let_threads_sleep(environment)
    return environment


def forget_unreadable_proxies():
    """Drop the proxy variables that JupyterLab's HTTP client can't read: it would not even be imported with them."""
    import httpx

    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        if proxy := os.environ.get(name):
            try:
                httpx.AsyncHTTPTransport(proxy=proxy)
            except Exception as error:  # a missing library, an unknown scheme, no address at all: each has its own
                print(f"{name}={proxy} is left out, JupyterLab can't use it: {error}", file=sys.stderr)
                del os.environ[name]


def main():
    forget_unreadable_proxies()
    from jupyterlab.labapp import LabApp

    os.environ.update(kernel_environment())  # kernels inherit it
    os.environ["JUPYTER_CONFIG_PATH"] = config_path(os.environ)
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    LabApp.launch_instance(options(sys.platform, os.environ, is_root) + sys.argv[1:])


if __name__ == "__main__":
    main()
