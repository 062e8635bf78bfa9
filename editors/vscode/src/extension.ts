// The client of `enig lsp`: starts it over standard input and output, and starts it anew when asked to.
import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions, type ServerOptions } from "vscode-languageclient/node";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  context.subscriptions.push(
    vscode.commands.registerCommand("enigma.restartServer", async () => {
      await stop();
      await start();
    }),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("enigma.server")) {
        await stop();
        await start();
      }
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await stop();
}

async function start(): Promise<void> {
  const settings = vscode.workspace.getConfiguration("enigma.server");
  const command = settings.get<string>("command", "enig");
  const args = settings.get<string[]>("arguments", ["lsp"]);
  const server: ServerOptions = { command, args };
  const options: LanguageClientOptions = { documentSelector: [{ language: "enigma" }] };
  const started = new LanguageClient("enigma", "EnigmaLang", server, options);
  client = started;
  try {
    await started.start();
  } catch (error) {
    if (client === started) client = undefined;
    const reason = error instanceof Error ? error.message : String(error);
    const open = "Open the setting";
    const chosen = await vscode.window.showErrorMessage(
      `EnigmaLang: \`${[command, ...args].join(" ")}\` does not start (${reason}). ` +
        "Install EnigmaLang (`pip install .` in its folder), or name its path in `enigma.server.command`.",
      open,
    );
    if (chosen === open) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "enigma.server.command");
    }
  }
}

async function stop(): Promise<void> {
  const running = client;
  client = undefined;
  try {
    await running?.dispose();
  } catch (error) { // it did not answer: the client ends its process, and a new one can start
    running?.error("The server did not stop by itself", error, false);
  }
}
