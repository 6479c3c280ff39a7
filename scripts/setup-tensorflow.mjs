/**
 * `npm run setup:tensorflow`: the TensorFlow library for `--backend tensorflow`, into `.cache/tensorflow` (1.3 GB).
 *
 * `@tensorflow/tfjs-node` would download a library of 2022 and a binding for the Node versions of that time. Its binding
 * compiles unchanged against today's library, which Python's package brings along with its headers, and runs on every
 * Node version. With `-- --cuda` it is the library for NVIDIA's graphics processors.
 */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { output } from "./engine/cargo.mjs";
import { installApart, link, step } from "./optional-packages.mjs";
import { commandArguments, ensureInstalled, exitWith, root, SetupError } from "./setup.mjs";

const version = "2.21.0";
const folder = join(root, ".cache", "tensorflow");
const library = join(folder, "python", "tensorflow");
const tfjsNode = join(folder, "node_modules", "@tensorflow", "tfjs-node");
const binding = join(tfjsNode, "lib", "napi-v8", "tfjs_binding.node");

await exitWith(async () => {
  const { python, compiler } = findTools();
  await ensureInstalled();
  if (!existsSync(binding)) {
    await installApart("tensorflow", { "@tensorflow/tfjs-node": "4.22.0", "node-api-headers": "1.9.0" });
    await installLibrary(python, commandArguments().includes("--cuda"));
    await compileBinding(compiler);
  }
  link(folder, "@tensorflow/tfjs-node");
  process.stderr.write(`TensorFlow ${version} is ready: npm start -- --backend tensorflow\n`);
  return 0;
});

/** What must be there, looked for before anything is downloaded. */
function findTools() {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new SetupError("This is for Linux on x64; elsewhere, `npm install @tensorflow/tfjs-node` brings binaries.");
  const python = ["python3", "python"].find((name) => output(name, ["-m", "pip", "--version"], process.env));
  if (python === undefined)
    throw new SetupError("Python 3 with pip is needed to download TensorFlow: `apt install python3-pip`, for example.");
  const compiler = ["g++", "clang++"].find((name) => output(name, ["--version"], process.env));
  if (compiler === undefined) throw new SetupError("A C++ compiler is needed: `apt install g++`, for example.");
  return { python, compiler };
}

/**
 * @param {string} python
 * @param {boolean} cuda
 */
async function installLibrary(python, cuda) {
  const target = dirname(library);
  rmSync(target, { recursive: true, force: true });
  const what = cuda ? [`tensorflow[and-cuda]==${version}`] : ["--no-deps", `tensorflow_cpu==${version}`];
  // The library itself does not depend on the version of Python; pip wants to hear one that it was packed for.
  const wheel = ["--only-binary=:all:", "--implementation=cp", "--python-version=3.12"];
  const platforms = ["manylinux_2_27_x86_64", "manylinux2014_x86_64"].map((name) => `--platform=${name}`);
  const where = ["--target", target, "--no-cache-dir", "--no-compile", "--root-user-action=ignore"];
  await step(
    "the TensorFlow library",
    python,
    ["-m", "pip", "install", ...where, ...wheel, ...platforms, ...what],
    folder,
  );
}

/** @param {string} compiler */
async function compileBinding(compiler) {
  mkdirSync(dirname(binding), { recursive: true });
  const options = ["-O2", "-std=c++17", "-fPIC", "-shared", "-DNAPI_VERSION=8"];
  const headers = [join(folder, "node_modules", "node-api-headers", "include"), join(library, "include")];
  const sources = ["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(tfjsNode, "binding", name));
  const libraries = ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2", `-Wl,-rpath,${library}`];
  const includes = headers.map((header) => `-I${header}`);
  const args = [...options, ...includes, ...sources, `-L${library}`, ...libraries, "-o", binding];
  await step("the binding of Node and TensorFlow", compiler, args, folder);
}
