// The rules of widgets/compute_rules.py and of course_utils/scaling: what compute buys by a law, in numbers and words.
//
// A law is { name, constants, about }: the constants are those of scaling.Chinchilla or of scaling.Frontier. A plan is
// { n_params, n_tokens, loss }.

import { count } from "../base/numbers.js";

const FLOPS_PER_PARAMETER_AND_TOKEN = 6;
const PF_DAY = 1e15 * 86400; // FLOPs
const HALVINGS = 60;
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const LETTERS = [[1e12, "T"], [1e9, "B"], [1e6, "M"]];

export const trainingFlops = (n_params, n_tokens) => FLOPS_PER_PARAMETER_AND_TOKEN * n_params * n_tokens;

const isFrontier = ({ constants }) => "best_loss" in constants;

// Parameters and tokens with the lowest loss that the compute can buy.
export function optimum(law, flops) {
  const n_params = isFrontier(law) ? bestSize(law.constants, flops / PF_DAY) : chinchillaSize(law.constants, flops);
  return [n_params, flops / FLOPS_PER_PARAMETER_AND_TOKEN / n_params];
}

export function lossOf(law, n_params, n_tokens) {
  if (isFrontier(law)) return frontierLoss(law.constants, n_params, n_tokens);
  const { E, A, B, alpha, beta } = law.constants;
  return E + A / n_params ** alpha + B / n_tokens ** beta;
}

function chinchillaSize({ A, B, alpha, beta }, flops) {
  const products = flops / FLOPS_PER_PARAMETER_AND_TOKEN; // N D
  const ratio = ((alpha * A) / (beta * B)) ** (1 / (alpha + beta));
  return ratio * products ** (beta / (alpha + beta));
}

const bestSize = ({ coefficient, exponent }, pfDays) => coefficient * pfDays ** exponent;

// How many times the best model's compute one of another size needs for the same loss.
function overhead({ alpha_N, alpha_S }, ratio) {
  const steps = 1 + (alpha_S / alpha_N) * (1 - ratio ** -alpha_N);
  return steps > 0 ? ratio * steps ** (-1 / alpha_S) : Infinity;
}

// The best loss of the compute that, times the overhead of this size, is what was spent.
function frontierLoss(constants, n_params, n_tokens) {
  const spent = trainingFlops(n_params, n_tokens) / PF_DAY;
  const needed = (best) => best * overhead(constants, n_params / bestSize(constants, best));
  let [low, high] = [spent, spent];
  while (needed(low) > spent) low /= 10;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = Math.sqrt(low * high);
    [low, high] = needed(middle) > spent ? [low, middle] : [middle, high];
  }
  const { floor, coefficient, exponent } = constants.best_loss;
  return floor + coefficient * high ** -exponent;
}

// The model of a size, relative to the best one, that spends the whole compute.
export function plan(law, flops, relativeSize = 1) {
  const [n, d] = optimum(law, flops);
  const [n_params, n_tokens] = [n * relativeSize, d / relativeSize];
  return { n_params, n_tokens, loss: lossOf(law, n_params, n_tokens) };
}

export const relativeSize = (law, n_params, n_tokens) => n_params / optimum(law, trainingFlops(n_params, n_tokens))[0];

// Plans that spend the same compute, evenly spaced in log N between two relative sizes.
export function curve(law, flops, least, most, n = 121) {
  return Array.from({ length: n }, (_, i) => plan(law, flops, least * (most / least) ** (i / (n - 1))));
}

// What the compute is, which model spends it, and how far its loss is from the lowest.
export function words(flops, chosen, best, { card_flops, share }) {
  const seconds = flops / (card_flops * share);
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
  const time = counted(seconds / length, unit);
  let told = `${scientific(flops)} FLOPs are ${counted(flops / PF_DAY, "PF-day")}, or ${time} of one H100 at `;
  told += `${amount(100 * share)} % of its ${amount(card_flops / 1e12)} TFLOP/s. `;
  told += `They train a model of ${size(chosen.n_params)} parameters on ${size(chosen.n_tokens)} tokens, `;
  told += `${amount(chosen.n_tokens / chosen.n_params)} per parameter. `;
  return `${told}Its predicted loss is ${three(chosen.loss)} nats, ${gap(chosen, best)}.`;
}

// What the losses are measured in, and where the law is asked for more than its runs show.
export function remarks({ about }, flops, chosen) {
  let told = `Losses are ${about.unit}. Don’t compare them across laws.`;
  if (!about.n_params) return told;
  const within = ([least, most], x) => least <= x && x <= most;
  if (!within(about.n_params, chosen.n_params) || !within(about.n_tokens, chosen.n_tokens)) {
    const [parameters, tokens] = [about.n_params, about.n_tokens].map((ends) => ends.map(size).join(" to "));
    told += ` The law’s runs had ${parameters} parameters and ${tokens} tokens: this is beyond them.`;
  }
  if (flops > (about.breaks ?? Infinity))
    told += ` Its authors expected it to break at about ${amount(about.breaks / PF_DAY)} PF-days.`;
  return told;
}

// How numbers are written

// Two digits and a power of ten: 5.9e23, 1e24.
export const scientific = (x) => x.toExponential(1).replace("e+", "e").replace(".0e", "e");

// At most three digits that count: 6,810 or 0.15; a very large or small number as 1.2e-8.
export function amount(x) {
  if (!(x >= 1e-3 && x < 1e12)) return scientific(x);
  const [whole, rest] = decimal(x).split(".");
  return count(Number(whole)) + (rest ? `.${rest}` : "");
}

const decimal = (x) => Number(x.toPrecision(3)).toString();

// Parameters or tokens: 135 M, 70 B, 1.4 T.
export function size(n) {
  const [unit, letter] = LETTERS.find(([unit]) => n >= unit) ?? [1, ""];
  return `${amount(n / unit)} ${letter}`.trim();
}

export function counted(x, unit) {
  return `${amount(x)} ${unit}${amount(x) === "1" ? "" : "s"}`;
}

export const three = (x) => (Math.floor(1000 * x + 0.5) / 1000).toFixed(3);

// The distance of the two losses as they are written, so that the reader's subtraction gives the same.
function gap(chosen, best) {
  if (chosen.n_params === best.n_params) return "the lowest that this compute buys";
  const steps = Math.floor(1000 * chosen.loss + 0.5) - Math.floor(1000 * best.loss + 0.5);
  return steps ? `${(steps / 1000).toFixed(3)} above the lowest` : "less than 0.001 above the lowest";
}
