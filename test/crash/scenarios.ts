import { BODY_SCENARIOS } from './scenarios/bodies';
import { DELIVERY_SCENARIOS } from './scenarios/delivery';
import { QUEUE_SCENARIOS } from './scenarios/queues';
import { REQUEST_SCENARIOS } from './scenarios/requests';
import type { Scenario } from './scenarios/scenario';
import { SCHEDULE_SCENARIOS } from './scenarios/schedules';
import { TICK_SCENARIOS } from './scenarios/tick';

export type { Scenario } from './scenarios/scenario';

/** Everything in which a call of the service can fail. */
export const SCENARIOS: readonly Scenario[] = [
  ...DELIVERY_SCENARIOS,
  ...REQUEST_SCENARIOS,
  ...BODY_SCENARIOS,
  ...QUEUE_SCENARIOS,
  ...SCHEDULE_SCENARIOS,
  ...TICK_SCENARIOS,
];
