"""Runs a command that dies with us, even when we are killed: `python launcher.py PARENT COMMAND ARGS...`.

Linux kills the process when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG); elsewhere the server only
sees its standard input end. Standard library only, a few milliseconds.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CANNOT_RUN = 126


def main(parent: int, command: list[str]) -> int:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return CANNOT_RUN
    try:
        os.execvp(command[0], command)  # noqa: S606  the operator's own mcp.json names the command; no shell
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
    return CANNOT_RUN


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]), sys.argv[2:]))
