import type { Item } from './keys';
import { type PartitionPage, type PartitionRange, queryPartition } from './read-items';

/** What is asked of every partition. */
export interface MergedRange extends Omit<PartitionRange, 'partition' | 'after'> {
  /** Asked between pages: whether the scan has lasted long enough. Default: never. */
  readonly isOver?: () => boolean;
}

/**
 * Reads the items of several partitions in the order of their sort keys, the partitions side by side, and can
 * stop on the way: {@link scannedTo} then says how far it has come, so that the next scan goes on from there.
 */
export class MergedScan {
  private readonly cursors: readonly PartitionCursor[];
  private begun = false;
  private stoppedAt: string | undefined;

  constructor(
    partitions: readonly string[],
    private readonly range: MergedRange,
  ) {
    this.cursors = partitions.map((partition) => new PartitionCursor(partition, range));
  }

  /** The next item; undefined at the end, or when the scan is over before it. */
  async next(): Promise<Item | undefined> {
    if (!this.begun) await Promise.all(this.cursors.map((cursor) => cursor.fill()));
    this.begun = true;
    const first = this.leading(this.cursors.filter((cursor) => cursor.head !== undefined));
    // A partition that was left before its next match may hold items that come before the others' heads.
    const left = this.leading(this.cursors.filter((cursor) => cursor.isLeft));
    if (left !== undefined && (first === undefined || this.comesBefore(left, first))) {
      this.stoppedAt = left.position;
      return undefined;
    }
    const item = first?.take();
    await first?.fill();
    return item;
  }

  /** The sort key up to which every item was seen; undefined when there are no more. */
  get scannedTo(): string | undefined {
    return this.stoppedAt;
  }

  private leading(cursors: readonly PartitionCursor[]): PartitionCursor | undefined {
    return cursors.reduce<PartitionCursor | undefined>(
      (best, cursor) => (best === undefined || this.comesBefore(cursor, best) ? cursor : best),
      undefined,
    );
  }

  private comesBefore(a: PartitionCursor, b: PartitionCursor): boolean {
    return this.range.newestFirst === true ? a.position > b.position : a.position < b.position;
  }
}

class PartitionCursor {
  private page: PartitionPage | undefined;
  private taken = 0;

  constructor(
    private readonly partition: string,
    private readonly range: MergedRange,
  ) {}

  get head(): Item | undefined {
    return this.page?.items[this.taken];
  }

  /** Whether there may be more, although the scan is over. */
  get isLeft(): boolean {
    return this.head === undefined && this.page?.lastSort !== undefined;
  }

  /** Sort key of the head, or of the last item examined. */
  get position(): string {
    return this.head?.sk?.S ?? this.page?.lastSort ?? '';
  }

  take(): Item {
    return this.page!.items[this.taken++]!;
  }

  /** Sees to it that there is a head, unless nothing more matches or the scan is over; reads one page at least. */
  async fill(): Promise<void> {
    const { isOver, ...range } = this.range;
    while (this.head === undefined) {
      const after: string | undefined = this.page?.lastSort;
      if (this.page !== undefined && (after === undefined || isOver?.())) return;
      this.page = await queryPartition({ ...range, partition: this.partition, after });
      this.taken = 0;
    }
  }
}
