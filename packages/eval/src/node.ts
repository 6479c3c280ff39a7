export { MalformedTaskFileError, MissingTaskFileError, UnknownSubjectError } from "./errors.ts";
export { type LoadMmluOptions, loadMmlu } from "./tasks/mmlu-files.ts";
