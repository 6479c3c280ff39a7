/** Lets timers, signals and the page run between two batches, on backends too that answer without waiting. */
export const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
