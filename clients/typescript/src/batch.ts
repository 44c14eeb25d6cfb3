// The tree over the rows of a batch, as in contracts/src/Rows.sol: a leaf is the hash of an inference id, pairs are hashed in
// ascending order, and one that is left over goes up as it is.
import { concat, keccak256, type Hex } from "viem";

/** Whether the path leads from an inference id to the root. */
export function isIn(root: Hex, path: readonly Hex[], inferenceId: Hex): boolean {
  const top = path.reduce((node, sibling) => {
    const [low, high] = [node.toLowerCase() as Hex, sibling.toLowerCase() as Hex].sort() as [Hex, Hex];
    return keccak256(concat([low, high]));
  }, keccak256(inferenceId));
  return top === root.toLowerCase();
}
