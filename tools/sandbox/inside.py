"""The first program in a jail: sets the limits of every process, then becomes the command it was started for.

`python -I -S inside.py '{"ready": 5, "stderr": 6, "limits": {"NOFILE": 256}}' COMMAND ARGS...`. Standard library only.
"""

import json
import os
import resource
import signal
import sys

CANNOT_RUN = 126


def main(settings: str, command: list[str]) -> int:
    told = json.loads(settings)
    with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123  pathlib costs milliseconds
        file.write("1000")
    for name, value in told["limits"].items():
        _lower(getattr(resource, f"RLIMIT_{name}"), value)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)  # ignored from birth where we were started in the background
    os.dup2(told["stderr"], 2)
    os.close(told["stderr"])
    os.write(told["ready"], b"R")
    os.close(told["ready"])
    try:
        os.execvp(command[0], command)  # noqa: S606  whatever it is, it runs in the jail
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
    return CANNOT_RUN


def _lower(limit: int, value: int) -> None:
    _, most = resource.getrlimit(limit)
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
