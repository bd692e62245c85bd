"""honker on SQLite, for run.py: worker.py COMMAND FILE COUNT [tuned].

Each command prints one line of JSON; a worker then waits for the end of its standard input, so that its memory can be read.
Untuned, it takes jobs from honker's iterator, one a transaction; tuned, it claims and acknowledges 100 at a time.
"""

import asyncio
import json
import sys
import time

import honker

AT_ONCE = 1_000
BATCH = 100
WORKER = "bench"
now = time.monotonic_ns


def tell(line):
    print(json.dumps(line), flush=True)


class Begun:
    """When each job's handler began; ends the loop once there are as many as expected."""

    def __init__(self, expected):
        self.at, self._expected = {}, expected

    def handle(self, job):
        self.at[job.payload["number"]] = now()

    @property
    def all(self):
        return len(self.at) >= self._expected


async def by_iterator(queue, begun):
    async for job in queue.claim(WORKER):
        begun.handle(job)
        job.ack()
        if begun.all:
            return


async def by_batch(database, queue, begun):
    changes = database.update_events()
    while not begun.all:
        jobs = queue.claim_batch(WORKER, BATCH)
        for job in jobs:
            begun.handle(job)
        if jobs:
            queue.ack_batch([job.id for job in jobs], WORKER)
            continue
        try:
            await asyncio.wait_for(changes.__anext__(), timeout=5)
        except asyncio.TimeoutError:
            pass


async def work(database, queue, begun, tuned):
    await (by_batch(database, queue, begun) if tuned else by_iterator(queue, begun))


def enqueue(database, queue, count):
    start = now()
    for first in range(0, count, AT_ONCE):
        with database.transaction() as transaction:
            for number in range(first, min(count, first + AT_ONCE)):
                queue.enqueue({"number": number}, tx=transaction)
    spent = (now() - start) / 1e9
    with database.transaction() as transaction:
        level = transaction.query("PRAGMA synchronous")[0]["synchronous"]
    tell({"seconds": spent, "synchronous": level})


def drain(database, queue, count, tuned):
    begun, start = Begun(count), now()
    asyncio.run(work(database, queue, begun, tuned))
    settled = now()
    tell({"seconds": (max(begun.at.values()) - start) / 1e9, "settled_seconds": (settled - start) / 1e9, "handled": len(begun.at)})
    sys.stdin.read()


def pickup_worker(database, queue, count, tuned):
    begun = Begun(count)
    tell("ready")
    asyncio.run(work(database, queue, begun, tuned))
    tell({"begun": begun.at})
    sys.stdin.read()


def pickup_enqueue(queue, count):
    enqueued = {}
    for number in range(count):
        time.sleep((5 + number * 7 % 41) / 1000)
        enqueued[number] = now()
        queue.enqueue({"number": number})
    tell({"enqueued": enqueued})


def main():
    command, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    tuned = "tuned" in sys.argv[4:]
    database = honker.open(path)
    queue = database.queue("bench")
    if command == "enqueue":
        enqueue(database, queue, count)
    elif command == "drain":
        drain(database, queue, count, tuned)
    elif command == "left":
        tell({"left": database.query("SELECT COUNT(*) AS jobs FROM _honker_jobs")[0]["jobs"]})
    elif command == "pickup-worker":
        pickup_worker(database, queue, count, tuned)
    elif command == "pickup-enqueue":
        pickup_enqueue(queue, count)
    elif command != "prepare":
        sys.exit(f"there is no command {command}")


if __name__ == "__main__":
    main()
