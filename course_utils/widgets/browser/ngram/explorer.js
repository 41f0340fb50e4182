// What a reader can do with the n-gram explorer, beside its knobs: write a word, draw one, take words back.

import { pick } from "../base/draws.js";
import { Explorer } from "../base/explorer.js";
import { percent } from "../base/numbers.js";
import { contributions, END, START, unpack } from "./rules.js";

export class NGramExplorer extends Explorer {
  constructor(model) {
    super(model, ["written", "seed", "verdict"]);
    this.words = this.get("words");
    this.ids = new Map(this.words.map((word, id) => [word, id]));
    this.tables = unpack(this.get("counts"));
    this.last = null; // the last word written, with its probability at that moment
  }

  // The distribution of the next word: the ids, most probable first, their probabilities, and what each order adds.
  get distribution() {
    const parameters = this.get("parameters")[this.knob("smoothing")][this.knob("order") - 1];
    const context = [START, ...this.get("written").map((word) => this.ids.get(word))];
    const shares = contributions(this.tables, this.knob("smoothing"), parameters, context);
    const probs = Float64Array.from(this.words, (_, id) => shares.reduce((sum, share) => sum + share[id], 0));
    const ids = Uint32Array.from(probs.keys()).filter((id) => id !== START);
    ids.sort((a, b) => probs[b] - probs[a] || a - b);
    return { shares, probs, ids };
  }

  get ended() {
    return this.get("written").at(-1) === this.words[END];
  }

  write(id, p) {
    const written = [...this.get("written"), this.words[id]];
    this.last = { written, p };
    this.rewrite(written);
  }

  sample() {
    const { probs, ids } = this.distribution;
    const weights = Float64Array.from(ids, (id) => probs[id]);
    const total = weights.reduce((sum, p) => sum + p, 0);
    if (this.ended || total === 0) return;
    const { id, p } = pick({ ids, weights, kept: ids.length, total }, this.get("seed"), this.get("written").length);
    this.write(id, p);
  }

  undo() {
    if (this.get("written").length) this.rewrite(this.get("written").slice(0, -1));
  }

  reset() {
    this.rewrite([]);
  }

  rewrite(written) {
    this.set({ written });
    if (this.get("has_grammar") && this.kernel.answers) this.kernel.ask("judge", { written });
  }

  // What the grammar says of the text, as a state and in words.
  get lamp() {
    const written = this.get("written");
    const { written: judged, possible } = this.get("verdict");
    if (!this.kernel.answers && !this.kernel.settled) return ["asking", "Asking the grammar …"];
    if (!this.kernel.answers) return ["unknown", "The grammar needs a kernel: open the notebook in JupyterLab."];
    if (!same(judged, written)) {
      return this.kernel.waiting ? ["asking", "Asking the grammar …"] : ["unknown", "The grammar has not answered."];
    }
    if (possible < written.length) {
      return ["impossible", `The grammar: impossible since word ${possible + 1}, “${written[possible]}”.`];
    }
    return ["possible", this.ended ? "The grammar: possible as a whole." : "The grammar: possible so far."];
  }

  get busy() {
    return ""; // the lamp says when the grammar is asked; all else goes on
  }

  get note() {
    if (!this.last || !same(this.last.written, this.get("written"))) return "";
    return `“${this.last.written.at(-1)}” had a probability of ${percent(this.last.p)}.`;
  }
}

const same = (some, others) => some.length === others.length && some.every((word, i) => word === others[i]);
