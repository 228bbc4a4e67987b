"""Executes one notebook and writes it, whole or not at all; exits with 1 when a cell fails.

The last line printed is a JSON object: seconds and the kernel's peak memory in MB.
"""

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path
from queue import Empty

import nbformat
from jupyter_client.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete, CellExecutionError, DeadKernelError

LATE = 0.3  # seconds


class PatientClient(NotebookClient):
    """Deno's kernel may send a cell's result after it has said that it is idle: wait for that too."""

    async def _async_poll_output_msg(self, parent_msg_id, cell, cell_index):
        await super()._async_poll_output_msg(parent_msg_id, cell, cell_index)
        while True:
            try:
                message = await ensure_async(self.kc.iopub_channel.get_msg(timeout=LATE))
            except Empty:
                return
            if message["parent_header"].get("msg_id") == parent_msg_id:
                try:
                    self.process_message(message, cell, cell_index)
                except CellExecutionComplete:
                    pass


def first_line(source: str) -> str:
    return next((line for line in source.splitlines() if line.strip()), "")


def write_whole(path: Path, notebook) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".part-{os.getpid()}-{path.name}")
    nbformat.write(notebook, temporary)
    os.replace(temporary, path)


def failing_cell(notebook):
    """The number of the first code cell that has an error output, whatever was replied, and its sentence."""
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return number, f"{output.ename}: {output.evalue}" if output.evalue else output.ename
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--cwd", type=Path, required=True)
    parser.add_argument("--quiet", action="store_true")
    args = parser.parse_args()

    notebook = nbformat.read(args.notebook, as_version=4)
    code_cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    started = {"cells": 0}

    def on_cell_execute(cell, cell_index):
        if cell.cell_type == "code":
            started["cells"] += 1
            if not args.quiet:
                print(f"  [{started['cells']}/{code_cells}] {first_line(cell.source)[:90]}", flush=True)

    client = PatientClient(
        notebook,
        kernel_name=args.kernel,
        timeout=None,
        record_timing=False,
        resources={"metadata": {"path": str(args.cwd)}},
        on_cell_execute=on_cell_execute,
    )
    begin = time.monotonic()
    failure = None
    try:
        client.execute()
    except (CellExecutionError, DeadKernelError) as error:
        failure = str(error)
    found = failing_cell(notebook)
    if found or failure:
        failed = args.output.with_suffix(".failed.ipynb")
        write_whole(failed, notebook)
        where = f"cell {found[0]}: {found[1]}" if found else "the kernel died"
        told = "" if found else f": {failure}"
        print(f"{args.notebook.name} failed at {where}{told} (with its stack in {failed})", file=sys.stderr)
        return 1
    # The kernel's own version string would change the file with every release of Deno.
    notebook.metadata = {
        "kernelspec": {"display_name": "Crypts (Deno)", "language": "typescript", "name": args.kernel},
        "language_info": {"file_extension": ".ts", "name": "typescript"},
    }
    write_whole(args.output, notebook)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    megabytes = peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    print(json.dumps({"seconds": time.monotonic() - begin, "peakMegabytes": megabytes}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
