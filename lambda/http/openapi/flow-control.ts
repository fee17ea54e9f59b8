import { operation, type Part, type Paths } from './operation';
import { inPath, inQuery } from './parameters';
import { flag, list, named, object, type Schema, text, whole } from './schema';

export const FLOW_CONTROL_SCHEMAS = {
  FlowControlKey: object({
    flowControlKey: text('Key'),
    waitListSize: whole('Deliveries that wait'),
    parallelismMax: whole('Attempts under way at once, at most; 0: no limit'),
    parallelismCount: whole('Attempts under way'),
    rateMax: whole('Attempts begun in one period, at most; 0: no limit'),
    rateCount: whole('Attempts begun in this period'),
    ratePeriod: { type: 'number', description: 'Seconds' },
    ratePeriodStart: { type: 'number', description: 'Unix seconds' },
    isPaused: flag('Whether deliveries are held back'),
    isPinnedParallelism: flag('Whether messages leave the parallelism as it is'),
    isPinnedRate: flag('Whether messages leave the rate as it is'),
  }),
  GlobalParallelism: object({
    parallelismMax: whole('Attempts under way at once, at most'),
    parallelismCount: whole('Attempts under way'),
  }),
} satisfies Record<string, Schema>;

const tag = 'Flow control';
const flowControlKey = inPath('flowControlKey', 'A key', 'my-key');

const change = (id: string, summary: string, parameters: readonly Part[] = []): Readonly<Record<string, Part>> => ({
  post: operation('write', {
    id,
    tag,
    summary,
    parameters: [flowControlKey, ...parameters],
    answers: { 200: object({}) },
    refusals: [400, 412],
  }),
});

export const FLOW_CONTROL_PATHS: Paths = {
  '/v2/flowControl': {
    get: operation('read', {
      id: 'listFlowControlKeys',
      tag,
      summary: 'List flow-control keys',
      parameters: [inQuery('search', text('Part of the key'), 'my')],
      answers: { 200: list(named('FlowControlKey')) },
      refusals: [400],
    }),
  },
  '/v2/flowControl/{flowControlKey}': {
    get: operation('read', {
      id: 'getFlowControlKey',
      tag,
      summary: 'Get a flow-control key',
      parameters: [flowControlKey],
      answers: { 200: named('FlowControlKey') },
      refusals: [400, 404, 412],
    }),
  },
  '/v2/flowControl/{flowControlKey}/pause': change('pauseFlowControlKey', 'Hold back the deliveries of a key'),
  '/v2/flowControl/{flowControlKey}/resume': change('resumeFlowControlKey', 'Let a key deliver again'),
  '/v2/flowControl/{flowControlKey}/pin': change('pinFlowControlKey', 'Set limits that messages do not change', [
    inQuery('parallelism', whole('Attempts under way at once, at most', { minimum: 1 }), 3),
    inQuery('rate', whole('Attempts begun in one period, at most', { minimum: 1 }), 10),
    inQuery('period', whole('Seconds', { minimum: 1 }), 60),
  ]),
  '/v2/flowControl/{flowControlKey}/unpin': change('unpinFlowControlKey', 'Let messages change the limits again', [
    inQuery('parallelism', flag('Whether the parallelism'), true),
    inQuery('rate', flag('Whether rate and period'), true),
  ]),
  '/v2/flowControl/{flowControlKey}/resetRate': change('resetFlowControlRate', 'Begin a new period at once'),
  '/v2/globalParallelism': {
    get: operation('read', {
      id: 'getGlobalParallelism',
      tag,
      summary: 'Get the parallelism of the service',
      answers: { 200: named('GlobalParallelism') },
    }),
  },
};
