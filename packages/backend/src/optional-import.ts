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
    const [problem] = message.split("\n");
    if (notFound.exec(message)?.[1] === name) return undefined;
    throw new BackendUnavailableError(backend, `${name} does not load: ${problem}.`, cause);
  }
}

/** As Node and as Vite say it. In quotes is what was not found: the package itself, or one that it needs. */
const notFound = /^(?:Cannot find (?:package|module)|Could not resolve) ['"](.*?)['"]/;
