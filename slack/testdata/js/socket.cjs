// Listens by Socket Mode with the official client, and acknowledges all that comes.
const { SocketModeClient, LogLevel } = require(`${process.argv[2]}/@slack/socket-mode`);
const client = new SocketModeClient({ appToken: "xapp-1", logLevel: LogLevel.ERROR, clientOptions: { slackApiUrl: process.argv[3] } });

client.on("slack_event", async ({ ack, type, body }) => {
  console.log(JSON.stringify({ type, body }));
  await ack();
});
process.stdin.resume().on("end", async () => {
  await client.disconnect();
  process.exit(0);
});
client.start().then(() => console.log('{"type":"hello"}'));
