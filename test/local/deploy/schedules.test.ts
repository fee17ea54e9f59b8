import { AssemblyError, type Dictionary } from '../../../local/assembly/template';
import { readSchedules } from '../../../local/deploy/schedules';
import { Roles } from '../../../local/iam/roles';
import { resource, roleFor, stackOf } from '../fixtures/template';

const TARGET = { Arn: { 'Fn::GetAtt': ['Lambda', 'Arn'] }, RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] } };

function read(properties: Dictionary = {}, action = 'lambda:InvokeFunction') {
  const stack = stackOf({
    Schedule: resource('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      Target: TARGET,
      ...properties,
    }),
    Lambda: resource('AWS::Lambda::Function'),
    Role: roleFor(action),
  });
  return readSchedules(stack, new Roles(stack));
}

test('a schedule is read with its function, its times and its input', () => {
  const [schedule] = read({ Target: { ...TARGET, Input: '{"a":1}' } });
  expect(schedule).toMatchObject({
    arn: 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/Shop-Schedule',
    functionId: 'Lambda',
    input: '{"a":1}',
  });
  expect(schedule!.nextRun(0)).toBe(60_000);
  expect(read()[0]!.input).toBeUndefined();
});

test('the time zone is the one of the template', () => {
  const [schedule] = read({ ScheduleExpression: 'cron(0 12 * * ? *)', ScheduleExpressionTimezone: 'Asia/Kolkata' });
  expect(new Date(schedule!.nextRun(0)!).toISOString()).toBe('1970-01-01T06:30:00.000Z');
});

test('a schedule that is switched off is left out', () => {
  expect(read({ State: 'DISABLED' })).toEqual([]);
  expect(read({ State: 'ENABLED' })).toHaveLength(1);
});

test.each<[string, Dictionary, string, string]>([
  [
    'an expression that is none',
    { ScheduleExpression: 'rate(1 week)' },
    'lambda:InvokeFunction',
    'has the expression rate(1 week) in the time zone UTC, which is not understood.',
  ],
  [
    'a time zone that is none',
    { ScheduleExpressionTimezone: 'Mars/Olympus' },
    'lambda:InvokeFunction',
    'has the expression rate(1 minute) in the time zone Mars/Olympus, which is not understood.',
  ],
  [
    'a target elsewhere',
    { Target: { ...TARGET, Arn: 'arn:other' } },
    'lambda:InvokeFunction',
    'has the target arn:other, which is no function of the template.',
  ],
  [
    'a role that may not invoke it',
    {},
    'lambda:GetFunction',
    'needs a role that allows lambda:InvokeFunction on arn:aws:lambda:us-east-1:000000000000:function:Shop-Lambda.',
  ],
])('a schedule with %s stops', (_what, properties, action, message) => {
  expect(() => read(properties, action)).toThrow(
    new AssemblyError(`Schedule (AWS::Scheduler::Schedule, Schedule) ${message}`),
  );
});
