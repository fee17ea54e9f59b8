import { type App, type Stack, Validations } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { createStack, VARIANTS } from './synthesize';

function check(app: App): () => void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return () => void app.synth();
}

/** What surrounds the service in a variant is not ours to answer for. */
function acknowledgeSurroundings(stack: Stack): void {
  for (const child of stack.node.children) {
    if (child.node.id === 'QStash') continue;
    for (const id of ['AwsSolutions-VPC7', 'AwsSolutions-EC23', 'AwsSolutions-KMS5', 'AwsSolutions-SNS3']) {
      Validations.of(child).acknowledge({ id, reason: 'Not part of the service' });
    }
  }
}

test.each(Object.keys(VARIANTS))('%s passes AwsSolutions', (variant) => {
  const { app, stack } = createStack(VARIANTS[variant]);
  acknowledgeSurroundings(stack);
  expect(check(app)).not.toThrow();
});

test('a finding beside the service is found', () => {
  const { app, stack } = createStack();
  new Queue(stack, 'Plain');
  expect(check(app)).toThrow(/validation/i);
});
