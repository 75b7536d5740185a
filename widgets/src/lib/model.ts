// A model as a widget needs it: anywidget's, or anything like it.

/** What tells of its changes. */
export interface Speaks {
  on(event: string, call: () => void): void;
  off(event: string, call: () => void): void;
}

/** A model whose traits are those of `State`. */
export interface ModelOf<State> extends Speaks {
  get<Key extends keyof State>(name: Key): State[Key];
  set<Key extends keyof State>(name: Key, value: State[Key]): void;
  save_changes(): void;
}
