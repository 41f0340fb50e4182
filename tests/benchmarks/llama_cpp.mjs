// How fast llama.cpp answers greedily: node llama_cpp.mjs FILE PROMPT TOKENS THREADS prints {"seconds", "text"} as JSON.
import { getLlama } from "node-llama-cpp";

const ROUNDS = 4;
const [file, prompt, count, threads] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: Number(threads) });
const model = await llama.loadModel({ modelPath: file });
const context = await model.createContext({ contextSize: 512, threads: Number(threads) });
const sequence = context.getSequence();
let best = Infinity;
let text = "";
for (let round = 0; round < ROUNDS; round++) {
  await sequence.clearHistory();
  const made = [];
  const start = performance.now();
  for await (const token of sequence.evaluate(model.tokenize(prompt), { temperature: 0, yieldEogToken: true })) {
    if (made.push(token) === Number(count)) break;
  }
  best = Math.min(best, performance.now() - start);
  text = model.detokenize(made);
}
console.log(JSON.stringify({ seconds: best / 1000, text }));
process.exit(0);
