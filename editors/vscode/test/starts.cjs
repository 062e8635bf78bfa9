// Activates the built extension beside a stand-in for the editor, and so starts the server that is named here; prints
// what the server says of itself. Usage: node test/starts.cjs COMMAND [ARGUMENT…]
// The stand-in answers whatever is asked of the editor with one more stand-in, so only what is ours is tried.
const Module = require("node:module");

const [command, ...args] = process.argv.slice(2);
const settings = { command, arguments: args };

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

const said = [];
const vscode = standIn({
  version: "1.91.0",
  commands: standIn(),
  workspace: standIn({
    getConfiguration: () => ({ get: (key, fallback) => settings[key] ?? fallback }),
    workspaceFolders: undefined,
    textDocuments: [],
    notebookDocuments: [],
  }),
  window: standIn({
    visibleTextEditors: [],
    showErrorMessage: async (message) => void said.push(message),
  }),
});
const load = Module._load;
Module._load = (name, ...rest) => (name === "vscode" ? vscode : load(name, ...rest));

const extension = require("../dist/extension.js");
extension
  .activate({ subscriptions: [] })
  .then(() => extension.deactivate())
  .then(() => {
    for (const message of said) console.log(message);
    process.exit(said.length === 0 ? 0 : 1);
  });
