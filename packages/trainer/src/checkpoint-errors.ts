/** There is no checkpoint to go on from. */
export class MissingCheckpointError extends Error {
  override readonly name = "MissingCheckpointError";
  readonly isTesseraError = true;
  readonly folder: string;

  constructor(folder: string) {
    super(`${folder} holds no checkpoint. Start a fresh run, or name the folder that an earlier run saved to.`);
    this.folder = folder;
  }
}

/** A file of a checkpoint is not what `save` wrote. */
export class DamagedCheckpointError extends Error {
  override readonly name = "DamagedCheckpointError";
  readonly isTesseraError = true;
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}. The checkpoint is damaged: go on from another one.`, options);
    this.path = path;
  }
}

/** A run would save into the folder of another run. */
export class FolderInUseError extends Error {
  override readonly name = "FolderInUseError";
  readonly isTesseraError = true;
  readonly folder: string;

  constructor(folder: string, newest: string) {
    super(
      `${folder} holds ${newest} of another run. Resume that run from this folder, choose another folder, or remove this one.`,
    );
    this.folder = folder;
  }
}
