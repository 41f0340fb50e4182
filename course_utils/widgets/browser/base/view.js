// What a bundle exports: an explorer for each model, and its views, redrawn at most once in a frame.
//
// A new view NAME is a folder NAME beside this one:
//   index.js    imports "./style.css" and exports view(NameExplorer, build)
//   explorer.js class NameExplorer extends Explorer; its constructor gives the traits whose change redraws
//   view.js     build(explorer, el) fills el, with a .cu-picture for the picture, and returns draw(width, height)
//   style.css   begins with @import "../base/theme.css"; every rule of it begins with .cu-NAME
// In Python a BrowserView with _esm, _css = bundle("NAME"), and an Explorer that sets its traits before super().__init__.

import { html } from "./elements.js";
import { listen } from "./keyboard.js";
import { nameControls } from "./knobs.js";

const MARGIN = 8; // pixels left free of the height

// Explorer: a subclass of the base's. build(explorer, el) fills el once and returns draw(width, height), which shows
// how the explorer stands now, in a `.cu-picture` of so many pixels.
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

  const picture = el.querySelector(".cu-picture") ?? status;
  const resized = new ResizeObserver(soon);
  let [width, height] = [900, 300]; // pixels; the page gives none while it hides the view
  let frame = 0;
  function redraw() {
    if (picture.clientWidth) [width, height] = room(el, picture);
    draw(width, height);
    say(explorer, status);
    el.setAttribute("aria-busy", explorer.busy !== "");
    el.dataset.kernel = explorer.kernel.answers;
    for (const name of Object.keys(explorer.knobs))
      el.setAttribute(`data-${name.replaceAll("_", "-")}`, explorer.knob(name));
    const box = el.closest(".cu-explorer");
    if (!box) return;
    resized.observe(box); // observing twice changes nothing
    nameControls(box, explorer);
    listen(box);
  }

  function soon() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      redraw();
    });
  }
  explorer.views.add(soon);
  resized.observe(el);
  window.addEventListener("resize", soon);
  redraw();
  return () => {
    explorer.views.delete(soon);
    resized.disconnect();
    window.removeEventListener("resize", soon);
    cancelAnimationFrame(frame);
  };
}

// Pixels for a picture, if the whole explorer is to be seen at once, in the window or in JupyterLab's part of it.
function room(el, picture) {
  const box = el.closest(".cu-explorer") ?? el;
  const seen = el.closest(".jp-WindowedPanel-outer")?.clientHeight ?? window.innerHeight;
  return [picture.clientWidth, seen - (box.offsetHeight - picture.offsetHeight) - MARGIN];
}

function say(explorer, status) {
  const problem = explorer.kernel.problem || explorer.get("status"); // the browser's own is the newer one
  status.textContent = explorer.busy || problem || explorer.note;
  status.classList.toggle("cu-alarm", !explorer.busy && problem !== "");
}
