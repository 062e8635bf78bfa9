// Activates the built extension beside a stand-in for the editor, in which one file is open: the server that is named
// here is started, and what it finds in the file is printed, a line each.
// Usage: node test/starts.cjs FILE COMMAND [ARGUMENT…]; exits 1 with what the editor was told when that fails.
// The stand-in answers whatever is asked of the editor with one more stand-in, so only what is ours is tried.
const { readFileSync } = require("node:fs");
const Module = require("node:module");
const { pathToFileURL } = require("node:url");

const [file, command, ...args] = process.argv.slice(2);
const settings = { command, arguments: args };
const DEADLINE = 60_000;

function standIn(own = {}) {
  return new Proxy(Object.assign(function () {}, own), {
    get(target, key) {
      if (key === "then") return undefined; // not a promise
      if (key === Symbol.toPrimitive) return () => "";
      if (key === Symbol.iterator) return [][Symbol.iterator].bind([]);
      return key in target || key === "prototype" ? target[key] : (target[key] = standIn());
    },
    apply: () => standIn(),
    construct: () => standIn(),
  });
}

class Diagnostic {
  constructor(range, message) {
    this.message = message;
  }
}

class CancellationTokenSource {
  token = { isCancellationRequested: false, onCancellationRequested: () => standIn() };
  cancel() {}
  dispose() {}
}

const address = pathToFileURL(file).href;
const uri = { scheme: "file", fsPath: file, toString: () => address };
const open = { uri, languageId: "enigma", version: 1, isClosed: false, getText: () => readFileSync(file, "utf8") };

const said = [];
let finish;
const found = new Promise((resolve) => (finish = resolve));
const collection = standIn({ set: (where, diagnostics) => finish(diagnostics.map(({ message }) => message)) });

const vscode = standIn({
  version: "1.91.0",
  commands: standIn(),
  Diagnostic,
  CancellationTokenSource,
  env: standIn({ appName: "stand-in", language: "en" }),
  languages: standIn({ match: () => 10, createDiagnosticCollection: () => collection }),
  workspace: standIn({
    getConfiguration: () => ({ get: (key, fallback) => settings[key] ?? fallback }),
    workspaceFolders: undefined,
    textDocuments: [open],
    notebookDocuments: [],
  }),
  window: standIn({
    visibleTextEditors: [],
    showErrorMessage: async (message) => void said.push(message),
  }),
});

function fail(message) {
  console.log(message);
  process.exit(1);
}

setTimeout(() => fail("the server did not answer in time"), DEADLINE).unref();
process.on("unhandledRejection", (error) => fail(String(error?.stack ?? error)));

const load = Module._load;
Module._load = (name, ...rest) => (name === "vscode" ? vscode : load(name, ...rest));
const extension = require("../dist/extension.js");

(async () => {
  await extension.activate({ subscriptions: [] });
  if (said.length > 0) fail(said.join("\n"));
  for (const message of await found) console.log(message);
  await extension.deactivate();
  process.exit(0);
})();
