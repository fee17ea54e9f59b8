/** A binary heap that can also remove from its middle, in O(log n). Holds each item at most once. */
export class Heap<T> {
  private readonly items: T[] = [];
  private readonly places = new Map<T, number>();

  /** `before` says whether its first argument leaves the heap earlier than its second. */
  constructor(private readonly before: (a: T, b: T) => boolean) {}

  /** How many items there are. */
  get size(): number {
    return this.items.length;
  }

  /** The first item, which stays in the heap. */
  peek(): T | undefined {
    return this.items[0];
  }

  /** Adds an item that is not in the heap. */
  push(item: T): void {
    this.place(item, this.items.length);
    this.rise(this.items.length - 1);
  }

  /** Takes the first item out. */
  pop(): T | undefined {
    const first = this.items[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Takes an item out, also one whose order has changed since it was added. False when it is not there. */
  remove(item: T): boolean {
    const at = this.places.get(item);
    if (at === undefined) return false;
    this.places.delete(item);
    const last = this.items.pop() as T;
    if (at < this.items.length) {
      this.place(last, at);
      this.rise(at);
      this.sink(this.places.get(last) as number);
    }
    return true;
  }

  private place(item: T, at: number): void {
    this.items[at] = item;
    this.places.set(item, at);
  }

  private rise(from: number): void {
    const item = this.items[from] as T;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.items[parent] as T;
      if (!this.before(item, above)) break;
      this.place(above, at);
      at = parent;
    }
    if (at !== from) this.place(item, at);
  }

  private sink(from: number): void {
    const item = this.items[from] as T;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.items.length) break;
      if (child + 1 < this.items.length && this.before(this.items[child + 1] as T, this.items[child] as T)) child++;
      const below = this.items[child] as T;
      if (!this.before(below, item)) break;
      this.place(below, at);
      at = child;
    }
    if (at !== from) this.place(item, at);
  }
}
