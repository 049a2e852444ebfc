"""Attempts to get out of a jail, each really made: run inside, it prints what came of each as JSON.

`python escapes.py HOST_PORT HOST_SOCKET SECRET_FILE OTHER_PID`. Standard library only. An outcome is `refused: ...`
with the error's name, or what was reached.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
CALLS = {
    "x86_64": {
        "ptrace": (101, 0, 0, 0, 0),
        "bpf": (321, 0, 0, 0),
        "io_uring_setup": (425, 8, 0),
        "io_setup": (206, 8, 0),
        "keyctl": (250, 0, -3, 0),
        "add_key": (248, 0, 0, 0, 0, 0),
        "unshare user": (272, 0x10000000),
        "unshare mount": (272, 0x00020000),
        "clone user": (56, 0x10000000 | 17, 0, 0, 0, 0),
        "clone3": (435, 0, 0),
        "setns": (308, 0, 0),
        "mount": (165, 0, 0, 0, 0, 0),
        "umount": (166, 0, 0),
        "pivot_root": (155, 0, 0),
        "chroot": (161, 0),
        "open_tree": (428, 0, 0, 0),
        "perf_event_open": (298, 0, 0, -1, -1, 0),
        "userfaultfd": (323, 0),
        "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
        "name_to_handle_at": (303, 0, 0, 0, 0, 0),
        "open_by_handle_at": (304, 0, 0, 0),
        "memfd_create": (319, 0, 0),
        "shmget": (29, 0, 4096, 0o1600),
        "kexec_load": (246, 0, 0, 0, 0),
        "init_module": (175, 0, 0, 0),
        "x32 getpid": (0x40000000 | 39,),
    },
    "aarch64": {
        "ptrace": (117, 0, 0, 0, 0),
        "bpf": (280, 0, 0, 0),
        "io_uring_setup": (425, 8, 0),
        "io_setup": (0, 8, 0),
        "keyctl": (219, 0, -3, 0),
        "unshare user": (97, 0x10000000),
        "clone user": (220, 0x10000000 | 17, 0, 0, 0, 0),
        "mount": (40, 0, 0, 0, 0, 0),
        "chroot": (51, 0),
        "memfd_create": (279, 0, 0),
    },
}


def tried(attempt: Callable[[], object]) -> str:
    try:
        reached = attempt()
    except OSError as error:
        return f"refused: {type(error).__name__} {error.errno}"
    return f"reached: {reached!r}"


def call(number: int, *arguments: int) -> int:
    result = int(LIBC.syscall(number, *map(ctypes.c_long, arguments)))
    if result == -1:
        raise OSError(ctypes.get_errno(), "")
    return result


def connected(family: int, address: object, kind: int = socket.SOCK_STREAM) -> str:
    with socket.socket(family, kind) as client:
        client.settimeout(2)
        client.connect(address)  # type: ignore[arg-type]
        return "connected"


def written(path: str, data: bytes = b"x") -> str:
    with Path(path).open("r+b" if Path(path).exists() else "wb") as file:
        file.write(data)
    return "written"


def mounted(kind: str, target: str, flags: int = 0) -> str:
    result = LIBC.mount(b"none", target.encode(), kind.encode(), ctypes.c_ulong(flags), None)
    if result:
        raise OSError(ctypes.get_errno(), "")
    return "mounted"


def set_user_id() -> str:
    path = Path("mine")
    path.write_bytes(b"#!/bin/sh\n")
    path.chmod(0o4755)
    return oct(path.stat().st_mode)


def created_set_user_id() -> str:
    os.close(os.open("mine-too", os.O_CREAT | os.O_WRONLY, 0o4755))
    return oct(Path("mine-too").stat().st_mode)


def became_root() -> str:
    os.setuid(0)
    return f"{os.getuid()}"


def typed_into_terminal() -> str:
    import fcntl

    fcntl.ioctl(0, 0x5412, b"x")
    return "typed"


def link_out(secret: str) -> str:
    Path("out-link").symlink_to(secret)
    return Path("out-link").read_text()


def host_files(secret: str) -> dict[str, Callable[[], object]]:
    paths = [
        "/etc/shadow",
        "/root",
        "/home",
        "/var",
        "/etc/ssh",
        "/sys/kernel",
        "/proc/cmdline",
        "/boot",
        secret,
        "/proc/1/root/etc/shadow",
    ]
    attempts: dict[str, Callable[[], object]] = {}
    for path in paths:
        attempts[f"read {path if path != secret else 'secret'}"] = lambda path=path: contents(path)  # type: ignore[misc]
    return attempts


def contents(path: str) -> object:
    """A file's bytes, or what a folder holds that the jail itself did not make to lead to this Python."""
    if not Path(path).is_dir():
        return Path(path).read_bytes()[:40]
    shown = (sys.prefix, sys.base_prefix)
    names = [each.name for each in Path(path).iterdir() if not any(p.startswith(str(each)) for p in shown)]
    if not names:
        raise FileNotFoundError(2, "nothing there")
    return names


def attempts(port: int, host_socket: str, secret: str, other: int) -> dict[str, Callable[[], object]]:
    made = host_files(secret)
    for name, arguments in CALLS[os.uname().machine].items():
        made[f"call {name}"] = lambda arguments=arguments: call(*arguments)  # type: ignore[misc]
    return made | {
        "loopback of the host": lambda: connected(socket.AF_INET, ("127.0.0.1", port)),
        "internet": lambda: connected(socket.AF_INET, ("1.1.1.1", 53)),
        "abstract socket of the host": lambda: connected(socket.AF_UNIX, f"\0{host_socket}"),
        "vsock": lambda: socket.socket(40, socket.SOCK_STREAM),
        "packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
        "raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "alg socket": lambda: socket.socket(38, socket.SOCK_SEQPACKET),
        "kill another process": lambda: os.kill(other, signal.SIGKILL),
        "environment of another process": lambda: Path(f"/proc/{other}/environ").read_bytes(),
        "environment of process 1": lambda: (
            Path("/proc/1/environ").read_bytes()
            if b"CANARY" in Path("/proc/1/environ").read_bytes()
            else contents("/none")
        ),
        "core_pattern": lambda: written("/proc/sys/kernel/core_pattern", b"|/bin/true"),
        "sysctl": lambda: written("/proc/sys/kernel/hostname"),
        "sysrq": lambda: written("/proc/sysrq-trigger", b"h"),
        "write /usr": lambda: written("/usr/bin/evil"),
        "write python": lambda: written(f"{sys.prefix}/evil"),
        "write /": lambda: written("/evil"),
        "write /etc": lambda: written("/etc/evil"),
        "write /dev": lambda: written("/dev/evil"),
        "write /run": lambda: written("/run/evil"),
        "write launcher": lambda: written("/run/launcher.py"),
        "device node": lambda: os.mknod("disk", 0o60600, os.makedev(8, 0)),
        "mount proc": lambda: mounted("proc", "/tmp"),
        "remount /": lambda: mounted("none", "/", 0x20 | 0x1000),
        "set user id": set_user_id,
        "create set user id": created_set_user_id,
        "become root": became_root,
        "type into terminal": typed_into_terminal,
        "symlink out": lambda: link_out(secret),
        "lower oom score": lambda: Path("/proc/self/oom_score_adj").write_text("-1000"),
        "raise limits": lambda: __import__("resource").setrlimit(6, (10_000, 10_000)),
        "real-time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
        "reboot": lambda: call({"x86_64": 169}.get(os.uname().machine, 142), 0xFEE1DEAD, 672274793, 0, 0),
    }


def main() -> None:
    port, host_socket, secret, other = sys.argv[1:]
    outcomes = {}
    for name, attempt in attempts(int(port), host_socket, secret, int(other)).items():
        try:
            outcomes[name] = tried(attempt)
        except ValueError as error:  # setrlimit says so
            outcomes[name] = f"refused: {error}"
    print(json.dumps(outcomes))  # noqa: T201  read by the test


if __name__ == "__main__":
    main()
