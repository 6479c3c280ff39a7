/** `npm run setup:webgpu`: what `--backend webgpu` needs in Node, into `.cache/webgpu` (140 MB). */
import { installApart, link } from "./optional-packages.mjs";
import { ensureInstalled, exitWith } from "./setup.mjs";

const dependencies = { "@tensorflow/tfjs-backend-webgpu": "4.22.0", webgpu: "0.6.2" };

await exitWith(async () => {
  await ensureInstalled();
  const folder = await installApart("webgpu", dependencies);
  for (const name of Object.keys(dependencies)) link(folder, name);
  process.stderr.write("WebGPU is ready: npm start -- --backend webgpu\n");
  return 0;
});
