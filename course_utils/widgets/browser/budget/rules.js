// The rules of course_utils/memory: each item's bytes, and its formula in words.
//
// A budget is a list of items { name, bytes, formula }. Whole numbers stay below 2 ** 53, where they are exact; what
// isn't whole is computed in Python's order, so that it is rounded alike.

import { count, counted } from "../base/numbers.js";

// What a model needs to answer: memory/inference.py.
export function answering(shape, { context_length, batch_size, weight_bits }) {
  const width = weight_bits === 32 ? 4 : 2; // bytes of a number in cache and activations
  const held = Math.min(context_length, shape.window ?? context_length);
  const inner = shape.gated ? 3 : 2;
  const widest = 3 * shape.d_model + inner * shape.d_ff;
  const texts = [batch_size, counted(batch_size, "text")];
  return [
    item("weights", plain(shape.n_parameters, "weights"), ofBits(weight_bits)),
    shape.has_head &&
      item(
        "KV cache",
        [2, "2"],
        plain(shape.n_layers, "layers"),
        plain(shape.n_kv_heads, "KV heads"),
        plain(shape.d_model / shape.n_heads),
        [held, counted(held, "token")],
        texts,
        ofBytes(width),
      ),
    item(
      "activations",
      [widest, `(3 × ${count(shape.d_model)} + ${inner} × ${count(shape.d_ff)})`],
      [context_length, counted(context_length, "token")],
      texts,
      ofBytes(width),
    ),
  ].filter(Boolean);
}

// What a training needs on each device: memory/training.py.
export function training(shape, recipe, facts, { context_length, batch_size, n_devices, checkpointed }) {
  const rank = recipe.adapted.length ? facts.rank : 0;
  const ends = recipe.adapted.reduce((sum, name) => sum + inputsAndOutputs(shape, name), 0);
  const all = shape.n_parameters;
  const [trained, words] = rank ? [shape.n_layers * rank * ends, "adapter weights"] : [all, "weights"];
  const shared = (name, number, words, size) => {
    if (!size) return null;
    const cut = recipe.sharded.includes(name) && n_devices > 1;
    return item(name, cut ? share(number, words, n_devices) : plain(number, words), ofBytes(size));
  };
  const adapters = [
    plain(shape.n_layers, "layers"),
    [rank, `rank ${rank}`],
    plain(ends, `inputs and outputs of ${recipe.adapted.join(", ")}`),
    ofBytes(facts.adapter_bytes),
  ];
  return [
    recipe.outside === null ? shared("weights", all, "weights", recipe.weights) : narrowed(shape, recipe),
    rank && item("adapters", ...adapters),
    shared("gradients", trained, words, recipe.gradients),
    shared("master copy", trained, words, recipe.master),
    shared("optimizer states", trained, words, recipe.states),
    recipe.activations &&
      item(
        "activations",
        kept(shape, recipe.adapted, rank, checkpointed, 4 / recipe.activations),
        [context_length, counted(context_length, "token")],
        [batch_size, counted(batch_size, "text")],
        ofBytes(recipe.activations),
      ),
  ].filter(Boolean);
}

// Whether it fits into a card of so many gigabytes, in words.
export function verdict(total, card) {
  const spare = Math.round(card * 1e9) - total;
  const size = Math.abs(spare) / 1e9;
  const amount = size < 0.01 ? "less than 0.01" : size < 0.1 ? fixed(size, 2) : fixed(size, 1);
  const words = spare >= 0 ? `fits: ${amount} GB to spare` : `doesn't fit: ${amount} GB too much`;
  return { fits: spare >= 0, words };
}

export const gigabytes = (bytes) => fixed(bytes / 1e9, 2);

const fixed = (x, digits) => x.toFixed(digits).replace(/\d(?=(\d{3})+\.)/g, "$&,");

// An item is a product: its factors are pairs of a number and what it is called.
function item(name, ...factors) {
  const bytes = Math.ceil(factors.reduce((product, [number]) => product * number, 1));
  return { name, bytes, formula: factors.map(([, words]) => words).join(" × ") };
}

const plain = (number, words = "") => [number, `${count(number)} ${words}`.trim()];

const ofBytes = (size) => [size, counted(size, "byte")];

const ofBits = (bits) => (bits % 8 ? [bits / 8, `${bits} bits ÷ 8`] : ofBytes(bits / 8));

// The largest share of so many weights.
function share(number, words, devices) {
  const rounded = number % devices ? ", rounded up" : "";
  return [Math.ceil(number / devices), `(${count(number)} ${words} ÷ ${count(devices)} devices${rounded})`];
}

// Weights of which those in the matrices of the layers are narrower than the others.
function narrowed({ n_parameters, in_layers }, { weights, outside }) {
  const layers = in_layers / n_parameters;
  const size = layers * weights + (1 - layers) * outside;
  const others = `${count(n_parameters - in_layers)} others × ${counted(outside, "byte")}`;
  const formula = `${count(in_layers)} weights in layers × ${count(8 * weights)} bits ÷ 8 + ${others}`;
  return { name: "weights", bytes: Math.ceil(size * n_parameters), formula };
}

function inputsAndOutputs({ d_model, n_heads, n_kv_heads, d_ff }, matrix) {
  if (matrix === "q" || matrix === "o") return 2 * d_model;
  return d_model + (matrix === "k" || matrix === "v" ? n_kv_heads * (d_model / n_heads) : d_ff);
}

// Numbers that a token leaves for the backward pass: memory/activations.py, with fused attention. One that is kept in
// float32 takes the bytes of `wide` others.
function kept(shape, adapted, rank, checkpointed, wide) {
  const { d_model: d, n_layers, n_heads, n_kv_heads, d_ff, gated } = shape;
  const needed = (...names) => !adapted.length || names.some((name) => adapted.includes(name));
  const own = adapted.length ? 0 : d;
  const norm = (...readers) => wide * (d + 1) + own + (needed(...readers) ? d : 0);
  const attention = 2 * d + (needed("o") ? d : 0) + 2 * n_kv_heads * (d / n_heads) + n_heads;
  const feedForward = (gated ? 3 : 1) * d_ff + (needed("down") ? d_ff : 0);
  const layer = norm("q", "k", "v") + attention + norm("gate", "up") + feedForward + rank * adapted.length;
  const last = (shape.final_norm ? wide * (d + 1) + 2 * own : 0) + (shape.has_head ? wide * shape.vocab_size : 0);
  const [each, once] = checkpointed ? [d, layer + last] : [layer, last];
  const words = [`${count(n_layers)} layers × ${count(each)}`];
  if (checkpointed) words.push(`${count(layer)} of one layer`);
  if (last) words.push(`${count(last)} at the end`);
  const twice = wide > 1 ? ", wide ones counted twice" : "";
  return [n_layers * each + once, `(${words.join(" + ")}) numbers${twice}`];
}
