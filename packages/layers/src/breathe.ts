/**
 * Lets everything else that waits run: timers, signals, servers, the page. Await it between two steps of a long
 * computation: the promises of a backend on the CPU resolve without ever doing that.
 */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else postMessageToSelf(resolve);
  });
}

/** Where there is no setImmediate, in browsers. Not setTimeout: they slow that down to once a second in hidden tabs. */
function postMessageToSelf(received: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => {
    port1.close();
    received();
  });
  port1.start();
  port2.postMessage(undefined);
}
