// Has any server that node starts listen on a free port of the loopback interface, and tell which.
const net = require("node:net");
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== "number" && typeof port !== "string") return listen.call(this, port, ...rest);
  this.once("listening", () => console.error(`listening on http://127.0.0.1:${this.address().port}/mcp`));
  return listen.call(this, 0, "127.0.0.1", ...rest);
};
