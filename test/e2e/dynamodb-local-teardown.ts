/** Ends what the set-up has started. */
export default function teardown(): Promise<void> {
  return (globalThis as unknown as { stopDynamoDbLocal: () => Promise<void> }).stopDynamoDbLocal();
}
