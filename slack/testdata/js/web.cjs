// Calls Slack's methods with the official client: each line of standard input is a call, each line of output what came of it.
const { WebClient, LogLevel } = require(`${process.argv[2]}/@slack/web-api`);
const client = new WebClient("xoxb-1", { slackApiUrl: process.argv[3], logLevel: LogLevel.ERROR, retryConfig: { retries: 2, minTimeout: 10, maxTimeout: 20 } });

(async () => {
  for await (const line of require("node:readline").createInterface({ input: process.stdin })) {
    const { method, args } = JSON.parse(line);
    let said;
    try {
      // The client's own method checks more of the arguments than a bare call does.
      const own = method.split(".").reduce((of, name) => of?.[name], client);
      said = await (own ? own(args) : client.apiCall(method, args));
    } catch (e) {
      said = { ok: false, error: e.data?.error ?? String(e) };
    }
    console.log(JSON.stringify(said));
  }
})();
