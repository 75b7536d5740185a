// What a timeline needs of its model: that of anywidget, or anything like it.
import type { State } from "./scene";

export interface Model {
  get<Key extends keyof State>(name: Key): State[Key];
  set<Key extends keyof State>(name: Key, value: State[Key]): void;
  save_changes(): void;
  on(event: string, call: () => void): void;
  off(event: string, call: () => void): void;
}
