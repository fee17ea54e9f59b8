import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { QStash } from '../lib';

/** The smallest app: one service, with its address as an output. */
const app = new App({ outdir: process.env.CDK_OUTDIR });
const stack = new Stack(app, 'QStash', { description: 'A QStash-compatible message delivery service' });
const qstash = new QStash(stack, 'QStash');
new CfnOutput(stack, 'Url', { value: qstash.url, description: 'QSTASH_URL' });
new CfnOutput(stack, 'TokenSecretArn', {
  value: qstash.tokenSecret.secretArn,
  description: 'Holds QSTASH_TOKEN as its field token',
});
app.synth();
