/** The programs to compare with cannot run here. The message says what is missing and how to get it. */
export class PeerUnavailableError extends Error {
  override readonly name = "PeerUnavailableError";
  readonly isTesseraError = true;
}

/** A measured program ended or misbehaved; the message holds its own words. */
export class ContestantError extends Error {
  override readonly name = "ContestantError";
  readonly isTesseraError = true;
}
