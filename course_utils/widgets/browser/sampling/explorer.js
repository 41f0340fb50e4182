// What a reader can do with the sampling explorer, beside its sliders: draw one token or many, start again, change the
// prompt.

import { pick } from "../base/draws.js";
import { Explorer } from "../base/explorer.js";
import { Draws } from "./draws.js";
import { distribution, prepare } from "./rules.js";

export class SamplingExplorer extends Explorer {
  constructor(model) {
    super(model, ["logits", "seed", "drawn", "names", "running", "prompt_shown"]);
    this.last = null; // the last draw, with its probability at that moment
    this.draws = null; // many at once
    model.on("change:seed", () => this.reset());
    model.on("change:logits", () => (this.draws = null));
    model.on("change:prompt", () => this.prompted());
  }

  // The logits, sorted when they are first asked for: an answer of the kernel is heard before any “change:logits”.
  get sorted() {
    const bytes = this.get("logits"); // a DataView, at any offset of its buffer
    if (bytes !== this.read) {
      const end = bytes.byteOffset + bytes.byteLength;
      this.prepared = prepare(new Float32Array(bytes.buffer.slice(bytes.byteOffset, end)));
      this.read = bytes;
    }
    return this.prepared;
  }

  get distribution() {
    return distribution(this.sorted, this.knob("temperature"), this.knob("top_k"), this.knob("top_p"));
  }

  // What Python knows of a token: its text and its label. Without a kernel the tokens of the tail are numbers.
  name(id) {
    const known = this.get("shown").find((token) => token.id === id) ?? this.get("names")[id];
    return known ?? { text: `[token ${id}]`, label: `token ${id}` };
  }

  // What each drawn token adds to the text. Until Python has said so, the last one is shown by its own text.
  get pieces() {
    const { ids = [], pieces = [] } = this.get("running");
    return this.get("drawn").map((id, i) => (ids[i] === id ? pieces[i] : this.name(id).text));
  }

  get walks() {
    return this.get("has_model") && this.kernel.answers;
  }

  sample() {
    if (this.kernel.waiting) return;
    const drawn = this.get("drawn");
    if (this.walks && this.get("walked") !== drawn.length) this.kernel.ask("walk", { drawn }, () => this.draw());
    else this.draw();
  }

  draw() {
    const drawn = this.get("drawn");
    this.last = pick(this.distribution, this.get("seed"), drawn.length);
    this.set({ drawn: [...drawn, this.last.id] });
  }

  // Draw n tokens at once from what is on show, none of which joins the text.
  drawMany(n) {
    this.draws = new Draws(this.sorted, this.get("seed"), n);
    this.changed();
  }

  reset() {
    this.last = this.draws = null;
    this.changed();
    this.set({ drawn: [] });
    if (this.walks && this.get("walked") > 0) this.kernel.ask("walk", { drawn: [] });
  }

  prompted() {
    const prompt = this.get("prompt");
    if (prompt !== this.get("prompt_shown")) this.kernel.ask("prompt", { prompt });
  }

  get note() {
    if (!this.get("has_model")) return "Every draw comes from this one distribution; no model reads what was drawn.";
    if (this.kernel.answers || !this.kernel.settled) return "";
    return (
      "No kernel is connected: the prompt box needs one, and every draw comes from this one distribution. " +
      "Open the notebook in JupyterLab to let the text grow."
    );
  }
}
