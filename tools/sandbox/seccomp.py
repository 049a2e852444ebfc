"""The jail's system call filter: a deny-list, as the classic BPF program that bwrap loads (seccomp(2), bpf(4) of BSD).

What the namespaces and the missing capabilities forbid is forbidden here a second time, so that a hole in one kernel
interface is not enough. The rest is what they leave open: other socket families (AF_VSOCK passes a network namespace),
memory that no process owns (memfd, System V), the requests of asynchronous I/O, of which the whole machine has one
number (fs.aio-max-nr), and set-user-id bits on files of the workspace.
"""

from __future__ import annotations

import errno
import struct
from typing import TypeAlias

from tools.sandbox.syscall_numbers import NUMBERS

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""The column of NUMBERS and AUDIT_ARCH_* of linux/audit.h."""
UNKNOWN = ("clone3", "openat2", "fchmodat2", "memfd_create", "memfd_secret", "io_setup")
"""Answered as if the kernel did not have them: their arguments are in memory, which a filter cannot see, or they take
what is not counted; programs fall back to another call."""
NEW_NAMESPACES = 0x7E020000
SET_ID_BITS = 0o6000
CREATES = 0o100 | 0o20000000
"""O_CREAT and O_TMPFILE (without O_DIRECTORY) of open(2)."""
TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX, which type into a terminal."""
LOCAL, INTERNET, INTERNET6 = 1, 2, 10

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
KILL, ERRNO, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
NUMBER, ARCHITECTURE = 0, 4
X32 = 0x40000000
Instruction: TypeAlias = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand: struct sock_filter."""


def program(machine: str) -> bytes:
    """The filter for a processor, as an array of struct sock_filter.

    Args:
        machine: as `os.uname().machine`.

    Raises:
        KeyError: the processor is none of ARCHITECTURES.
    """
    column, architecture = ARCHITECTURES[machine]
    rules: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
    ]
    if machine == "x86_64":
        rules += [(AT_LEAST, 0, 1, X32), _refuse(errno.ENOSYS)]
    for name, tests in _rules().items():
        number = NUMBERS[name][column]
        if number is not None:
            rules += [(EQUAL, 0, len(tests), number), *tests]
    rules.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *each) for each in rules)


def _rules() -> dict[str, list[Instruction]]:
    """What is done at each call; every list ends in a verdict. What NUMBERS names is refused unless it is told here."""
    rules = {name: [_refuse(errno.EPERM)] for name in NUMBERS}
    rules |= {name: [_refuse(errno.ENOSYS)] for name in UNKNOWN}
    rules["clone"] = _refused_bits(0, NEW_NAMESPACES)
    rules["socket"] = _only(0, (LOCAL, INTERNET, INTERNET6), errno.EAFNOSUPPORT)
    rules["socketpair"] = _only(0, (LOCAL,), errno.EAFNOSUPPORT)
    rules["personality"] = _only(0, (0, 0xFFFFFFFF), errno.EPERM)
    rules["ioctl"] = _refused_values(1, TERMINAL_INPUT)
    for name, mode in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("creat", 1), ("mknod", 1), ("mknodat", 2)):
        rules[name] = _refused_bits(mode, SET_ID_BITS)
    for name, flags in (("open", 1), ("openat", 2)):
        creating = _refused_bits(flags + 1, SET_ID_BITS)
        rules[name] = [_argument(flags), (ANY_BIT, 1, 0, CREATES), _allow(), *creating]
    return rules


def _refused_bits(argument: int, bits: int) -> list[Instruction]:
    return [_argument(argument), (ANY_BIT, 0, 1, bits), _refuse(errno.EPERM), _allow()]


def _refused_values(argument: int, values: tuple[int, ...]) -> list[Instruction]:
    tests = [(EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return [_argument(argument), *tests, _allow(), _refuse(errno.EPERM)]


def _only(argument: int, values: tuple[int, ...], number: int) -> list[Instruction]:
    tests = [(EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return [_argument(argument), *tests, _refuse(number), _allow()]


def _argument(index: int) -> Instruction:
    """Loads the lower half of an argument (both processors are little-endian); the kernel reads no more of these."""
    return (LOAD, 0, 0, 16 + 8 * index)


def _refuse(number: int) -> Instruction:
    return (RETURN, 0, 0, ERRNO | number)


def _allow() -> Instruction:
    return (RETURN, 0, 0, ALLOW)
