"""A cluster of processes with folders of their own, for the tests."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

WaitUntil = Callable[[Callable[[], bool]], None]


class DaskCluster:
    """A scheduler, and workers that a test starts and kills."""

    def __init__(self, folder: Path, environment: dict[str, str], wait_until: WaitUntil) -> None:
        self.folder = folder
        self._wait_until = wait_until
        self._environment = {
            **os.environ,
            **environment,
            "DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "0",
        }
        self.pids: dict[str, int] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        file = folder / "address"
        self._start(
            "dask_scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard",
            "--scheduler-file", str(file), log="scheduler",
        )  # fmt: skip
        self._wait_until(lambda: file.exists() and "address" in file.read_text())
        self.address = next(
            line.split('"')[3] for line in file.read_text().splitlines() if '"address"' in line
        )

    def start_worker(
        self,
        name: str,
        *,
        resources: str = "",
        nanny: bool = False,
        hidden: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a worker of one thread and return its process once it is registered.

        Args:
            name: Also what its codecs find in PLANTED_WORKER.
            resources: Such as "GPU=1".
            nanny: Whether a process beside it starts it anew when it dies.
            hidden: Folder that is empty for this worker, as on a machine without it.
        """
        scratch = self.scratch(name)
        scratch.mkdir()
        options = ["--resources", resources] if resources else []
        prefix: list[str] = []
        if hidden is not None:
            prefix = [
                "unshare",
                "-rm",
                "sh",
                "-c",
                'mount -t tmpfs none "$0" && exec "$@"',
                str(hidden),
            ]
        process = self._start(
            "dask_worker", self.address, "--name", name, "--nthreads", "1", "--no-dashboard",
            "--nanny" if nanny else "--no-nanny", "--host", "127.0.0.1", "--death-timeout", "60",
            "--local-directory", str(scratch), *options, log=name, prefix=prefix,
        )  # fmt: skip
        self._wait_until(lambda: "Registered to" in (self.folder / f"{name}.log").read_text())
        return process

    def scratch(self, name: str) -> Path:
        """Return the folder in which a worker may write."""
        return self.folder / f"scratch-{name}"

    def close(self) -> None:
        """End everything."""
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(
        self, program: str, *options: str, log: str, prefix: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        with (self.folder / f"{log}.log").open("wb") as file:
            process = subprocess.Popen(
                [*prefix, sys.executable, "-P", "-m", f"distributed.cli.{program}", *options],
                start_new_session=True,
                env={**self._environment, "PLANTED_WORKER": log},
                cwd=self.folder,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        self.pids[log] = process.pid
        return process


StartCluster = Callable[..., DaskCluster]


@pytest.fixture
def start_cluster(tmp_path: Path, wait_until: WaitUntil) -> Iterator[StartCluster]:
    """Start a scheduler with settings, and end it with all its workers after the test."""
    started: list[DaskCluster] = []

    def start(**environment: str) -> DaskCluster:
        folder = tmp_path / "cluster"
        folder.mkdir()
        started.append(DaskCluster(folder, environment, wait_until))
        return started[-1]

    yield start
    for cluster in started:
        cluster.close()


@pytest.fixture
def hidden(tmp_path: Path) -> Path:
    """A folder that workers can be started without."""
    folder = tmp_path / "hidden"
    folder.mkdir()
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(folder)]
    if shutil.which("unshare") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("not here: the system lets nobody mount a folder for one process")
    return folder
