// graphile-worker, for run.py: worker.js COMMAND DATABASE_URL COUNT [tuned].
//
// Each command prints one line of JSON; a worker then waits for the end of its standard input, so that its memory can be read.

import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Logger, WorkerPreset, makeWorkerUtils, run, runMigrations } from "graphile-worker";
import pg from "pg";

const AT_ONCE = 1000;
const CONCURRENCY = 16;
const [command, connectionString, countText, settings] = process.argv.slice(2);
const count = Number(countText);
const logger = new Logger(() => () => {});
const now = () => process.hrtime.bigint();
const seconds = (from, to) => Number(to - from) / 1e9;
const tell = (line) => console.log(JSON.stringify(line));
const untilTheEnd = () => once(process.stdin.resume(), "end");

function options() {
  const tuned = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
  const worker = { connectionString, concurrentJobs: CONCURRENCY, maxPoolSize: CONCURRENCY + 2, ...(settings === "tuned" ? tuned : {}) };
  return { preset: { extends: [WorkerPreset], worker: { ...worker, logger } }, parsedCronItems: [], noHandleSignals: true };
}

/** A worker; `begun` maps a job's number to the time at which its handler began. */
async function startWorker() {
  const begun = new Map();
  const events = new EventEmitter();
  const ready = once(events, "pool:listen:success");
  let finish;
  const all = new Promise((resolve) => (finish = resolve));
  const no_op = async ({ number }) => {
    begun.set(number, now());
    if (begun.size === count) finish();
  };
  const start = now();
  const runner = await run({ ...options(), taskList: { no_op }, events });
  return { begun, all, ready, start, runner };
}

const commands = {
  async prepare() {
    await runMigrations(options());
  },

  async enqueue() {
    const utils = await makeWorkerUtils({ connectionString, logger });
    const start = now();
    for (let first = 0; first < count; first += AT_ONCE) {
      const length = Math.min(AT_ONCE, count - first);
      await utils.addJobs(Array.from({ length }, (_, index) => ({ identifier: "no_op", payload: { number: first + index } })));
    }
    tell({ seconds: seconds(start, now()) });
    await utils.release();
  },

  async drain() {
    const { begun, all, start, runner } = await startWorker();
    await all;
    const last = [...begun.values()].reduce((one, other) => (one > other ? one : other));
    await runner.stop();
    tell({ seconds: seconds(start, last), settled_seconds: seconds(start, now()), handled: begun.size });
    await untilTheEnd();
  },

  async left() {
    const client = new pg.Client({ connectionString });
    await client.connect();
    const { rows } = await client.query("SELECT count(*)::int AS left FROM graphile_worker.jobs");
    tell(rows[0]);
    await client.end();
  },

  async "pickup-worker"() {
    const { begun, all, ready, runner } = await startWorker();
    await ready;
    tell("ready");
    await all;
    await runner.stop();
    tell({ begun: Object.fromEntries([...begun].map(([number, at]) => [number, Number(at)])) });
    await untilTheEnd();
  },

  async "pickup-enqueue"() {
    const utils = await makeWorkerUtils({ connectionString, logger });
    const enqueued = {};
    for (let number = 0; number < count; number += 1) {
      await sleep(5 + ((number * 7) % 41));
      enqueued[number] = Number(now());
      await utils.addJob("no_op", { number });
    }
    tell({ enqueued });
    await utils.release();
  },
};

await commands[command]();
