// The answers of the API by name. Their types are generated from its description; `Server` has held them against it.
import type { components } from "./generated/api.js";

type Schemas = components["schemas"];

export type Inference = Schemas["Inference"];
export type Tensor = Schemas["Tensor"];
export type Sighting = Schemas["Sighting"];
export type Model = Schemas["Model"];
export type Line = Schemas["Line"];
export type DeskRequest = Schemas["DeskRequest"];
export type Status = Schemas["Horizon"];
export type Statistics = Schemas["Statistics"];
export type News = Schemas["News"];
export type Job = Schemas["JobAnswer"];
export type Webhook = Schemas["Webhook"];
export type WebhookMessage = Schemas["WebhookMessage"];
export type Grade = Inference["grade"];
export type Finality = Inference["finality"];

/** Weakest first; a grade's number on the chain is its place. */
export const GRADES: readonly Grade[] = ["Claimed", "Signed", "Attested", "Proven"];

/** Least sure first. */
export const FINALITIES: readonly Finality[] = ["mined", "safe", "final"];

/** Some of what was asked for, the newest first. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The cursor of the page after this one; null on the last. */
  readonly next: string | null;
}
