// An answer held against the schema that the API's description has of it: as much of JSON Schema as that description uses.

/** Only these keywords are used; one that is not known here is refused when the package is generated and tested. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly enum?: readonly (string | number)[];
  readonly pattern?: string;
  readonly anyOf?: readonly Schema[];
}

/** Where a value is not what a schema says, in one sentence; null where it is. Fields that a schema does not know are let be. */
export function complaint(
  value: unknown,
  schema: Schema,
  all: Readonly<Record<string, Schema>>,
  place = "document",
): string | null {
  if (schema.$ref !== undefined) {
    const named = all[schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1)];
    return named === undefined ? `${place}: no schema ${schema.$ref}` : complaint(value, named, all, place);
  }
  if (schema.anyOf !== undefined) {
    const said = schema.anyOf.map((option) => complaint(value, option, all, place));
    return said.includes(null) ? null : (said.find((each) => each !== `${place}: no null`) ?? null);
  }
  if (schema.enum !== undefined && !schema.enum.includes(value as string)) return `${place}: none of ${schema.enum.join(", ")}`;
  switch (schema.type) {
    case "null":
      return value === null ? null : `${place}: no null`;
    case "boolean":
      return typeof value === "boolean" ? null : `${place}: no boolean`;
    case "string":
      return ofString(value, schema, place);
    case "integer":
    case "number":
      return ofNumber(value, schema, place);
    case "array":
      return ofArray(value, schema, all, place);
    case "object":
      return ofObject(value, schema, all, place);
    default:
      return null;
  }
}

function ofString(value: unknown, { pattern, minLength = 0, maxLength = Infinity }: Schema, place: string): string | null {
  if (typeof value !== "string") return `${place}: no string`;
  if (pattern !== undefined && !new RegExp(pattern).test(value)) return `${place}: not of the form ${pattern}`;
  return value.length < minLength || value.length > maxLength ? `${place}: too long or too short` : null;
}

function ofNumber(value: unknown, { type, minimum = -Infinity, maximum = Infinity }: Schema, place: string): string | null {
  if (typeof value !== "number" || !Number.isFinite(value)) return `${place}: no number`;
  // An integer that is not safe is one that JSON.parse may have changed.
  if (type === "integer" && !Number.isSafeInteger(value)) return `${place}: no integer that is kept exactly`;
  return value < minimum || value > maximum ? `${place}: out of range` : null;
}

function ofArray(value: unknown, schema: Schema, all: Readonly<Record<string, Schema>>, place: string): string | null {
  if (!Array.isArray(value)) return `${place}: no list`;
  const { items, prefixItems = [], minItems = 0, maxItems = Infinity } = schema;
  if (value.length < minItems || value.length > maxItems) return `${place}: too long or too short`;
  for (const [at, item] of value.entries()) {
    const each = prefixItems[at] ?? items;
    const said = each === undefined ? null : complaint(item, each, all, `${place}[${at}]`);
    if (said !== null) return said;
  }
  return null;
}

function ofObject(value: unknown, schema: Schema, all: Readonly<Record<string, Schema>>, place: string): string | null {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return `${place}: no object`;
  const { properties = {}, required = [], additionalProperties } = schema;
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return `${place}.${missing}: missing`;
  for (const [name, each] of Object.entries(value)) {
    const own = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    const said = own === undefined || typeof own === "boolean" ? null : complaint(each, own, all, `${place}.${name}`);
    if (said !== null) return said;
  }
  return null;
}
