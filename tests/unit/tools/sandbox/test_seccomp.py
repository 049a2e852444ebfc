"""The filter as the kernel would run it, on both processors, call by call."""

from __future__ import annotations

import errno
import struct

import pytest

from tools.sandbox.seccomp import ALLOW, ARCHITECTURES, ERRNO, KILL, program
from tools.sandbox.syscall_numbers import NUMBERS

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06


def verdict(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the filter answers: a small machine for the instructions it uses."""
    own = ARCHITECTURES[machine][1]
    data = struct.pack("=iIQ6Q", number, architecture or own, 0, *arguments, *[0] * (6 - len(arguments)))
    code = list(struct.iter_unpack("=HBBI", program(machine)))
    at, value = 0, 0
    while True:
        operation, jump_true, jump_false, operand = code[at]
        at += 1
        if operation == LOAD:
            (value,) = struct.unpack_from("=I", data, operand)
        elif operation == RETURN:
            return int(operand)
        else:
            true = {EQUAL: value == operand, AT_LEAST: value >= operand, ANY_BIT: bool(value & operand)}[operation]
            at += jump_true if true else jump_false


def call(machine: str, name: str, *arguments: int) -> int:
    number = NUMBERS[name][ARCHITECTURES[machine][0]]
    assert number is not None
    return verdict(machine, number, *arguments)


@pytest.mark.parametrize("machine", ARCHITECTURES)
@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("mount", (), ERRNO | errno.EPERM),
        ("ptrace", (16, 1), ERRNO | errno.EPERM),
        ("bpf", (), ERRNO | errno.EPERM),
        ("keyctl", (), ERRNO | errno.EPERM),
        ("clone3", (), ERRNO | errno.ENOSYS),
        ("memfd_create", (), ERRNO | errno.ENOSYS),
        ("io_setup", (), ERRNO | errno.ENOSYS),
        ("clone", (17,), ALLOW),
        ("clone", (0x3D0F00,), ALLOW),
        ("clone", (0x10000000 | 17,), ERRNO | errno.EPERM),
        ("clone", (0x40000000,), ERRNO | errno.EPERM),
        ("socket", (1,), ALLOW),
        ("socket", (2,), ALLOW),
        ("socket", (10,), ALLOW),
        ("socket", (16,), ERRNO | errno.EAFNOSUPPORT),
        ("socket", (40,), ERRNO | errno.EAFNOSUPPORT),
        ("socketpair", (1,), ALLOW),
        ("socketpair", (2,), ERRNO | errno.EAFNOSUPPORT),
        ("personality", (0xFFFFFFFF,), ALLOW),
        ("personality", (0x0040000,), ERRNO | errno.EPERM),
        ("ioctl", (0, 0x5401), ALLOW),
        ("ioctl", (0, 0x5412), ERRNO | errno.EPERM),
        ("ioctl", (0, 0x541C), ERRNO | errno.EPERM),
        ("fchmod", (3, 0o755), ALLOW),
        ("fchmod", (3, 0o4755), ERRNO | errno.EPERM),
        ("fchmodat", (3, 0, 0o2755), ERRNO | errno.EPERM),
        ("openat", (0, 0, 0, 0o4755), ALLOW),
        ("openat", (0, 0, 0o100, 0o644), ALLOW),
        ("openat", (0, 0, 0o100, 0o4755), ERRNO | errno.EPERM),
        ("openat", (0, 0, 0o20000000, 0o4755), ERRNO | errno.EPERM),
        ("mknodat", (0, 0, 0o104755), ERRNO | errno.EPERM),
    ],
)
def test_each_call_gets_its_answer(machine: str, name: str, arguments: tuple[int, ...], answer: int) -> None:
    assert call(machine, name, *arguments) == answer


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_what_is_not_named_is_allowed_and_another_architecture_is_killed(machine: str) -> None:
    column = ARCHITECTURES[machine][0]
    named = {numbers[column] for numbers in NUMBERS.values()}
    assert all(verdict(machine, number) == ALLOW for number in range(460) if number not in named)
    assert verdict(machine, 1, architecture=0x40000003) == KILL


def test_the_second_numbering_of_x86_is_refused() -> None:
    assert verdict("x86_64", 0x40000000 | 39) == ERRNO | errno.ENOSYS
