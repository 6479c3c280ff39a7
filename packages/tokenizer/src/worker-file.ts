/** The module that worker threads run: beside this one, in the sources as in what is built of them. */
export function workerFile(): URL {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  return new URL(extension === ".ts" ? "./encode-worker-source.mjs" : `./encode-worker${extension}`, import.meta.url);
}
