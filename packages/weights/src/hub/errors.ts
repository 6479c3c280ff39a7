/**
 * Why a download failed: `access` (private, gated, or a bad token), `not-found`, `connection` (no answer, after
 * retries), `offline` (not cached, and the network may not be asked), `checksum` (other bytes than announced),
 * `response` (the server's answer makes no sense), `usage` (an argument or variable makes no sense).
 */
export type HubErrorReason = "access" | "not-found" | "connection" | "offline" | "checksum" | "response" | "usage";

/** A model cannot be fetched from a hub; `reason` says why, the message what to do. The cache holds no broken file. */
export class HubError extends Error {
  override readonly name = "HubError";
  readonly isTesseraError = true;
  readonly reason: HubErrorReason;

  constructor(reason: HubErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
