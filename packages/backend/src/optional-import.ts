import { BackendUnavailableError } from "./errors.ts";

/**
 * Imports a package that need not be installed. Its name is an argument, so that bundlers and the compiler do not look
 * for it.
 * @returns undefined if it is not installed
 * @throws BackendUnavailableError if it is and does not load
 */
export async function importOptional(backend: string, name: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (cause) {
    const { message } = cause as Error;
    // In quotes, it is the package itself that was not found, and not one that it needs.
    const [problem] = message.split("\n");
    if (/^Cannot find (package|module) /.test(message) && problem?.includes(`'${name}'`)) return undefined;
    throw new BackendUnavailableError(backend, `${name} does not load: ${problem}.`, cause);
  }
}
