// Serves npm's emulate as a Slack until standard input ends. Its one argument is the folder that has it.
import { pathToFileURL } from "node:url";
import { createServer } from "node:net";

const { createEmulator } = await import(pathToFileURL(`${process.argv[2]}/emulate/dist/api.js`).href);
// It tells its port only where it was given one.
const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
const slack = await createEmulator({
  service: "slack",
  port,
  seed: {
    tokens: { "xoxb-1": { login: "developer", scopes: [] } },
    slack: { team: { name: "Acme", domain: "acme" }, users: [{ name: "developer", real_name: "Developer", email: "dev@example.com" }], channels: [{ name: "general" }], bots: [{ name: "virtuous6" }] },
  },
});
console.log(`listening on http://127.0.0.1:${port}`);
process.stdin.resume().on("end", async () => {
  await slack.close();
  process.exit(0);
});
