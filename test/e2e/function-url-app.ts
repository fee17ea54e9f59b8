import { App, Stack } from 'aws-cdk-lib';
import { FrontDoor, QStash } from '../../lib';

/** The smallest app with the other front door. */
const app = new App({ outdir: process.env.CDK_OUTDIR });
new QStash(new Stack(app, 'QStash'), 'QStash', { frontDoor: FrontDoor.functionUrl() });
app.synth();
