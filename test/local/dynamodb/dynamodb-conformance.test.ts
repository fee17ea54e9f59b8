import { dynamoDbConformance } from './dynamodb-conformance';
import { startEmbedded } from './probe';

dynamoDbConformance('the embedded server', startEmbedded, []);
