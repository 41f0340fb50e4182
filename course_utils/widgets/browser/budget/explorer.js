// What the budget explorer knows, beside its knobs: the items and their sum, and what is to be said of them.

import { Explorer } from "../base/explorer.js";
import { count, counted } from "../base/numbers.js";
import { answering, training, verdict } from "./rules.js";

export class BudgetExplorer extends Explorer {
  constructor(model) {
    super(model, ["facts"]);
  }

  get state() {
    const state = Object.fromEntries(Object.keys(this.knobs).map((name) => [name, this.knob(name)]));
    const facts = this.get("facts");
    const shape = facts.models[state.model];
    const recipe = facts.recipes[state.recipe];
    const items = state.task === "answer" ? answering(shape, state) : training(shape, recipe, facts, state);
    const total = items.reduce((sum, { bytes }) => sum + bytes, 0);
    return { ...state, shape, rule: recipe, items, total, ...verdict(total, state.card) };
  }
}

// Where the picture stands for more or for less than it seems.
export function remarks({ task, context_length, n_devices, shape, rule }) {
  const said = [];
  if (context_length > shape.context_length) {
    const made = count(shape.context_length);
    said.push(`${counted(context_length, "token")}: longer than the model was made for, which is ${made}.`);
  }
  if (task === "answer" && !shape.has_head) said.push("This model writes no text, so it keeps no cache.");
  if (task === "answer" && shape.has_head && shape.window && shape.window < context_length)
    said.push(`Its layers look back over ${count(shape.window)} tokens, so the cache holds no more.`);
  if (task === "train" && !rule.activations) said.push("This recipe leaves activations out: texts cost nothing here.");
  if (task === "train" && n_devices > 1 && !rule.sharded.length)
    said.push("This recipe keeps all of it on each device: only zero-1, -2 and -3 cut it into shares.");
  return said;
}
