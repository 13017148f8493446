// Strophe over BOSH: logs in, talks to itself, is left without a word for longer than a request waits, and says goodbye;
// tells of it in one line of JSON. Arguments: the folder with strophe.js in it, the service's URL, user, password.
import { pathToFileURL } from "node:url";

const [modules, service, jid, password] = process.argv.slice(2);
const SILENCE = 1500;

// As much of a browser's XMLHttpRequest as Strophe asks for.
globalThis.XMLHttpRequest = class {
  readyState = 0;
  status = 0;
  responseText = "";
  #headers = {};
  #aborting = new AbortController();

  open(method, url) {
    this.method = method;
    this.url = url;
    this.readyState = 1;
  }
  setRequestHeader(name, value) {
    this.#headers[name] = value;
  }
  abort() {
    this.#aborting.abort();
  }
  getAllResponseHeaders() {
    return "";
  }
  get responseXML() {
    return new DOMParser().parseFromString(this.responseText, "text/xml");
  }
  async send(body) {
    told.posts += 1;
    try {
      const response = await fetch(this.url, {
        method: this.method, body, headers: this.#headers, signal: this.#aborting.signal,
      });
      this.status = response.status;
      this.responseText = await response.text();
    } catch {
      this.status = 0;
    }
    this.readyState = 4;
    this.onreadystatechange?.();
  }
};

const told = { jid: "", heard: [], posts: 0, states: [] };
const { Strophe, $msg, $pres, $iq } = await import(pathToFileURL(`${modules}/strophe.js/dist/strophe.node.esm.js`));
const { DOMParser } = await import(pathToFileURL(`${modules}/@xmldom/xmldom/lib/index.js`));
const connection = new Strophe.Connection(service);
const names = Object.fromEntries(Object.entries(Strophe.Status).map(([name, value]) => [value, name]));

function finish(status) {
  console.log(JSON.stringify(told));
  process.exit(status);
}
setTimeout(finish, 20_000, 1).unref();

function talk() {
  told.jid = connection.jid;
  connection.addHandler((message) => {
    told.heard.push(message.getElementsByTagName("body")[0].textContent);
    if (told.heard.length === 2) {
      setTimeout(() => connection.send($msg({ to: connection.jid, type: "chat" }).c("body").t("after a silence")), SILENCE);
    } else if (told.heard.length === 3) {
      connection.sendIQ($iq({ type: "get", to: "localhost" }).c("ping", { xmlns: "urn:xmpp:ping" }), () => {
        told.pong = true;
        connection.disconnect("done");
      });
    }
    return true;
  }, null, "message");
  connection.send($pres());
  for (const text of ["one & <two>", "zwölf"]) {
    connection.send($msg({ to: connection.jid, type: "chat" }).c("body").t(text));
  }
}

connection.connect(jid, password, (status) => {
  told.states.push(names[status]);
  if (status === Strophe.Status.CONNECTED) talk();
  if (status === Strophe.Status.DISCONNECTED) finish(0);
  if (status === Strophe.Status.AUTHFAIL || status === Strophe.Status.CONNFAIL) finish(1);
}, 60, 1);
