/** What is computed; undefined if the signal comes before it is there. */
export async function unlessAborted<T>(
  signal: AbortSignal | undefined,
  compute: () => Promise<T>,
): Promise<T | undefined> {
  if (signal?.aborted) return undefined;
  try {
    const result = await compute();
    return signal?.aborted ? undefined : result;
  } catch (error) {
    if (signal?.aborted) return undefined;
    throw error;
  }
}
