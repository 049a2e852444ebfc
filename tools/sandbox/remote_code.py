"""Small programs for an interpreter elsewhere: start in a folder, list its files, run a shell command.

They are run where untrusted code ran before, so what they print is data from a stranger: bounded, and read as JSON of
known shape.
"""

from __future__ import annotations

import base64

from pydantic import TypeAdapter, ValidationError

from tools.sandbox.mirror import Stamp

MAX_LISTED = 10_000
MAX_REPLY = 5_000_000
_STAMPS = TypeAdapter(dict[str, tuple[int, float]])


def start(folder: str) -> str:
    """Makes the folder and works in it."""
    return f"import os as _os\n_os.makedirs({folder!r}, exist_ok=True)\n_os.chdir({folder!r})\ndel _os\n"


def listing(folder: str, mark: str) -> str:
    """Prints `mark` and the stamps of every regular file below the folder as one line of JSON."""
    return f"""
def _list():
    import json, os, stat
    found = {{}}
    for root, _, names in os.walk({folder!r}):
        for name in names:
            path = os.path.join(root, name)
            try:
                status = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and len(found) < {MAX_LISTED}:
                found[os.path.relpath(path, {folder!r})] = [status.st_size, status.st_mtime]
    print({mark!r} + json.dumps(found))
_list()
del _list
"""


def stamps(printed: str, mark: str) -> dict[str, Stamp]:
    """What `listing` printed; nothing where it printed something else."""
    _, found, text = printed[-MAX_REPLY:].rpartition(mark)
    if not found:
        return {}
    try:
        return _STAMPS.validate_json(text.partition("\n")[0])
    except ValidationError:
        return {}


def shell(command: str, folder: str, seconds: float, mark: str) -> str:
    """Runs a command with bash, its output printed, then `mark` and its exit status; `timeout` where it was ended."""
    return f"""
def _shell():
    import os, signal, subprocess
    process = subprocess.Popen(["bash", "-c", {command!r}], cwd={folder!r}, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, status = process.communicate(timeout={seconds!r})[0], process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, status = process.communicate()[0], "timeout"
    print(output.decode("utf-8", "replace"), end="")
    print({mark!r} + str(status))
_shell()
del _shell
"""


def status(printed: str, mark: str) -> tuple[str, str]:
    """The output of `shell` and its status: a number as text, `timeout`, or empty where it did not come to its end."""
    output, found, text = printed.rpartition(mark)
    return (output, text.strip()[:20]) if found else (printed, "")


def writing(path: str, data: bytes, *, append: bool) -> str:
    """Writes bytes to a file, and makes its folder."""
    return f"""
def _write():
    import base64, os
    os.makedirs(os.path.dirname({path!r}) or ".", exist_ok=True)
    with open({path!r}, {"ab" if append else "wb"!r}) as file:
        file.write(base64.b85decode({base64.b85encode(data).decode()!r}))
_write()
del _write
"""


def reading(path: str, offset: int, size: int, mark: str) -> str:
    """Prints `mark` and a piece of a file."""
    return f"""
def _read():
    import base64
    with open({path!r}, "rb") as file:
        file.seek({offset})
        print({mark!r} + base64.b85encode(file.read({size})).decode())
_read()
del _read
"""


def piece(printed: str, mark: str) -> bytes | None:
    """What `reading` printed; None where it printed something else."""
    _, found, text = printed.rpartition(mark)
    try:
        return base64.b85decode(text.strip()) if found else None
    except ValueError:
        return None
