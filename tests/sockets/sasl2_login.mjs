// Logs in by password, then anew by the token it got, then loses its connection and resumes by token; tells of it in one
// line of JSON. Arguments: the folder with @xmpp/client in it, the service's URL, the user, the password.
import { pathToFileURL } from "node:url";

const [modules, service, username, password] = process.argv.slice(2);
const { client, xml } = await import(pathToFileURL(`${modules}/@xmpp/client/index.js`));

const told = { mechanisms: [], jids: [] };
const userAgent = xml("user-agent", { id: "d4565fa7-4d72-4749-b3d3-740edbf87770" });
let token;

function make() {
  const xmpp = client({ service, domain: "localhost", username, password, userAgent });
  xmpp.reconnect.delay = 20;
  xmpp.fast.saveToken = async (given) => (token = given);
  xmpp.fast.fetchToken = async () => token;
  xmpp.on("error", () => {});
  xmpp.on("send", (element) => {
    if (element.name === "authenticate") told.mechanisms.push(element.attrs.mechanism);
  });
  return xmpp;
}

async function online(xmpp) {
  const address = new Promise((resolve) => xmpp.once("online", resolve));
  xmpp.start().catch(() => {}); // its promises miss what a near server answers at once; events tell
  told.jids.push(`${await address}`);
}

function finish(status) {
  console.log(JSON.stringify(told));
  process.exit(status);
}
setTimeout(finish, 15_000, 1).unref();

const first = make();
await online(first);
first.reconnect.stop(); // the same client comes anew, and its first session ends
const xmpp = make();
await online(xmpp);
const resumed = new Promise((resolve) => xmpp.streamManagement.once("resumed", resolve));
const socket = xmpp.socket.socket ?? xmpp.socket;
(socket.destroy ?? socket.terminate ?? socket.close).call(socket); // TLS, ws, or node's own WebSocket
await resumed;
told.jids.push(`${xmpp.jid}`);
await xmpp.iqCaller.get(xml("ping", "urn:xmpp:ping"));
finish(0);
