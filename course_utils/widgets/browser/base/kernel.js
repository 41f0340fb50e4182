// The kernel behind an explorer, which may be busy, gone, or was never there: an exported page has none.
//
// It is asked by a message; its answer is the trait `reply`, which arrives together with what it changed.

const PATIENCE = 10000; // ms before a silent kernel is reported
const GRACE = 1500; // ms before a page without a kernel says so

export class Kernel {
  constructor(model, changed) {
    this.model = model;
    this.changed = changed;
    this.answers = false; // until it has answered once
    this.settled = false; // whether a page without a kernel may say so
    this.waiting = null; // the request under way
    this.problem = ""; // the browser's own, Python's is in `status`
    model.on("change:reply", () => this.heard());
    this.ask("hello");
    this.timer = setTimeout(() => {
      this.settled = true;
      changed();
    }, GRACE);
  }

  // Ask the kernel; `then` is called when it has done what it was asked. A message can overtake a trait that was set
  // before it: `details` hold all that the answer depends on.
  ask(what, details = {}, then = () => {}) {
    const id = Math.random().toString(36).slice(2);
    this.problem = "";
    if (what !== "hello") this.stopWaiting(); // a newer question takes the place of an older one
    if (what !== "hello") this.waiting = { id, then, timer: setTimeout(() => this.gaveUp(), PATIENCE) };
    try {
      this.model.send({ ask: what, id, ...details });
    } catch {
      this.gaveUp();
    }
    this.changed();
  }

  heard() {
    const reply = this.model.get("reply");
    this.problem = "";
    if (!this.answers) {
      this.answers = true;
      this.model.set("offline", false);
      this.model.save_changes();
    }
    if (this.waiting?.id === reply.id) {
      const { then } = this.waiting;
      this.stopWaiting();
      if (reply.ok) then();
    }
    this.changed();
  }

  gaveUp() {
    this.stopWaiting();
    this.problem = "The kernel has not answered: it is busy, or was restarted. Run the cell again if this stays so.";
    this.changed();
  }

  stopWaiting() {
    clearTimeout(this.waiting?.timer);
    this.waiting = null;
  }

  close() {
    clearTimeout(this.timer);
    this.stopWaiting();
  }
}
