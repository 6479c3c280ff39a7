/** A group of processes that is told to stop tells each other too; these are one wish. */
const SAME_WISH_MILLISECONDS = 1000;

/** Aborts at the first Ctrl-C, so that the run can save and say how to go on; the second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const interrupt = (): void => {
    if (controller.signal.aborted && performance.now() - first > SAME_WISH_MILLISECONDS) process.exit(130);
    if (controller.signal.aborted) return;
    first = performance.now();
    process.exitCode = 130; // As a shell reports an interrupted program.
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return controller.signal;
}
