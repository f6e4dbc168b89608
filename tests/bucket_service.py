"""An S3 service on the loopback, for tests: moto, in a process of its own.

It stands for the meaning of requests (put if absent, lists, removal); it checks neither checksums nor who asks.
"""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

from tests.postgres import free_port

SERVER = "import sys; from moto.server import main; main(['-H', '127.0.0.1', '-p', sys.argv[1]])"


class BucketService:
    """One service, with one bucket."""

    def __init__(self) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.start()

    @property
    def members(self) -> Mapping[str, str]:
        """What the bucket asks for."""
        keys = {"access_key_id": "tests", "secret_access_key": "tests", "region": "eu-west-3"}
        return {**keys, "endpoint": self.endpoint}

    @property
    def environment(self) -> Mapping[str, str]:
        """The same as variables."""
        return {
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_REGION": "eu-west-3",
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    def start(self) -> None:
        """Start it, empty, and make the bucket."""
        command = [sys.executable, "-W", "ignore", "-c", SERVER, str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/bucket", method="PUT"), timeout=5)  # noqa: S310
            except (urllib.error.URLError, ConnectionError):
                assert self._process.poll() is None
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the service does not answer")

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
