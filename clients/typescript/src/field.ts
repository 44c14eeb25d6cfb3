// Instances as numbers: the scalar field of bn254, and fixed point on top of it. As in bridge/core/field.py and FixedPoint.sol.

/** r, the order of bn254's scalar field (EIP-197). */
export const MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** The integer that a field element stands for: above (r-1)/2 it is negative. Throws RangeError at r and above. */
export function toSigned(instance: bigint): bigint {
  if (instance < 0n || instance >= MODULUS) {
    throw new RangeError(`${instance} is not an element of the bn254 scalar field`);
  }
  return instance > MODULUS / 2n ? instance - MODULUS : instance;
}

/** The field element that stands for an integer of at most (r-1)/2 in magnitude. Throws RangeError beyond it. */
export function toInstance(signed: bigint): bigint {
  if (signed > MODULUS / 2n || -signed > MODULUS / 2n) {
    throw new RangeError(`${signed} does not fit the bn254 scalar field`);
  }
  return signed < 0n ? signed + MODULUS : signed;
}

/** The real number of an instance at a scale: signed / 2**scale. `Number` rounds correctly, and the division is exact. */
export function toNumber(instance: bigint, scale: number): number {
  return Number(toSigned(instance)) / 2 ** scale;
}

/** The integer nearest to number * 2**scale. Exact for what `toNumber` gave. Throws RangeError for what is no number. */
export function toFixed(number: number, scale: number): bigint {
  const scaled = number * 2 ** scale;
  if (!Number.isFinite(scaled)) throw new RangeError(`${number} has no integer at scale ${scale}`);
  return BigInt(Math.round(scaled));
}
