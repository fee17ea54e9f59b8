import { isIP } from 'node:net';
import { Duration, RemovalPolicy, Size, Token, Tokenization } from 'aws-cdk-lib';
import type { QStashProps } from './qstash-props';

/** The props that have a plain default, with it. */
export interface Settings {
  readonly deadLetterRetention: Duration;
  readonly eventLogRetention: Duration;
  readonly defaultRetries: number;
  readonly maximumRetries: number;
  readonly maximumDelay: Duration;
  readonly maximumMessageSize: Size;
  readonly maximumMessagesPerDay?: number;
  readonly maximumUrlGroups: number;
  readonly maximumQueues: number;
  readonly maximumQueueParallelism: number;
  readonly maximumSchedules: number;
  readonly deliveryMemory: Size;
  readonly deliveryTimeout: Duration;
  readonly maxConcurrency: number;
  readonly removalPolicy: RemovalPolicy;
  readonly tokenGracePeriod: Duration;
  readonly allowedPrivateDestinations: readonly string[];
}

const DEFAULT_RETRIES = 3;
const DEFAULT_MAXIMUM_RETRIES = 100;

/** Of a function's time, what is kept for recording the outcomes of a batch. */
export const RECORDING_SECONDS = 20;

/**
 * The props with their defaults. Throws one error that lists all that is wrong with them; values that are
 * known at deployment only are left to CloudFormation.
 */
export function settingsOf(path: string, props: QStashProps): Settings {
  const maximumRetries = props.maximumRetries ?? DEFAULT_MAXIMUM_RETRIES;
  const lowerMaximum = !Token.isUnresolved(maximumRetries) && maximumRetries < DEFAULT_RETRIES;
  const settings: Settings = {
    deadLetterRetention: props.deadLetterRetention ?? Duration.days(7),
    eventLogRetention: props.eventLogRetention ?? Duration.days(3),
    // Who lowers the maximum alone means the default too.
    defaultRetries: props.defaultRetries ?? (lowerMaximum ? Math.max(0, maximumRetries) : DEFAULT_RETRIES),
    maximumRetries,
    maximumDelay: props.maximumDelay ?? Duration.days(365),
    maximumMessageSize: props.maximumMessageSize ?? Size.mebibytes(6),
    maximumMessagesPerDay: props.maximumMessagesPerDay,
    maximumUrlGroups: props.maximumUrlGroups ?? 100,
    maximumQueues: props.maximumQueues ?? 100,
    maximumQueueParallelism: props.maximumQueueParallelism ?? 100,
    maximumSchedules: props.maximumSchedules ?? 1_000,
    deliveryMemory: props.deliveryMemory ?? Size.mebibytes(512),
    deliveryTimeout: props.deliveryTimeout ?? Duration.seconds(900),
    maxConcurrency: props.maxConcurrency ?? 100,
    removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    tokenGracePeriod: props.tokenGracePeriod ?? Duration.hours(1),
    allowedPrivateDestinations: props.allowedPrivateDestinations ?? [],
  };
  const problems = [...problemsOf(settings), ...networkProblems(props)];
  if (problems.length > 0) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    throw new Error(`QStash '${path}' has ${count} in its props:\n${problems.map((text) => `- ${text}`).join('\n')}`);
  }
  return settings;
}

/** Whole seconds of a duration as text, also of one that is known at deployment only. */
export function secondsText(duration: Duration): string {
  return numberText(duration.toSeconds());
}

/** A number as text, also one that is known at deployment only. */
export function numberText(value: number): string {
  return Tokenization.stringifyNumber(value);
}

const MINUTE = 60;
const DAY = 86_400;

function problemsOf(settings: Settings): string[] {
  const { defaultRetries, maximumRetries, deliveryTimeout, removalPolicy } = settings;
  const bothKnown = !Token.isUnresolved(defaultRetries) && !Token.isUnresolved(maximumRetries);
  return [
    ...durationProblems('deadLetterRetention', settings.deadLetterRetention, MINUTE, 365 * DAY),
    ...durationProblems('eventLogRetention', settings.eventLogRetention, MINUTE, 365 * DAY),
    ...numberProblems('maximumRetries', maximumRetries, 0, 999),
    ...numberProblems('defaultRetries', defaultRetries, 0, 999),
    ...(bothKnown && defaultRetries > maximumRetries
      ? [
          `defaultRetries must not exceed maximumRetries (${maximumRetries}), but ${defaultRetries} was provided: lower it or raise maximumRetries`,
        ]
      : []),
    ...durationProblems('maximumDelay', settings.maximumDelay, 1, 365 * DAY),
    // Bytes cannot be computed from a token in a larger unit.
    ...(settings.maximumMessageSize.isUnresolved()
      ? ['maximumMessageSize must be known at synthesis, but a token was provided: use a plain Size']
      : sizeProblems('maximumMessageSize', settings.maximumMessageSize, 1, 6 * 1024)),
    ...numberProblems('maximumMessagesPerDay', settings.maximumMessagesPerDay ?? 1, 1, 1_000_000_000),
    ...numberProblems('maximumUrlGroups', settings.maximumUrlGroups, 1, 10_000),
    ...numberProblems('maximumQueues', settings.maximumQueues, 1, 10_000),
    ...numberProblems('maximumQueueParallelism', settings.maximumQueueParallelism, 1, 1000),
    ...numberProblems('maximumSchedules', settings.maximumSchedules, 1, 10_000),
    ...sizeProblems('deliveryMemory', settings.deliveryMemory, 128 * 1024, 10_240 * 1024),
    // The longest attempt is computed from it.
    ...(deliveryTimeout.isUnresolved()
      ? ['deliveryTimeout must be known at synthesis, but a token was provided: use a plain Duration']
      : durationProblems('deliveryTimeout', deliveryTimeout, MINUTE, 900)),
    ...numberProblems('maxConcurrency', settings.maxConcurrency, 2, 1000),
    ...durationProblems('tokenGracePeriod', settings.tokenGracePeriod, 0, 7 * DAY),
    ...(removalPolicy === RemovalPolicy.SNAPSHOT
      ? [
          'removalPolicy must not be SNAPSHOT, which neither tables nor secrets support: use RETAIN or DESTROY, point-in-time recovery is on in any case',
        ]
      : []),
    ...settings.allowedPrivateDestinations.flatMap(destinationProblems),
  ];
}

function networkProblems(props: QStashProps): string[] {
  if (props.vpc !== undefined) return [];
  return (['vpcSubnets', 'securityGroups'] as const)
    .filter((name) => props[name] !== undefined)
    .map((name) => `${name} needs a vpc, but none was provided: set vpc or remove ${name}`);
}

function durationProblems(name: string, duration: Duration, minimum: number, maximum: number): string[] {
  if (duration.isUnresolved()) {
    if (duration.unitLabel() === 'seconds') return [];
    return [`${name} is a token in ${duration.unitLabel()}, which cannot be converted: use Duration.seconds()`];
  }
  const seconds = duration.toSeconds({ integral: false });
  if (Number.isInteger(seconds) && seconds >= minimum && seconds <= maximum) return [];
  const range = `${secondsInWords(minimum)} and ${secondsInWords(maximum)}`;
  return [`${name} must be whole seconds between ${range}, but ${seconds} seconds was provided: choose one of them`];
}

function secondsInWords(seconds: number): string {
  return seconds > 0 && seconds % DAY === 0 ? `${seconds / DAY} days` : `${seconds} seconds`;
}

function numberProblems(name: string, value: number, minimum: number, maximum: number): string[] {
  if (Token.isUnresolved(value) || (Number.isInteger(value) && value >= minimum && value <= maximum)) return [];
  return [
    `${name} must be a whole number between ${minimum} and ${maximum}, but ${value} was provided: choose one of them`,
  ];
}

function sizeProblems(name: string, size: Size, minimum: number, maximum: number): string[] {
  if (size.isUnresolved()) return [];
  const kibibytes = size.toKibibytes({ rounding: 2 });
  if (kibibytes >= minimum && kibibytes <= maximum) return [];
  const text = (value: number) => (value >= 1024 && value % 1024 === 0 ? `${value / 1024} MiB` : `${value} KiB`);
  return [
    `${name} must be between ${text(minimum)} and ${text(maximum)}, but ${text(kibibytes)} was provided: choose a size in between`,
  ];
}

/** Loopback, link-local and metadata addresses, which the functions refuse whatever is allowed. */
const NEVER_CALLED = /^(127\.|169\.254\.|0\.|::1\/|fe[89ab][0-9a-f]:|fd00:ec2:)/i;

function destinationProblems(text: string): string[] {
  if (Token.isUnresolved(text)) return [];
  const problem = (reason: string) => [
    `allowedPrivateDestinations has "${text}", ${reason}: write a CIDR block with an optional port, such as 10.1.0.0/16 or 10.1.2.3/32:8080`,
  ];
  const [, network = '', prefix = '', port = '1'] = /^([0-9a-fA-F:.]+)\/(\d{1,3})(?::(\d{1,5}))?$/.exec(text) ?? [];
  const version = isIP(network);
  if (version === 0) return problem('which is not a CIDR block');
  const longest = version === 4 ? 32 : 128;
  if (Number(prefix) > longest) return problem(`whose prefix is not between 0 and ${longest}`);
  if (Number(port) < 1 || Number(port) > 65_535) return problem('whose port is not between 1 and 65535');
  if (Number(prefix) > 0 && NEVER_CALLED.test(text)) {
    return problem('a loopback, link-local or metadata address, which is never called');
  }
  return [];
}
