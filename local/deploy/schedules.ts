import type { Stack, StackResource } from '../assembly/stack';
import { type NextRun, readScheduleExpression } from '../events/schedule-expression';
import type { Roles } from '../iam/roles';

/** A schedule of the template. */
export interface ScheduleDefinition {
  readonly arn: string;
  readonly functionId: string;
  readonly nextRun: NextRun;
  readonly input: string | undefined;
}

/** Reads the enabled schedules; stops for an expression, target or role that cannot work. */
export function readSchedules(stack: Stack, roles: Roles): ScheduleDefinition[] {
  return stack
    .ofType('AWS::Scheduler::Schedule')
    .filter((schedule) => schedule.text('State') !== 'DISABLED')
    .map((schedule) => readSchedule(stack, roles, schedule));
}

function readSchedule(stack: Stack, roles: Roles, schedule: StackResource): ScheduleDefinition {
  const expression = schedule.requiredText('ScheduleExpression');
  const zone = schedule.text('ScheduleExpressionTimezone');
  const nextRun = readScheduleExpression(expression, zone);
  if (nextRun === undefined) {
    return schedule.stop(`has the expression ${expression} in the time zone ${zone ?? 'UTC'}, which is not understood`);
  }
  const { Arn, RoleArn, Input } = schedule.dictionary('Target');
  const target = stack.find(String(Arn), 'AWS::Lambda::Function');
  if (target === undefined) return schedule.stop(`has the target ${String(Arn)}, which is no function of the template`);
  roles.require(String(RoleArn), schedule, ['lambda:InvokeFunction'], stack.arn(target));
  return {
    arn: stack.arn(schedule),
    functionId: target.logicalId,
    nextRun,
    input: Input === undefined ? undefined : String(Input),
  };
}
