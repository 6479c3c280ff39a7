/** Several processes of one terminal may pass the same Ctrl-C on; what comes so soon after the first is still that. */
const SAME_INTERRUPT_MILLISECONDS = 1000;

/** Aborts at the first Ctrl-C, so that a run can save and say how to go on; the second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let first = Number.POSITIVE_INFINITY;
  const interrupt = (): void => {
    if (performance.now() - first > SAME_INTERRUPT_MILLISECONDS) process.exit(130);
    first = Math.min(first, performance.now());
    process.exitCode = 130; // As a shell reports an interrupted program.
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  // Whoever read what is printed has gone, as `head` does.
  process.stdout.on("error", interrupt);
  return controller.signal;
}
