// What the rank explorer knows, beside its knobs: the spectra, and what is kept of the chosen one.

import { Explorer } from "../base/explorer.js";
import { lossAt, percent, rankFor, relativeError, shareKept, words } from "./rules.js";

export class RankExplorer extends Explorer {
  constructor(model) {
    super(model, ["shapes", "singular_values", "losses"]);
  }

  get state() {
    const matrix = this.knob("matrix");
    const rank = this.knob("rank");
    const spectrum = this.spectra.get(matrix);
    const measured = this.get("losses");
    const losses = "base" in measured ? measured : undefined;
    const kept = Math.min(rank, spectrum.update.length);
    const rows = [
      ["update", "finetuned update", spectrum.update],
      ["control", "random, of the same size", spectrum.control],
    ].map(([name, title, values]) => ({
      name,
      title,
      share: percent(shareKept(values, kept)),
      error: percent(relativeError(values, kept)),
      needed: rankFor(values),
    }));
    const loss = losses && lossAt(losses, rank);
    return { matrix, rank, kept, spectrum, losses, loss, rows, largest: this.largest, words: words(spectrum, rank, losses) };
  }

  // Name of each matrix -> { shape, update, control }.
  get spectra() {
    const bytes = this.get("singular_values"); // a DataView, at any offset of its buffer
    if (bytes !== this.read) {
      this.read = bytes;
      const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
      let from = 0;
      const next = (n) => Array.from(numbers.subarray(from, (from += n)));
      const spectrum = ([name, d_out, d_in]) => {
        const full = Math.min(d_out, d_in);
        return [name, { shape: [d_out, d_in], update: next(full), control: next(full) }];
      };
      this.known = new Map(this.get("shapes").map(spectrum));
    }
    return this.known;
  }

  // The full rank of the largest matrix, where axis and slider end.
  get largest() {
    return Math.max(...[...this.spectra.values()].map(({ update }) => update.length));
  }
}
