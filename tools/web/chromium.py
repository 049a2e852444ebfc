"""A Chromium of our own: found, started without privileges, reachable over its DevTools port, ended with all it began.

It has no network but through the proxy that each page's context names: its own proxy is a closed port, names are not
looked up in it, and QUIC and WebRTC cannot go around. It runs in its own sandbox; started as root it becomes
the user `nobody` first.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from configs.errors import ConfigurationError, ToolCallError
from configs.settings import Settings, environment_without_secrets

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = (
    "no browser for pages that need JavaScript: install Chromium (Debian: apt-get install chromium), or set "
    "MEMENTO_BROWSER to the path of one or to the http address of its debugging port"
)
NO_SANDBOX = (
    "the browser's own sandbox does not work here: allow unprivileged user namespaces, or start a browser yourself and "
    "set MEMENTO_BROWSER to the http address of its debugging port"
)
NOBODY = 65_534
START_SECONDS = 30.0
PREFIX = "memento-browser-"
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-features=WebRtcHideLocalIpsWithMdns,OptimizationHints,MediaRouter,Translate,AsyncDns,DnsOverHttps",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--proxy-server=http://127.0.0.1:1",
    "--proxy-bypass-list=<-loopback>",
    "--blink-settings=imagesEnabled=false",
    "--js-flags=--max-old-space-size=512",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    "--remote-debugging-port=0",
)


class Chromium:
    """One running browser. `stop` may be called from anywhere, any number of times."""

    def __init__(self, process: asyncio.subprocess.Process, profile: Path, address: str, sandboxed: bool) -> None:
        self.address = address
        self.sandboxed = sandboxed
        self._process = process
        self._profile = profile
        atexit.register(self._kill)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def stop(self) -> None:
        """Kill it with its children, and remove its profile."""
        atexit.unregister(self._kill)
        await _ended(self._process, self._profile)

    def _kill(self) -> None:
        """At this process's end, where no loop runs any more."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        shutil.rmtree(self._profile, ignore_errors=True)


def program(settings: Settings) -> str:
    """The path of the browser's program.

    Raises:
        ConfigurationError: there is none; the message says what to do.
    """
    if settings.browser:
        found = shutil.which(settings.browser)
        if found is None:
            raise ConfigurationError(f"MEMENTO_BROWSER: no program {settings.browser!r}; {MISSING}")
        return found
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise ConfigurationError(MISSING)
    return found


def user() -> int | None:
    """The user it runs as where that is another one than this process's."""
    return NOBODY if sys.platform == "linux" and os.getuid() == 0 else None


async def start_chromium(settings: Settings) -> Chromium:
    """Start one, in its own sandbox; without that only where it runs as a user that owns nothing.

    Raises:
        ConfigurationError: there is no browser, or it does not start; the message says what to do.
    """
    path = await asyncio.to_thread(program, settings)
    await asyncio.to_thread(_remove_left_over)
    try:
        return await _started(path, [])
    except ToolCallError:
        if user() is None:
            raise ConfigurationError(NO_SANDBOX) from None
    try:
        return await _started(path, ["--no-sandbox"])
    except ToolCallError:
        raise ConfigurationError(f"the browser {path!r} does not start; {MISSING}") from None


async def _started(path: str, flags: list[str]) -> Chromium:
    profile = await asyncio.to_thread(_profile)
    environment = {**environment_without_secrets(), "HOME": str(profile), "TMPDIR": str(profile)}
    for name in ("USER", "LOGNAME", "VIRTUAL_ENV"):
        environment.pop(name, None)
    command = [*await asyncio.to_thread(_wrapper), path, *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"]
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        cwd=profile,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            address = await _address(process, profile / "DevToolsActivePort")
            return Chromium(process, profile, address, sandboxed=not flags)
    except TimeoutError:
        await _ended(process, profile)
        raise ToolCallError("the browser did not come up") from None
    except BaseException:
        await _ended(process, profile)
        raise


async def _address(process: asyncio.subprocess.Process, told: Path) -> str:
    while process.returncode is None:
        text = await asyncio.to_thread(_text, told)
        if text.count("\n"):
            return f"http://127.0.0.1:{int(text.split()[0])}"
        await asyncio.sleep(0.05)
    raise ToolCallError("the browser ended at once")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


def _wrapper() -> list[str]:
    """Drops privileges, and lets the kernel kill the browser when we are killed (util-linux)."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if user() is not None:
            raise ConfigurationError("setpriv is missing, which starts the browser without root's rights (util-linux)")
        return []
    becomes = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs", "--inh-caps=-all"]
    # Without root its own sandbox may be the set-user-id helper of Debian's package, which no-new-privs would stop.
    return [setpriv, "--pdeathsig=KILL", *(becomes if user() is not None else []), "--"]


def _profile() -> Path:
    """An empty folder that only the browser's user enters; not in the home, which that user cannot enter."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    owner = user()
    if owner is not None:
        os.chown(folder, owner, owner)
    return folder


def _remove_left_over() -> None:
    """Profiles of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        number = folder.name.removeprefix(PREFIX).partition("-")[0]
        if number.isdecimal() and not Path(f"/proc/{number}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)


async def _ended(process: asyncio.subprocess.Process, profile: Path) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    await asyncio.to_thread(shutil.rmtree, profile, ignore_errors=True)
