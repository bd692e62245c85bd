"""A Redis server of one test's own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Optional, Type


class RedisServer:
    """Runs on a socket in a folder of its own, with a password where one is given; killed at the end."""

    def __init__(self, password: Optional[str] = None) -> None:
        program = shutil.which("redis-server")
        assert program, "no redis-server: install the redis-server package"
        # A socket's path is short.
        self._folder = tempfile.TemporaryDirectory(prefix="everreach-redis-")
        self._socket = Path(self._folder.name) / "redis.sock"
        self.url = f"redis+unix://{self._socket}" + (f"?pass={password}" if password else "")
        command = [program, "--port", "0", "--save", "", "--unixsocket", str(self._socket), "--dir", self._folder.name]
        command += ["--requirepass", password] if password else []
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while not self._socket.exists():
            assert time.monotonic() < end, "redis does not begin"
            time.sleep(0.01)

    def __enter__(self) -> RedisServer:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()
