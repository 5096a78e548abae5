/**
 * A question that is asked again and again, of which only the last one counts: "is there something to read?" Whoever asks
 * beside others, and asks anew as soon as one of them has answered, forgets the questions before.
 *
 * Invariants
 *  1. What nobody waits for any more is not kept, however often it was asked. (A promise that is awaited each time keeps every
 *     one who ever waited.)
 *  2. Whoever is told and finds nothing looks again before asking anew: a question repeated unseen could take the place of one
 *     that somebody waits for.
 */
export class LastAsker {
  #tell: () => void = () => undefined;

  /** Resolves with the next `tell`, unless somebody has asked since. */
  asked(): Promise<void> {
    return new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  tell(): void {
    this.#tell();
  }
}
