// Keys in an explorer are the explorer's: the page has its own use for arrow keys, Enter and letters.

// Listening twice changes nothing.
export function listen(box) {
  box.addEventListener("keydown", run, true); // before the text box keeps it to itself
  box.addEventListener("keydown", keep);
  box.addEventListener("pointerdown", focusHandle);
}

function keep(event) {
  if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
}

// Ctrl+Enter in a text box does what leaving it does; Enter alone begins a new line.
function run(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.matches("textarea")) return;
  event.preventDefault();
  event.stopPropagation();
  event.target.dispatchEvent(new Event("change", { bubbles: true }));
}

// A click on a slider's track leaves the focus on the page: give it to the handle, so that the arrow keys move it.
function focusHandle(event) {
  const handle = event.target.closest(".widget-slider .noUi-target")?.querySelector(".noUi-handle");
  if (handle) setTimeout(() => handle.focus({ preventScroll: true })); // after the page has moved the focus
}
