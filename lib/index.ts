export * from './front-door';
export * from './qstash';
export * from './qstash-props';
export * from './qstash-reference';
