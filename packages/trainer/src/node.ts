export { DamagedCheckpointError, FolderInUseError, MissingCheckpointError } from "./checkpoint-errors.ts";
export { latestCheckpoint } from "./checkpoint-folder.ts";
export { type CheckpointOptions, type Checkpoints, checkpoints } from "./checkpoints.ts";
