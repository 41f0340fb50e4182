// What the compute explorer knows, beside its knobs: the law, the chosen model and the best one.

import { Explorer } from "../base/explorer.js";
import { plan, relativeSize, remarks, scientific, trainingFlops, words } from "./rules.js";

export class ComputeExplorer extends Explorer {
  constructor(model) {
    super(model, ["facts"]);
  }

  get law() {
    return this.get("facts").laws.find(({ name }) => name === this.get("law"));
  }

  get state() {
    const facts = this.get("facts");
    const [law, flops, ratio] = [this.law, this.get("flops"), this.get("relative_size")];
    const [best, chosen] = [plan(law, flops), plan(law, flops, ratio)];
    const said = words(flops, chosen, best, facts);
    return { facts, law, flops, ratio, best, chosen, said, remarks: remarks(law, flops, chosen) };
  }

  // A knob's value as a screen reader says it.
  spoken(name) {
    if (name === "flops") return `${scientific(this.get("flops"))} FLOPs`;
    if (name !== "relative_size") return super.spoken(name);
    const ratio = this.get("relative_size");
    const factor = Number((ratio < 1 ? 1 / ratio : ratio).toPrecision(2));
    if (factor === 1) return "the best size";
    return ratio < 1 ? `the best size divided by ${factor}` : `${factor} times the best size`;
  }

  // Set both sliders to a published model.
  place(n_params, n_tokens) {
    const flops = trainingFlops(n_params, n_tokens);
    this.set({ flops, relative_size: relativeSize(this.law, n_params, n_tokens) });
  }
}
