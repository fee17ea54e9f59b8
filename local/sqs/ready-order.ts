import { Heap } from './heap';
import type { QueuedMessage } from './message';

/**
 * Which messages of a queue can be had now, and in which order. The queue tells it of every message that
 * comes, becomes visible, is returned or goes.
 */
export interface ReadyOrder {
  /** Whether {@link take} would return anything. */
  readonly receivable: boolean;
  /** A new message, visible or delayed. */
  add(message: QueuedMessage): void;
  /** A delayed message has become visible. */
  appeared(message: QueuedMessage): void;
  /** Hands out up to `max` messages; they are in flight from here on. */
  take(max: number): QueuedMessage[];
  /** A message in flight is visible again. */
  returned(message: QueuedMessage): void;
  /** A message is gone, in whichever state it was. */
  gone(message: QueuedMessage): void;
}

/** A standard queue: what became visible first goes first. */
export class StandardOrder implements ReadyOrder {
  private readonly visible = new Heap<QueuedMessage>(
    (a, b) => a.availableAt < b.availableAt || (a.availableAt === b.availableAt && a.order < b.order),
  );

  get receivable(): boolean {
    return this.visible.size > 0;
  }

  add(message: QueuedMessage): void {
    if (message.state === 'visible') this.visible.push(message);
  }

  appeared(message: QueuedMessage): void {
    this.visible.push(message);
  }

  take(max: number): QueuedMessage[] {
    const taken: QueuedMessage[] = [];
    while (taken.length < max) {
      const message = this.visible.pop();
      if (!message) break;
      taken.push(message);
    }
    return taken;
  }

  returned(message: QueuedMessage): void {
    this.visible.push(message);
  }

  gone(message: QueuedMessage): void {
    this.visible.remove(message);
  }
}

interface Group {
  readonly pending: Heap<QueuedMessage>;
  inFlight: number;
}

/** A FIFO queue: each group in its order, and nothing of a group while any of it is in flight. */
export class GroupOrder implements ReadyOrder {
  private readonly groups = new Map<string, Group>();
  private readonly ready = new Heap<Group>((a, b) => a.pending.peek()!.order < b.pending.peek()!.order);

  get receivable(): boolean {
    return this.ready.size > 0;
  }

  add(message: QueuedMessage): void {
    const group = this.groupOf(message);
    // The heap of ready groups sorts by their first message, so a group leaves it before that changes.
    this.ready.remove(group);
    group.pending.push(message);
    this.settle(message, group);
  }

  appeared(message: QueuedMessage): void {
    const group = this.groupOf(message);
    this.ready.remove(group);
    this.settle(message, group);
  }

  take(max: number): QueuedMessage[] {
    const taken: QueuedMessage[] = [];
    while (taken.length < max) {
      const group = this.ready.pop();
      if (!group) break;
      while (taken.length < max && group.pending.peek()?.state === 'visible') {
        taken.push(group.pending.pop()!);
        group.inFlight++;
      }
    }
    return taken;
  }

  returned(message: QueuedMessage): void {
    const group = this.groupOf(message);
    group.inFlight--;
    group.pending.push(message);
    this.settle(message, group);
  }

  gone(message: QueuedMessage): void {
    const group = this.groupOf(message);
    this.ready.remove(group);
    if (!group.pending.remove(message)) group.inFlight--;
    this.settle(message, group);
  }

  private groupOf(message: QueuedMessage): Group {
    const id = message.groupId!;
    let group = this.groups.get(id);
    if (!group) {
      group = { pending: new Heap((a, b) => a.order < b.order), inFlight: 0 };
      this.groups.set(id, group);
    }
    return group;
  }

  private settle(message: QueuedMessage, group: Group): void {
    if (group.inFlight > 0) return;
    if (group.pending.size === 0) this.groups.delete(message.groupId!);
    else if (group.pending.peek()!.state === 'visible') this.ready.push(group);
  }
}
