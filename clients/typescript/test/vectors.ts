// The vectors that Python and Solidity are tested with too.
import { readFileSync } from "node:fs";

/** A part of tests/vectors/<file>.json. This module runs from dist/test. */
export function vectors<Vector>(file: string, kind: string): Vector[] {
  const path = new URL(`../../../../tests/vectors/${file}.json`, import.meta.url);
  const found = JSON.parse(readFileSync(path, "utf8"))[kind];
  if (!Array.isArray(found) || found.length === 0) throw new Error(`no ${kind} in ${path.pathname}`);
  return found;
}
