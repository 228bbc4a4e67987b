"""Runs Deno's Jupyter kernel so that the stop button stops the cell and not the kernel.

    python kernel.py DENO jupyter --kernel --conn FILE

Jupyter interrupts a kernel with SIGINT, and Deno's kernel ends on it. So the kernel runs in a session
of its own, which the signal does not reach, and this process makes the file named by CRYPTS_INTERRUPT,
which the loops of lib/ look for (lib/notebook/interrupt.ts).
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path


def end_with_parent() -> None:
    """Linux: the kernel ends when this process is killed. Elsewhere only an orderly end takes it along."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="crypts-kernel-"))
    interrupt = folder / "interrupt"
    try:
        kernel = subprocess.Popen(
            sys.argv[1:],
            env={**os.environ, "CRYPTS_INTERRUPT": str(interrupt)},
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        signal.signal(signal.SIGINT, lambda *_: interrupt.touch())
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda received, _: kernel.send_signal(received))
        return kernel.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
