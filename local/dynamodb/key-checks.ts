import { type AttributeMap, type AttributeValue, typeOf } from './attribute-value';
import { invalid, invalidValue } from './dynamodb-error';
import { indexesOf, type KeyElement, keyType, type Table } from './table';

const MAX_PARTITION_KEY_BYTES = 2048;
const MAX_SORT_KEY_BYTES = 1024;

/** Refuses a key that has other attributes than the table's, or values that no key can have. */
export function checkKey(table: Table, key: AttributeMap): void {
  const fits = ({ AttributeName: name }: KeyElement) => key[name]?.[keyType(table, name)] !== undefined;
  if (Object.keys(key).length !== table.KeySchema.length || !table.KeySchema.every(fits))
    throw invalid('The provided key element does not match the schema');
  for (const element of table.KeySchema) checkKeyValue(key[element.AttributeName]!, element);
}

/** Refuses an item without a key, or with a value that the table's key or an index's key can't have. */
export function checkItemKeys(table: Table, item: AttributeMap): void {
  for (const element of table.KeySchema) {
    const { AttributeName: name } = element;
    const type = keyType(table, name);
    const value = item[name];
    if (value === undefined) throw invalidValue(`Missing the key ${name} in the item`);
    if (value[type] === undefined)
      throw invalidValue(`Type mismatch for key ${name} expected: ${type} actual: ${typeOf(value)}`);
    checkKeyValue(value, element);
  }
  for (const { IndexName, KeySchema } of indexesOf(table)) {
    for (const element of KeySchema) {
      const { AttributeName: name } = element;
      const type = keyType(table, name);
      const value = item[name];
      if (value === undefined) continue;
      if (value[type] === undefined)
        throw invalidValue(
          `Type mismatch for Index Key ${name} Expected: ${type} Actual: ${typeOf(value)} IndexName: ${IndexName}`,
        );
      checkKeyValue(value, element, IndexName);
    }
  }
}

/** Refuses a value that is empty or too long for a key of the table, or of the index that is named. */
export function checkKeyValue(
  { S, B }: AttributeValue,
  { AttributeName: name, KeyType }: KeyElement,
  indexName?: string,
): void {
  if (S === '' || B === '') {
    const [about, where] =
      indexName === undefined
        ? ['', `Key: ${name}`]
        : [
            'A value specified for a secondary index key is not supported. ',
            `IndexName: ${indexName}, IndexKey: ${name}`,
          ];
    throw invalid(
      `One or more parameter values are not valid. ${about}The AttributeValue for a key attribute cannot contain an ` +
        `empty ${S === '' ? 'string' : 'binary'} value. ${where}`,
    );
  }
  const size = S !== undefined ? Buffer.byteLength(S) : B !== undefined ? Buffer.byteLength(B, 'base64') : 0;
  if (KeyType === 'HASH' && size > MAX_PARTITION_KEY_BYTES)
    throw invalidValue(
      `Size of hashkey has exceeded the maximum size limit of ${MAX_PARTITION_KEY_BYTES} bytes: ${name} has ${size}`,
    );
  if (KeyType === 'RANGE' && size > MAX_SORT_KEY_BYTES)
    throw invalidValue(
      `Aggregated size of all range keys has exceeded the size limit of ${MAX_SORT_KEY_BYTES} bytes: ${name} has ${size}`,
    );
}

/** Refuses paths into a key attribute, which holds no other values. */
export function checkScalarKeys(table: Table, nestedPaths: Readonly<Record<string, boolean>> = {}): void {
  const nested = (schema: readonly KeyElement[]) =>
    schema.map(({ AttributeName }) => AttributeName).find((name) => nestedPaths[name]);
  const key = nested(table.KeySchema);
  const indexed = nested(indexesOf(table).flatMap(({ KeySchema }) => KeySchema));
  if (key === undefined && indexed === undefined) return;
  throw invalid(
    "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: " +
      (key === undefined ? `IndexKey: ${indexed}` : `Key: ${key}`),
  );
}
