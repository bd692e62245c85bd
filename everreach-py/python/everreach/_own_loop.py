"""The event loop for coroutines whose caller has none."""

from __future__ import annotations

import asyncio
import contextlib
import threading


class OwnLoop:
    """A loop that runs in a thread of its own until :meth:`stop`."""

    def __init__(self, depth: int) -> None:
        self.loop = asyncio.new_event_loop()
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name=f"everreach-asyncio-{depth}" if depth else "everreach-asyncio", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            while not self._is_ending:
                # A coroutine that raises an interrupt ends the loop's turn, not the loop of all the others.
                with contextlib.suppress(KeyboardInterrupt, SystemExit):
                    self.loop.run_forever()
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        finally:
            self.loop.close()

    def stop(self) -> None:
        self._is_ending = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(2.0)
