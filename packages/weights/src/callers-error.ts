import { sep } from "node:path";
import { WriteError } from "./errors.ts";

/** Failures of the disk that is being written to, whoever meets them. */
const DISK_FAILURES: readonly string[] = ["ENOSPC", "EDQUOT", "EROFS"];

export interface SystemError extends Error {
  /** The system's name of the problem, such as `ENOENT`. */
  readonly code: string;
  /** The file that it is about, where the call was given one. */
  readonly path?: unknown;
}

/** An error of code that is not ours (its `cause`), on its way through ours, which leaves it as it is. */
export class CallersError extends Error {}

/** What to throw for an error of the caller's code: itself where writing `temporary` failed, else a CallersError. */
export function callersError(error: unknown, temporary: string): unknown {
  const ofTheWriting = isSystemError(error) && (DISK_FAILURES.includes(error.code) || liesIn(temporary, error.path));
  return ofTheWriting ? error : new CallersError("", { cause: error });
}

/** Whether a system call failed. Node's own codes, such as ERR_INVALID_ARG_TYPE and ABORT_ERR, tell of other things. */
export function isSystemError(error: unknown): error is SystemError {
  if (!(error instanceof Error) || error instanceof WriteError) return false;
  const { code } = error as Partial<SystemError>;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code);
}

function liesIn(folder: string, path: unknown): boolean {
  return typeof path === "string" && (path === folder || path.startsWith(folder + sep));
}
