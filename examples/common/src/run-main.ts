import { CommanderError } from "commander";

/** Errors of the file system that are the machine's doing, not a mistake in the program, and what to do about them. */
const systemErrors: Readonly<Record<string, string>> = {
  EACCES: "permission denied; choose a folder that you may write to",
  EPERM: "operation not permitted; choose a folder that you may write to",
  EROFS: "the file system is read-only; make it writable, or work with a copy or another folder",
  ENOSPC: "the disk is full; free some space or choose another folder",
  ENOTDIR: "a file stands where a folder is needed; choose another folder",
  EISDIR: "this is a folder; give the name of a file",
  EEXIST: "a file stands where a folder is needed; choose another folder",
};

/**
 * Runs a program and sets the exit code. A mistake of the user's is told in one line on standard error, with exit
 * code 1; a defect keeps its stack trace, because that is what whoever mends it needs.
 */
export async function runMain(program: () => Promise<void>): Promise<void> {
  try {
    await program();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode; // Commander has printed its line.
      return;
    }
    console.error(oneLine(error) ?? error);
    process.exitCode = 1;
  }
}

function oneLine(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("isTesseraError" in error) return `error: ${error.message}`;
  const { code, path } = error as NodeJS.ErrnoException;
  const advice = code === undefined ? undefined : systemErrors[code];
  return advice === undefined ? undefined : `error: ${path ?? "a file"}: ${advice}`;
}
