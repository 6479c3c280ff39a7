import type { BackendName } from "../../use-backend.ts";

/** A spec of tfjs-core that a backend is known to fail. One that passes is reported, so that the list stays true. */
export interface Exclusion {
  readonly spec: string;
  /** Why the backend is right, or may differ. */
  readonly reason: string;
}

/** The backends that are held to the specs, and what each of them is excused from. */
export const exclusions: readonly (readonly [backend: BackendName, excused: readonly Exclusion[]])[] = [
  ["cpu", []], // shows that the specs are found and run
  ["tessera", []],
  ["tessera-wasm", []],
];
