"""Execute notebooks from top to bottom, each in a fresh kernel, and save them in a stable form.

    python tools/execute.py [--timeout SECONDS] NOTEBOOK...

Two runs of the same notebook write the same bytes, apart from what the notebook itself computes differently.
A notebook in which a cell fails is left on disk as it was.
"""

import argparse
import atexit
import sys
from pathlib import Path
from queue import Empty
from time import monotonic

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from lab import kernel_environment
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert.filters import strip_ansi
from pace import CELL_SECONDS, cell_seconds

from course_utils.files import write_atomically

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
POLL_SECONDS = 0.5
STARTS = 3  # of a kernel: its ports are chosen before it takes them, and in between another program may
ERRORS = (RuntimeError, OSError, UnicodeError)  # of run() and save()
FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError, NoSuchKernel)


class _Client(NotebookClient):
    """nbclient, waiting in short slices: a lost wake-up then costs half a second, not for ever.

    A kernel that dies before it answers is started anew, `STARTS` times in all.
    """

    current_cell = None

    async def async_start_new_kernel(self, **options):
        self._start_options = options
        await super().async_start_new_kernel(**options)

    async def async_start_new_kernel_client(self):
        for start in range(1, STARTS + 1):
            try:
                client = await super().async_start_new_kernel_client()
                break
            except RuntimeError:
                if start == STARTS:
                    atexit.unregister(self._cleanup_kernel)  # nothing is left for it to clean up
                    raise
                self.km = self.create_kernel_manager()
                await self.async_start_new_kernel(**self._start_options)
        for channel in (client.shell_channel, client.iopub_channel):
            channel.get_msg = _in_slices(channel.get_msg)
        return client

    async def async_execute_cell(self, cell, cell_index, *args, **kwargs):
        self.current_cell = cell_index, cell
        return await super().async_execute_cell(cell, cell_index, *args, **kwargs)


def _in_slices(get_msg):
    async def get_msg_in_slices(timeout=None):
        deadline = float("inf") if timeout is None else monotonic() + timeout
        while True:
            left = max(0.0, deadline - monotonic())
            try:
                return await get_msg(timeout=min(POLL_SECONDS, left))
            except Empty:
                if left <= POLL_SECONDS:
                    raise

    return get_msg_in_slices


def run(path, timeout=CELL_SECONDS):
    """Execute every code cell of the notebook at `path` in its own folder; returns the executed notebook.

    `timeout` is in seconds per cell. Cells tagged `skip-execution` are left alone, a cell tagged `raises-exception`
    may fail. The state of the widgets is in the metadata, as an exported page needs it. The file is only read.
    Raises RuntimeError that names the cell and the error, or says that the file is no notebook; OSError if it can't
    be read.
    """
    notebook = _read(path)
    client = _Client(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # where a kernel cuts its output is chance
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env=kernel_environment() | {"PYTHONHASHSEED": "0"}, transport_encryption="auto")
    except FAILURES as error:
        reason = str(error) if isinstance(error, CellExecutionError) else f"{type(error).__name__}: {error}"
        if isinstance(error, CellTimeoutError):
            reason = f"it took longer than {timeout:g} s"
        if client.current_cell is None:
            raise RuntimeError(f"failed before its first cell: {reason}") from None
        index, cell = client.current_cell
        raise RuntimeError(f"cell {index} (id {cell.get('id')}) failed:\n{cell.source}\n\n{reason}") from None
    return notebook


def _read(path):
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except OSError:
        raise
    except Exception as error:  # nbformat raises nearly any class when the file holds something else
        reason = str(error).partition("\n")[0]
        raise RuntimeError(f"this is no notebook: {type(error).__name__}: {reason}") from None
    return notebook


def stabilise(notebook, keep_widgets=False):
    """Drop or renumber in place whatever changes between two executions or two machines; returns the notebook."""
    if not keep_widgets:
        notebook.metadata.pop("widgets", None)
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata.language_info = {"name": "python"}
    count = 0
    for cell in notebook.cells:
        for key in ("execution", "ExecuteTime", "trusted"):
            cell.metadata.pop(key, None)
        if cell.cell_type != "code":
            continue
        executed = bool(cell.source.strip()) and "skip-execution" not in cell.metadata.get("tags", [])
        count += executed
        cell.execution_count = count if executed else None
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count
            if output.output_type == "error":  # a traceback holds paths of this machine; the message is what teaches
                output.traceback = [f"{output.ename}: {output.evalue}"]
            if not keep_widgets:
                output.get("data", {}).pop(WIDGET_VIEW, None)  # a view without its kernel: the picture beside it stays
    return notebook


def save(notebook, path):
    """Write atomically: whoever reads `path` sees the old notebook or the new one, never half of one."""
    write_atomically(path, (nbformat.writes(notebook).rstrip("\n") + "\n").encode())


def add_timeout(parser):
    """Add the option --timeout to a parser of arguments."""
    description = f"seconds that one cell may take; if not given, {CELL_SECONDS}, more on a slow or busy machine"
    parser.add_argument("--timeout", type=int, help=description)


def main(argv=None):
    parser = argparse.ArgumentParser(description="Execute notebooks and save them in a stable form.")
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    add_timeout(parser)
    arguments = parser.parse_args(argv)
    timeout = arguments.timeout or cell_seconds(kernel_environment())
    failed = 0
    for path in arguments.notebooks:
        start = monotonic()
        try:
            save(stabilise(run(path, timeout)), path)
        except ERRORS as error:
            failed += 1
            print(f"{path}: {strip_ansi(str(error))}\n{path}: left as it was", file=sys.stderr)
        else:
            print(f"{path}: executed in {monotonic() - start:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
