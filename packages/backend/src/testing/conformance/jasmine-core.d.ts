/** The little of jasmine-core that we call. */
declare module "jasmine-core/lib/jasmine-core/jasmine.js" {
  export interface Failure {
    readonly message: string;
  }

  export interface Result {
    readonly fullName: string;
    readonly status: string;
    readonly failedExpectations: readonly Failure[];
  }

  export interface Reporter {
    specStarted(result: Result): void;
    specDone(result: Result): void;
    suiteDone(result: Result): void;
    jasmineDone(result: Result): void;
  }

  export interface Environment {
    addReporter(reporter: Reporter): void;
    configure(options: { random: boolean }): void;
    execute(): Promise<unknown>;
  }

  export interface Jasmine {
    getEnv(options: { suppressLoadErrors: boolean }): Environment;
  }

  interface JasmineRequire {
    core(self: JasmineRequire): Jasmine;
    /** `describe`, `it`, `expect`, … */
    interface(jasmine: Jasmine, environment: Environment): object;
  }

  const jasmineRequire: JasmineRequire;
  export default jasmineRequire;
}
