/** A name that stands in each spec's; we remove it again, since it says nothing. */
export const ENVIRONMENT = "CONFORMANCE";

interface Outcome {
  readonly status: string;
  readonly failures: readonly string[];
}

/** One line of a report. "suite" has the failures of what runs before and after its specs, "done" those outside of any. */
export type SuiteEvent =
  | { readonly type: "started"; readonly name: string }
  | ({ readonly type: "spec" | "suite"; readonly name: string } & Outcome)
  | ({ readonly type: "done" } & Outcome);
