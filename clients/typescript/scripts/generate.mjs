import { writeFile } from "node:fs/promises";
import { texts } from "./texts.mjs";

for (const [path, text] of Object.entries(await texts())) {
  await writeFile(new URL(`../${path}`, import.meta.url), text);
  console.log(`wrote ${path}`);
}
