/** A chat template is wrong, refuses the messages, or cannot be rendered with the options. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
  readonly isTesseraError = true;
  /** The line of the template, from 1, where that is known. */
  readonly line: number | undefined;

  constructor(problem: string, options: ErrorOptions & { readonly line?: number | undefined } = {}) {
    const { line, ...others } = options;
    super(line === undefined ? `Chat template: ${problem}` : `Chat template, line ${line}: ${problem}`, others);
    this.line = line;
  }
}
