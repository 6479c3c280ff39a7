import type { Action } from "./actions.ts";
import type { TrainEvent } from "./events.ts";
import type { TrainOptions } from "./options.ts";
import type { Run } from "./run.ts";
import type { ActiveRun } from "./start-or-resume.ts";

type Actions = Pick<TrainOptions<unknown>, "every" | "whenStopped" | "steps">;

/** Asks every action, before any work is done, whether it will be able to do its own. */
export async function begin(run: Run, { every = {}, whenStopped = [] }: Actions): Promise<void> {
  for (const action of new Set([...Object.values(every).flat(), ...whenStopped])) await action.begin?.(run);
}

/** The actions of a step: smaller intervals first, then in the order given, those that come last at the end. */
export function due(step: number, { every = {}, steps }: Actions): Action[] {
  const actions = Object.entries(every).flatMap(([interval, actions]) =>
    step % Number(interval) === 0 || step === steps ? actions : [],
  );
  return [...new Set(actions)].sort((a, b) => Number(a.last ?? false) - Number(b.last ?? false));
}

/** The actions of an early end that its last step has not seen; none if there was no step since the start or resume. */
export function notYetDone(run: Run, options: Actions): Action[] {
  if (run.step === run.resumedFrom) return [];
  const done = new Set(due(run.step, options));
  return (options.whenStopped ?? []).filter((action) => !done.has(action));
}

/** All actions of the step that was resumed from, if a signal cut an evaluation among them short; else none. */
export function cutShort(run: Run, options: Actions): Action[] {
  return run.signal?.aborted || everyEvaluationIsThere(run, options) ? [] : due(run.step, options);
}

/** Whether each evaluation that is due after the run's step has been done. */
export function everyEvaluationIsThere(run: Run, options: Actions): boolean {
  if (run.step === 0) return true;
  const known = new Set(run.evaluations.filter(({ step }) => step === run.step).map(({ name }) => name));
  return due(run.step, options).every(({ evaluates }) => evaluates === undefined || known.has(evaluates));
}

/** Whether every action that may evaluate had its turn since the start or resume; an interrupted one had not. */
export function everyActionWasDone(run: Run, { every = {}, steps }: Actions): boolean {
  if (run.signal?.aborted) return false;
  const intervals = Object.entries(every).filter(([, actions]) => actions.some(({ last }) => !last));
  return (
    run.step === steps || run.step - run.resumedFrom >= Math.max(...intervals.map(([interval]) => Number(interval)))
  );
}

/** Does the actions and records their evaluations: those of an earlier try of the same step are replaced. */
export async function* performAndRecord<B>(actions: readonly Action[], run: ActiveRun<B>): AsyncGenerator<TrainEvent> {
  for await (const event of perform(actions, run)) {
    if (event.type === "eval-end") {
      const others = run.evaluations.filter(({ step, name }) => step !== event.step || name !== event.name);
      run.evaluations = [...others, event];
    }
    yield event;
  }
}

export async function* perform(actions: readonly Action[], run: Run): AsyncGenerator<TrainEvent> {
  for (const action of actions) {
    const event = await report(action, run);
    if (event) yield event;
  }
}

/** What the action reports; nothing if the signal cut it short. */
async function report(action: Action, run: Run): Promise<TrainEvent | undefined | void> {
  try {
    return await action(run);
  } catch (error) {
    if (run.signal?.aborted && isAbort(error, run.signal)) return undefined;
    throw error;
  }
}

function isAbort(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || (error instanceof Error && error.name === "AbortError");
}
