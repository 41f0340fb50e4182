// What a bundle exports: an explorer for each model, and its views, redrawn at most once in a frame.

import { html } from "./elements.js";
import { listen } from "./keyboard.js";
import { nameControls } from "./knobs.js";

// Explorer: a subclass of the base's. build(explorer, el) fills el once and returns draw(width), which shows how the
// explorer stands now, in so many pixels.
export function view(Explorer, build) {
  return () => {
    let explorer;
    return {
      initialize({ model }) {
        explorer = new Explorer(model);
        return () => explorer.close();
      },
      render: ({ el }) => show(explorer, el, build),
    };
  };
}

function show(explorer, el, build) {
  const status = html("p", "cu-status");
  status.setAttribute("role", "status");
  el.classList.add("cu-view");
  const draw = build(explorer, el);
  el.append(status);

  let width = 900; // pixels; the page gives none while it hides the view
  function redraw() {
    width = status.clientWidth || width;
    draw(width);
    say(explorer, status);
    el.setAttribute("aria-busy", explorer.busy !== "");
    el.dataset.kernel = explorer.kernel.answers;
    for (const name of Object.keys(explorer.knobs))
      el.setAttribute(`data-${name.replaceAll("_", "-")}`, explorer.knob(name));
    const box = el.closest(".cu-explorer");
    if (!box) return;
    nameControls(box, explorer.knobs, (name) => explorer.knob(name));
    listen(box);
  }

  let frame = 0;
  const soon = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      redraw();
    });
  };
  explorer.views.add(soon);
  const resized = new ResizeObserver(soon);
  resized.observe(el);
  redraw();
  return () => {
    explorer.views.delete(soon);
    resized.disconnect();
    cancelAnimationFrame(frame);
  };
}

function say(explorer, status) {
  const problem = explorer.kernel.problem || explorer.get("status"); // the browser's own is the newer one
  status.textContent = explorer.busy || problem || explorer.note;
  status.classList.toggle("cu-alarm", !explorer.busy && problem !== "");
}
