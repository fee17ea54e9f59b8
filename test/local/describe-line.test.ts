import { describeLine } from '../../local/describe-line';

const NOW = Date.parse('2026-11-24T16:34:57.123Z');
const describeJson = (line: object) => describeLine(JSON.stringify(line), NOW);

test('an event is told with its own time, its message and what is known of it', () => {
  const time = Date.parse('2026-12-24T22:58:19.679Z');
  const fields = { status: 500, attempt: 0, method: 'POST', host: 'example.com', reason: 'exhausted', dlqId: '1-2' };
  expect(describeJson({ event: 'failed', messageId: 'msg_1', time, ...fields })).toBe(
    '12-24 22:58:19.679  failed            msg_1  POST  example.com  status 500  attempt 0  exhausted  1-2',
  );
});

test('an event without a time has the one of now; what is empty or unknown is left out', () => {
  expect(describeJson({ event: 'swept', messageId: 'msg_1', host: '', body: 'secret', reason: null })).toBe(
    '11-24 16:34:57.123  swept             msg_1',
  );
  expect(describeJson({ event: 'malformedHint' })).toBe('11-24 16:34:57.123  malformedHint');
});

test('what happens to a schedule tells which it is', () => {
  expect(describeJson({ event: 'scheduleError', scheduleId: 'daily', error: 'url group not found: team' })).toBe(
    '11-24 16:34:57.123  scheduleError     daily  url group not found: team',
  );
});

test('a fault tells what was being done', () => {
  expect(describeJson({ event: 'fault', doing: 'promote', error: 'TimeoutError', text: 'no answer' })).toBe(
    '11-24 16:34:57.123  fault             promote  TimeoutError  no answer',
  );
});

test('metrics with an event are the event, and alone nothing', () => {
  expect(describeJson({ event: 'created', messageId: 'msg_1', _aws: {}, Published: 1 })).toBe(
    '11-24 16:34:57.123  created           msg_1',
  );
  expect(describeJson({ _aws: {}, Published: 1 })).toBeUndefined();
});

test('what is no JSON object passes as it is', () => {
  expect(describeLine('Error: as asked\n    at here', NOW)).toBe('11-24 16:34:57.123  Error: as asked\n    at here');
  expect(describeLine('{half', NOW)).toBe('11-24 16:34:57.123  {half');
  expect(describeLine('', NOW)).toBeUndefined();
  expect(describeLine('  ', NOW)).toBeUndefined();
});
