// One explorer: what all its views share.
//
// Who sets which trait: the sliders (jslink) set temperature_stop, top_k_stop and top_p_stop; this file sets
// temperature, top_k, top_p, seed, drawn and offline; Python may set all of them, and alone sets the rest.

const PATIENCE = 10000; // ms before a silent kernel is reported
const GRACE = 1500; // ms before a page without a kernel says so

class Explorer {
  constructor(model) {
    this.model = model;
    this.views = new Set();
    this.kernel = false; // until one answers
    this.settled = false;
    this.waiting = null; // the request under way
    this.problem = ""; // the browser's own, Python's is in `status`
    this.last = null; // the last draw, with its probability at that moment
    for (const name of KNOBS) {
      model.on(`change:${name}_stop`, () => this.sliderMoved(name));
      model.on(`change:${name}`, () => this.moveSlider(name));
    }
    model.on("change:seed", () => this.reset());
    model.on("change:reply", () => this.heard());
    model.on("change:prompt", () => this.prompted());
    for (const name of ["logits", "temperature", "top_k", "top_p", "seed", "drawn", "names", "prompt_shown", "status"])
      model.on(`change:${name}`, () => this.changed());
    this.ask("hello");
    this.timer = setTimeout(() => {
      this.settled = true;
      this.changed();
    }, GRACE);
  }

  get(name) {
    return this.model.get(name);
  }

  set(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  // The logits, sorted when they are first asked for: an answer of the kernel is heard before any «change:logits».
  get sorted() {
    const bytes = this.get("logits"); // a DataView, at any offset of its buffer
    if (bytes !== this.read) {
      const end = bytes.byteOffset + bytes.byteLength;
      this.prepared = prepare(new Float32Array(bytes.buffer.slice(bytes.byteOffset, end)));
      this.read = bytes;
    }
    return this.prepared;
  }

  // Where a slider stands for its value. It has fewer places, so a value may lie between two.
  stop(name) {
    const value = this.get(name);
    if (name === "top_k") return nearest(this.get("top_k_stops"), value);
    return name === "top_p" ? Math.max(LEAST_TOP_P, tidy(value)) : tidy(value);
  }

  // A slider that doesn't stand where its value wants it was moved by hand.
  sliderMoved(name) {
    const stop = tidy(this.get(`${name}_stop`));
    if (stop !== this.stop(name)) this.set({ [name]: name === "top_k" ? this.get("top_k_stops")[stop] : stop });
  }

  moveSlider(name) {
    const stop = this.stop(name);
    if (stop !== tidy(this.get(`${name}_stop`))) this.set({ [`${name}_stop`]: stop });
  }

  knobs() {
    return KNOBS.map((name) => tidy(this.get(name)));
  }

  changed() {
    for (const redraw of this.views) redraw();
  }

  // What Python knows of a token: its text and its label. Without a kernel the tokens of the tail are numbers.
  name(id) {
    const known = this.get("shown").find((token) => token.id === id) ?? this.get("names")[id];
    return known ?? { text: `[token ${id}]`, label: `token ${id}` };
  }

  get walks() {
    return this.get("has_model") && this.kernel;
  }

  sample() {
    if (this.waiting) return;
    const drawn = this.get("drawn");
    if (this.walks && this.get("walked") !== drawn.length) this.ask("walk", { drawn }, () => this.draw());
    else this.draw();
  }

  draw() {
    const drawn = this.get("drawn");
    this.last = pick(distribution(this.sorted, ...this.knobs()), this.get("seed"), drawn.length);
    this.set({ drawn: [...drawn, this.last.id] });
  }

  reset() {
    this.last = null;
    this.set({ drawn: [] });
    if (this.walks && this.get("walked") > 0) this.ask("walk", { drawn: [] });
  }

  prompted() {
    const prompt = this.get("prompt");
    if (prompt === this.get("prompt_shown")) return;
    this.ask("prompt", { prompt });
  }

  // Ask the kernel. Its answer is the trait `reply`, which arrives together with what it changed.
  ask(what, details = {}, then = () => {}) {
    const id = Math.random().toString(36).slice(2);
    this.problem = "";
    if (what !== "hello") {
      const timer = setTimeout(() => this.gaveUp(), PATIENCE);
      this.waiting = { id, then, timer };
    }
    try {
      this.model.send({ ask: what, id, ...details });
    } catch {
      this.gaveUp();
    }
    this.changed();
  }

  heard() {
    const reply = this.get("reply");
    this.problem = "";
    if (!this.kernel) {
      this.kernel = true;
      this.set({ offline: false });
    }
    if (this.waiting?.id === reply.id) {
      const { then, timer } = this.waiting;
      clearTimeout(timer);
      this.waiting = null;
      if (reply.ok) then();
    }
    this.changed();
  }

  gaveUp() {
    clearTimeout(this.waiting?.timer);
    this.waiting = null;
    this.problem = "The kernel has not answered: it is busy, or was restarted. Run the cell again if this stays so.";
    this.changed();
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.waiting?.timer);
  }
}
