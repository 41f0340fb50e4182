// One view: the picture, the words, the button, and who redraws when.

let views = 0;

function render(explorer, el) {
  const hatch = `cu-se-hatch-${++views}`;
  const scroller = html("div", "cu-se-picture");
  const words = html("p", "cu-se-words");
  const sample = html("button", "cu-se-button", "sample");
  const reset = html("button", "cu-se-button cu-se-quiet", "reset");
  const seed = Object.assign(html("input", "cu-se-seed"), { type: "number", min: 0, max: 2 ** 32 - 1, step: 1 });
  const outcome = html("span", "cu-se-outcome");
  const text = html("p", "cu-se-text");
  const status = html("p", "cu-se-status");
  sample.type = reset.type = "button";
  reset.setAttribute("aria-label", "reset the running text");
  words.setAttribute("aria-live", "polite");
  outcome.setAttribute("aria-live", "polite");
  text.setAttribute("aria-label", "running text");
  status.setAttribute("role", "status");
  const row = html("div", "cu-se-row", sample, html("label", "", "seed ", seed), reset, outcome);
  el.classList.add("cu-se");
  el.append(legend(), scroller, words, row, text, status);

  sample.addEventListener("click", () => explorer.sample());
  reset.addEventListener("click", () => explorer.waiting || explorer.reset());
  seed.addEventListener("change", () => {
    const value = Math.min(2 ** 32 - 1, Math.max(0, Math.trunc(Number(seed.value)) || 0));
    seed.value = value;
    explorer.set({ seed: value });
  });
  const stop = (event) => {
    if (!event.ctrlKey && !event.metaKey) event.stopPropagation(); // the page has its own use for arrow keys
  };
  el.addEventListener("keydown", stop);

  let room = 900; // pixels; the page gives none while it hides the view
  function draw() {
    const [temperature, topK, topP] = explorer.knobs();
    const dist = distribution(explorer.sorted, temperature, topK, topP);
    const V = explorer.sorted.logits.length;
    room = scroller.clientWidth || room;
    const wide = Math.min(PLOT.widest, Math.max(PLOT.narrowest, room));
    scroller.replaceChildren(picture(explorer, dist, wide, hatch));
    const { bits } = explorer.sorted.before;
    words.replaceChildren(
      ...rich(
        `Kept: *${count(dist.kept)}* of ${tokens(V)}; before renormalising they held *${percent(dist.held)}* ` +
          "of the mass. " +
          `Entropy: ${bits.toFixed(2)} bits before, *${dist.bits.toFixed(2)} bits* after: ` +
          `as uncertain as a fair choice among *${effective(dist.bits)}* tokens (before: ${effective(bits)}).`,
      ),
    );
    const drawn = explorer.get("drawn");
    outcome.replaceChildren(...rich(spoken(explorer, drawn)));
    writeText(text, explorer, drawn);
    const busy = Boolean(explorer.waiting);
    const problem = explorer.problem || explorer.get("status"); // the browser's own is the newer one
    status.textContent = busy ? "The model is running …" : problem || offline(explorer);
    status.classList.toggle("cu-se-alarm", !busy && problem !== "");
    el.setAttribute("aria-busy", busy);
    sample.setAttribute("aria-disabled", busy);
    if (document.activeElement !== seed) seed.value = explorer.get("seed");
    Object.assign(el.dataset, {
      temperature,
      topK,
      topP,
      keptCount: dist.kept,
      keptMass: dist.held,
      kept: Array.from(dist.ids.subarray(0, Math.min(dist.kept, 200))),
      entropy: dist.bits,
      entropyBefore: bits,
      drawn,
      kernel: explorer.kernel,
    });
    nameHandles();
  }

  // The handles of standard sliders have no name of their own; top-k's value is the number of a stop, the others'
  // come as 0.9000000000000001.
  function nameHandles() {
    const box = el.closest(".cu-explorer");
    const spoken = { "top-k": count(explorer.get("top_k")) };
    [spoken.temperature, , spoken["top-p"]] = explorer.knobs().map(String);
    for (const slider of box?.querySelectorAll(".widget-slider") ?? []) {
      const handle = slider.querySelector(".noUi-handle");
      const name = slider.querySelector(".widget-label")?.textContent;
      handle?.setAttribute("aria-label", name);
      handle?.setAttribute("aria-valuetext", spoken[name]);
    }
    box?.addEventListener("keydown", stop);
    box?.addEventListener("pointerdown", focusHandle);
  }

  let frame = 0;
  const redraw = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
  explorer.views.add(redraw);
  const resized = new ResizeObserver(redraw);
  resized.observe(el);
  draw();
  return () => {
    explorer.views.delete(redraw);
    resized.disconnect();
    cancelAnimationFrame(frame);
  };
}

// A click on a slider's track leaves the focus on the page: give it to the handle, so that the arrow keys move it.
function focusHandle(event) {
  const handle = event.target.closest(".widget-slider .noUi-target")?.querySelector(".noUi-handle");
  if (handle) setTimeout(() => handle.focus({ preventScroll: true })); // after the page has moved the focus
}

// Text with *strong* words.
function rich(sentence) {
  return sentence.split("*").map((part, i) => (i % 2 ? html("strong", "", part) : part));
}

function spoken(explorer, drawn) {
  if (!drawn.length) return "";
  const id = drawn.at(-1);
  const label = explorer.name(id).label.replaceAll("*", "∗");
  const where = explorer.get("shown").some((token) => token.id === id) ? "" : ", one of the others";
  const chance = explorer.last?.id === id ? `, which had probability *${percent(explorer.last.p)}*` : "";
  return `Drawn: *«${label}»*${where}${chance}.`;
}

function writeText(box, explorer, drawn) {
  const walks = explorer.get("has_model") && (explorer.kernel || !explorer.settled);
  const pieces = drawn.map((id, i) => {
    const { text, label } = explorer.name(id);
    return html("span", `cu-se-token cu-se-token-${i % 2}`, walks ? text.replaceAll("\n", "⏎\n") : label);
  });
  const lead = html("span", "cu-se-lead", walks ? "text: " : "draws: ");
  const gap = walks ? [] : pieces.flatMap((piece) => [piece, " "]);
  const nothing = html("span", "cu-se-lead", "none yet");
  if (walks) box.replaceChildren(lead, explorer.get("prompt_shown"), ...pieces);
  else box.replaceChildren(lead, ...(drawn.length ? gap : [nothing]));
}

function offline(explorer) {
  if (!explorer.get("has_model"))
    return "Every draw comes from this one distribution; no model reads what was drawn.";
  if (explorer.kernel || !explorer.settled) return "";
  return (
    "No kernel is connected: the prompt box needs one, and so every draw comes from this one distribution, " +
    `the one after «${explorer.get("prompt_shown")}». Open the notebook in JupyterLab to let the text grow.`
  );
}

export default () => {
  let explorer;
  return {
    initialize({ model }) {
      explorer = new Explorer(model);
      return () => explorer.close();
    },
    render: ({ el }) => render(explorer, el),
  };
};
