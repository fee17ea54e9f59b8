import { dynamoDbConformance } from '../local/dynamodb/dynamodb-conformance';
import { startDynamoDbLocal } from './dynamodb-local';

/** What DynamoDB Local 3.3.0 does otherwise than DynamoDB. */
const DYNAMODB_LOCAL_GAPS = [
  'an index that is added leaves out items whose value can be no key, until they are written again',
  'numbers lose zeros that do not count and exponents',
  'a sum has no zeros that do not count',
  'the 1 MB of a page are counted before filter and projection',
  'an update that does not suit its item is a reason, after all others are known',
  'a query that finds nothing takes the smallest unit',
  'batches take what their parts take, table by table',
  'a transaction tells reads from writes, and indexes take no double units',
];

dynamoDbConformance('DynamoDB Local', startDynamoDbLocal, DYNAMODB_LOCAL_GAPS);
