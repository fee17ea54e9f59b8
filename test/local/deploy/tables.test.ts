import { tableDefinition } from '../../../local/deploy/tables';
import { resource, stackOf } from '../fixtures/template';

const KEYS = {
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
};
const INDEX = {
  IndexName: 'due',
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  Projection: { ProjectionType: 'ALL' },
};

function read(properties: object, type = 'AWS::DynamoDB::Table') {
  const stack = stackOf({ Table: resource(type, { ...KEYS, ...properties }) });
  return tableDefinition('orders', stack.all()[0]!);
}

test.each(['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'])(
  'a %s is read on demand, whatever it pays for',
  (type) => {
    const provisioned = { ReadCapacityUnits: 1, WriteCapacityUnits: 1 };
    const properties = {
      BillingMode: 'PROVISIONED',
      GlobalSecondaryIndexes: [{ ...INDEX, ProvisionedThroughput: provisioned }],
      LocalSecondaryIndexes: [{ ...INDEX, IndexName: 'local' }],
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    };
    expect(read(properties, type)).toEqual({
      input: {
        TableName: 'orders',
        ...KEYS,
        BillingMode: 'PAY_PER_REQUEST',
        GlobalSecondaryIndexes: [INDEX],
        LocalSecondaryIndexes: [{ ...INDEX, IndexName: 'local' }],
      },
      timeToLiveAttribute: 'ttl',
    });
  },
);

test('a table without indexes has no lists of them, and without expiry keeps its items', () => {
  expect(read({})).toEqual({
    input: { TableName: 'orders', ...KEYS, BillingMode: 'PAY_PER_REQUEST' },
    timeToLiveAttribute: undefined,
  });
  expect(
    read({ TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: 'false' } }).timeToLiveAttribute,
  ).toBeUndefined();
});
