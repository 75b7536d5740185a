// What a timeline needs of its model: that of anywidget, or anything like it.
import type { ModelOf } from "../lib/model";
import type { State } from "./scene";

export type Model = ModelOf<State>;
