/** A JSON Schema as OpenAPI 3.1 has them (draft 2020-12). */
export type Schema = Readonly<Record<string, unknown>>;

export const text = (description: string, more: Schema = {}): Schema => ({ type: 'string', description, ...more });
export const url = (description: string): Schema => text(description, { format: 'uri' });
export const whole = (description: string, more: Schema = {}): Schema => ({
  type: 'integer',
  minimum: 0,
  description,
  ...more,
});
export const time = (description: string): Schema => whole(`${description}, unix milliseconds`);
export const flag = (description: string): Schema => ({ type: 'boolean', description });
export const list = (items: Schema, description?: string): Schema => ({
  type: 'array',
  items,
  ...(description === undefined ? {} : { description }),
});

/** An object with the keys of `always`, perhaps some of `sometimes`, and no others. */
export const object = (
  always: Readonly<Record<string, Schema>>,
  sometimes: Readonly<Record<string, Schema>> = {},
  more: Schema = {},
): Schema => ({
  type: 'object',
  properties: { ...always, ...sometimes },
  required: Object.keys(always),
  additionalProperties: false,
  ...more,
});

export const named = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** Keys that are there together or not at all. */
export const together = (...keys: readonly string[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(keys.map((key) => [key, keys.filter((other) => other !== key)]));
