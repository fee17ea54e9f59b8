import type { Rule } from './checker';
import { changesFor, failEachCall } from './matrix';
import { SCENARIOS } from './scenarios';
import { Stage } from './stage';
import { Turmoil } from './turmoil';
import { buildVariant, type Change, removeVariants } from './variant';

/** A mistake that somebody could make, and what must come of it. */
interface Mistake {
  readonly changes: readonly Change[];
  /** Where it is seen, and in whichever calls fail there. */
  readonly scenario: string;
  readonly calls: RegExp;
  readonly breaks: Rule;
}

const OUTCOME = /^deliver (UpdateItem state if lease|TransactWriteItems)/;

/** Whatever goes wrong with an object, it counts as gone. */
const ANY_ERROR: Change = {
  file: 'store/objects.ts',
  from: 'if (error instanceof NoSuchKey) return undefined;',
  to: 'if (error instanceof NoSuchKey || error instanceof Error) return undefined;',
};

const MISTAKES: Readonly<Record<string, Mistake>> = {
  'an outcome is not settled': {
    changes: [
      {
        file: 'deliver/deliver-message.ts',
        from: 'return { ...(await finish({ ...row, state })), outcome };',
        to: 'return { outcome };',
      },
    ],
    scenario: 'retry',
    calls: /^$/,
    breaks: 'I16',
  },
  'a hint that finds the message further on settles nothing': {
    changes: [
      {
        file: 'deliver/deliver-message.ts',
        from: 'leavePassed(grant);\n      return finish(row);',
        to: 'leavePassed(grant);\n      return {};',
      },
    ],
    scenario: 'deliver and call back',
    calls: OUTCOME,
    breaks: 'I10',
  },
  'a cancel asks for no state': {
    changes: [
      {
        file: 'wait/cancel-message.ts',
        from: "'attribute_not_exists(st) OR (st = :retry AND n = :n) OR (st = :active AND #until <= :now)'",
        to: "'attribute_exists(st) OR (:retry = :n AND :active = :now AND #until = :now)'",
      },
    ],
    scenario: 'cancel what has ended',
    calls: /^$/,
    breaks: 'I3',
  },
  'a claim asks for no lease': {
    changes: [
      {
        file: 'message/message-state.ts',
        from: "if (until > now) return { kind: 'busy', until };",
        to: '',
      },
    ],
    scenario: 'a hint for an attempt under way',
    calls: /^$/,
    breaks: 'I5',
  },
  'hints are given up before the outcome is stored': {
    changes: [
      {
        file: 'deliver/deliver-batch.ts',
        from: "import type { SQSRecord } from 'aws-lambda';",
        to: "import { DeleteMessageCommand } from '@aws-sdk/client-sqs';\nimport { sqs } from '../store/aws';\nimport type { SQSRecord } from 'aws-lambda';",
      },
      {
        file: 'deliver/deliver-batch.ts',
        from: 'const deliveries = [...(await deliverAll(',
        to: 'for (const { receiptHandle } of records)\n    await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrlOf(lane), ReceiptHandle: receiptHandle }));\n  const deliveries = [...(await deliverAll(',
      },
    ],
    scenario: 'deliver',
    calls: OUTCOME,
    breaks: 'I16',
  },
  'hints come back of no failure': {
    changes: [
      {
        file: 'deliver/deliver-batch.ts',
        from: 'const comeBackSoon = (record: SQSRecord): Delivery => ({ comeBackIn: soonAgain(record) });',
        to: 'const comeBackSoon = (record: SQSRecord): Delivery =>\n  record.messageId === "" ? { comeBackIn: soonAgain(record) } : {};',
      },
    ],
    scenario: 'deliver',
    calls: OUTCOME,
    breaks: 'I16',
  },
  'a message is buried without a transaction': {
    changes: [
      {
        file: 'deliver/record-outcome.ts',
        from: "  const refusal = await transact([\n    { Update: { ...update, UpdateExpression: update.UpdateExpression! } },\n    { Put: { TableName: requireEnv('TABLE_NAME'), Item: deadLetter } },\n  ]);\n  return refusal === 'written' ? refusal : decodeState(refusal[0]!.item);",
        to: "  const found = await updateState(update);\n  if (found === 'written') await putItem(deadLetter);\n  return found;",
      },
    ],
    scenario: 'bury',
    calls: OUTCOME,
    breaks: 'I11',
  },
  'a lost lease gives its hint up': {
    changes: [
      {
        file: 'deliver/deliver-message.ts',
        from: 'return { comeBackIn: 1 };\n  }\n  tellOutcome',
        to: 'return {};\n  }\n  tellOutcome',
      },
    ],
    scenario: 'deliver',
    calls: OUTCOME,
    breaks: 'I16',
  },
  'a cancel leaves out the callback of the attempt before it': {
    changes: [
      {
        file: 'deliver/settle.ts',
        from: "(state.state === 'CANCELED' && state.canceledAt === undefined)",
        to: "state.state === 'CANCELED'",
      },
    ],
    scenario: 'cancel what waits for its retry and was not called back',
    calls: /^$/,
    breaks: 'I10',
  },
  'the log tells of attempts that do not count': {
    changes: [
      {
        file: 'logs/find-events.ts',
        from: 'event.record === undefined || ends[event.record.attempt] === event.record.endedAt;',
        to: 'event.record === undefined || ends !== undefined;',
      },
    ],
    scenario: 'deliver and call back',
    calls: OUTCOME,
    breaks: 'I3',
  },
  'what is due is forgotten before its hint is sent': {
    changes: [
      {
        file: 'wait/promote-due.ts',
        from: 'const gone = await deleteItems(await sendAll(near, now));',
        to: 'const gone = await deleteItems(near);\n    await sendAll(near, now);',
      },
    ],
    scenario: 'promote what is due',
    calls: /^promote SendMessageBatch/,
    breaks: 'I16',
  },
  'a dead letter is deleted before its successor is written': {
    changes: [
      {
        file: 'dlq/retry-dead-letter.ts',
        from: "    const refusal = await transact([\n      { Delete: { TableName, Key: dlqKey(deadLetter.dlqId)!, ConditionExpression: 'attribute_exists(pk)' } },\n      ...items.map((Item) => ({ Put: { TableName, Item } })),\n    ]);\n    return refusal === 'written';",
        to: "    const refusal = await transact([\n      { Delete: { TableName, Key: dlqKey(deadLetter.dlqId)!, ConditionExpression: 'attribute_exists(pk)' } },\n    ]);\n    return refusal === 'written' && (await transact(items.map((Item) => ({ Put: { TableName, Item } })))) === 'written';",
      },
    ],
    scenario: 'retry a dead letter',
    calls: /^api TransactWriteItems/,
    breaks: 'I12',
  },
  'a body that could not be put is taken for kept': {
    changes: [
      {
        file: 'store/bodies.ts',
        from: 'await (await objects()).putObject(key, body);',
        to: 'await (await objects()).putObject(key, body).catch(() => undefined);',
      },
    ],
    scenario: 'publish a large body',
    calls: /^api PutObject/,
    breaks: 'I1',
  },
  'a body that cannot be read is taken for one that is gone': {
    changes: [ANY_ERROR],
    scenario: 'deliver a large body',
    calls: /^deliver GetObject/,
    breaks: 'I4',
  },
  'a body that is gone is delivered empty': {
    changes: [
      ANY_ERROR,
      {
        file: 'callback/load-body.ts',
        from: 'return (await loadBodyPart(message))?.bytes;',
        to: 'return (await loadBodyPart(message))?.bytes ?? new Uint8Array();',
      },
    ],
    scenario: 'deliver a large body',
    calls: /^deliver GetObject/,
    breaks: 'I1',
  },
  'the body of an open message is deleted': {
    changes: [
      {
        file: 'deliver/release-body.ts',
        from: 'if (row === undefined) return',
        to: 'if (row?.expiresAt === undefined) return',
      },
    ],
    scenario: 'deliver a large body that is held',
    calls: /^$/,
    breaks: 'I1',
  },
  'whoever ends a message forgets the body that is held for it': {
    changes: [
      {
        file: 'deliver/settle.ts',
        from: 'message.stored !== undefined && isHeld(message.stored.key)',
        to: 'message.stored !== undefined && !isHeld(message.stored.key)',
      },
    ],
    scenario: 'deliver a large body that is held',
    calls: /^$/,
    breaks: 'I19',
  },
  'nobody looks for messages without a hint': {
    changes: [{ file: 'wait/sweep-orphans.ts', from: '    await settle(row, now);', to: '' }],
    scenario: 'promote what was never hinted at',
    calls: /^$/,
    breaks: 'I16',
  },
  'a redriven hint is taken off its queue before it is sent again': {
    changes: [
      {
        file: 'wait/redrive-hints.ts',
        from: '          if (hint !== undefined) await redriveHint',
        to: '          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));\n          if (hint !== undefined) await redriveHint',
      },
    ],
    scenario: 'redrive what is under way',
    calls: /^promote SendMessage/,
    breaks: 'I16',
  },
};

/** Mistakes that nothing but a race brings out. */
const RACY: Readonly<Record<string, Pick<Mistake, 'changes' | 'breaks'>>> = {
  'a claim asks for no lease': { changes: MISTAKES['a claim asks for no lease']!.changes, breaks: 'I5' },
  'two retries of a dead letter both make a message': {
    changes: [
      {
        file: 'dlq/retry-dead-letter.ts',
        from: "ConditionExpression: 'attribute_exists(pk)'",
        to: "ConditionExpression: 'attribute_exists(pk) OR attribute_not_exists(pk)'",
      },
    ],
    breaks: 'I12',
  },
  'duplicates that are published together are not known': {
    changes: [
      {
        file: 'publish/publish-messages.ts',
        from: "'attribute_not_exists(pk) OR #at <= :window'",
        to: "'attribute_not_exists(pk) OR attribute_exists(pk) OR #at <= :window'",
      },
    ],
    breaks: 'I13',
  },
};
/** Seeds that are enough to find each of them. */
const SEEDS = [1, 2, 3, 4, 5];

afterAll(removeVariants);

test.each(Object.entries(MISTAKES))('it is found when %s', async (_, { changes, scenario, calls, breaks }) => {
  const stage = await Stage.start(await buildVariant([...changesFor(1), ...changes]), 1);
  try {
    const played = SCENARIOS.find(({ name }) => name === scenario)!;
    const { violations, missed } = await failEachCall(stage, { ...played, calls }, new Set());
    expect(missed).toEqual([]);
    expect(violations.map(({ rule }) => rule)).toContain(breaks);
  } finally {
    await stage.close();
  }
});

test.each(Object.entries(RACY))('a race finds it when %s', async (_, { changes, breaks }) => {
  const turmoil = new Turmoil();
  await turmoil.start(await buildVariant([...changesFor(1), ...changes]));
  try {
    const broken = new Set<Rule>();
    for (const seed of SEEDS) {
      for (const { rule } of (await turmoil.play(seed)).violations) broken.add(rule);
      if (broken.has(breaks)) return;
    }
    expect([...broken]).toContain(breaks);
  } finally {
    await turmoil.close();
  }
});
