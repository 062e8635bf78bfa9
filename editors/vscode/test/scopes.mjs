// Prints the scopes of files as VS Code would give them: one JSON object a file, {"file", "tokens"}, with each token
// as [offset, text, scopes…]. Usage: node test/scopes.mjs FILE…
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import oniguruma from "vscode-oniguruma";
import textmate from "vscode-textmate";

const require = createRequire(import.meta.url);
const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));

const path = new URL("../syntaxes/enigma.tmLanguage.json", import.meta.url);
const registry = new textmate.Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async () => textmate.parseRawGrammar(readFileSync(path, "utf8"), path.pathname),
});
const grammar = await registry.loadGrammar("source.enigma");

for (const file of process.argv.slice(2)) {
  const tokens = [];
  let offset = 0;
  let state = textmate.INITIAL;
  for (const line of readFileSync(file, "utf8").replaceAll("\r\n", "\n").split("\n")) {
    const done = grammar.tokenizeLine(line, state);
    for (const { startIndex, endIndex, scopes } of done.tokens) {
      const text = line.slice(startIndex, endIndex);
      const before = [...line.slice(0, startIndex)].length; // characters, not units of UTF-16
      if (text.trim() !== "") tokens.push([offset + before, text, ...scopes.slice(1)]);
    }
    state = done.ruleStack;
    offset += [...line].length + 1;
  }
  console.log(JSON.stringify({ file, tokens }));
}
