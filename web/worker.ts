/**
 * The worker of this package: runs the job that a module exports by default. The page names the module (start.ts).
 * Its modules must not be bundled apart from the job's: a bundled page makes a worker of its own (serve.ts).
 */
import { runLinked } from './serve.ts';
import { serveJob, type WorkerScope } from './worker-host.ts';

// The global scope of a worker, which the types of a page do not know.
serveJob(globalThis as unknown as WorkerScope, runLinked);
