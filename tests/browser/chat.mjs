// Two people chat in the browser: what a newcomer does, driven in Chromium by playwright-core.
//
//   node chat.mjs URL FOLDER CARRIER  <  {"alice": PASSWORD, "bob": PASSWORD}
//
// CARRIER is "websocket" or "bosh". Screenshots go to FOLDER. The last line of the output is JSON: what was seen.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";

const require = createRequire(process.env.XMPPD_NODE_MODULES + "/");
const { chromium } = require("playwright-core");
const [url, folder, carrier] = process.argv.slice(2);
const passwords = JSON.parse(readFileSync(0, "utf8"));
const PATIENCE = 60000;
const seen = { carrier, sockets: [], posts: 0, violations: [], errors: [] };

const browser = await chromium.launch({
    executablePath: process.env.XMPPD_CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});

async function person(name, viewport) {
    const context = await browser.newContext({ viewport, locale: "en" });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("websocket", (socket) => seen.sockets.push(new URL(socket.url()).pathname));
    page.on("request", (request) => { if (request.url().endsWith("/http-bind")) seen.posts += 1; });
    page.on("console", (line) => {
        if (/conversejs.org.media.logos/.test(line.text())) return; // its sponsors, which are not loaded
        if (/Content Security Policy/.test(line.text())) seen.violations.push(line.text());
        else if (/OMEMO devices|^<iq/.test(line.text())) return; // a stranger shows none
        else if (line.type() === "error") seen.errors.push(`${name}: ${line.text()}`);
    });
    if (carrier === "bosh") {
        await page.route("**/chat/start.js", async (route) => {
            const response = await route.fetch();
            await route.fulfill({ response, body: (await response.text()).replace(/"websocket_url": "[^"]*"/, '"a": 1') });
        });
    }
    await page.goto(url);
    await page.fill("input[name=jid]", name);
    await page.fill("input[name=password]", passwords[name]);
    await page.click("converse-login-form [type=submit]");
    await page.waitForSelector("converse-user-profile");
    return page;
}

async function say(page, text, within = "converse-chat") {
    const field = page.locator(`${within} textarea.chat-textarea:visible`).first();
    await field.fill(text);
    await field.press("Enter");
}

// Opens a chat or a room by its address; again where the page was just busy with a message for it.
async function go(page, hash) {
    for (let left = 8; ; left--) {
        await page.evaluate((to) => { window.location.hash = ""; window.location.hash = to; }, hash);
        try {
            return await page.waitForSelector("textarea.chat-textarea:visible", { timeout: PATIENCE / 8 });
        } catch (error) {
            if (!left) throw error;
        }
    }
}

// A picture of so many pixels, as a file that somebody chooses: PNG, 24 bits, all of one colour.
function picture(width = 120, height = 80) {
    const chunk = (kind, data) => {
        const body = Buffer.concat([Buffer.from(kind), data]);
        const size = Buffer.alloc(4), sum = Buffer.alloc(4);
        size.writeUInt32BE(data.length);
        sum.writeUInt32BE(crc32(body));
        return Buffer.concat([size, body, sum]);
    };
    const head = Buffer.alloc(13);
    head.writeUInt32BE(width, 0);
    head.writeUInt32BE(height, 4);
    head.set([8, 2], 8);
    const row = Buffer.concat([Buffer.from([0]), Buffer.from(Array(width).fill([40, 120, 200]).flat())]);
    const content = deflateSync(Buffer.concat(Array(height).fill(row)));
    const buffer = Buffer.concat([
        Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
        chunk("IHDR", head), chunk("IDAT", content), chunk("IEND", Buffer.alloc(0)),
    ]);
    return { name: "our picture.png", mimeType: "image/png", buffer };
}

function crc32(data) {
    let sum = 0xffffffff;
    for (const byte of data) {
        sum ^= byte;
        for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return (sum ^ 0xffffffff) >>> 0;
}

const heard = (page, text) => page.waitForSelector(`.chat-msg__text:has-text("${text}")`);

try {
    const alice = await person("alice", { width: 1200, height: 800 });
    const bob = await person("bob", { width: 390, height: 844 });
    await go(alice, "converse/chat?jid=bob@localhost");
    await say(alice, `hello bob, by ${carrier}`);
    await go(bob, "converse/chat?jid=alice@localhost");
    await heard(bob, `hello bob, by ${carrier}`);
    await say(bob, `hello alice, by ${carrier}`);
    await heard(alice, `hello alice, by ${carrier}`);
    await alice.screenshot({ path: `${folder}/${carrier}-1-alice.png` });
    await bob.screenshot({ path: `${folder}/${carrier}-2-bob-phone.png` });
    seen.chat = true;

    await alice.setInputFiles("converse-chat input[type=file]", picture());
    await alice.waitForSelector(".chat-msg__media img, converse-image img, img.chat-image");
    const shown = bob.locator("img.chat-image").last();
    await shown.waitFor();
    await bob.waitForFunction(() => [...document.querySelectorAll("img.chat-image")].at(-1)?.naturalWidth > 0);
    seen.picture = await shown.evaluate((image) => [image.naturalWidth, new URL(image.src).pathname.split("/").at(-1)]);
    await alice.screenshot({ path: `${folder}/${carrier}-6-picture.png` });
    await bob.screenshot({ path: `${folder}/${carrier}-7-picture-phone.png` });

    const again = await person("alice", { width: 1000, height: 700 });
    await go(again, "converse/chat?jid=bob@localhost");
    await heard(again, `hello alice, by ${carrier}`);
    await again.screenshot({ path: `${folder}/${carrier}-3-history.png` });
    seen.history = true;

    for (const page of [alice, bob]) {
        await page.evaluate((to) => { window.location.hash = to; }, `converse/room?jid=lobby-${carrier}@rooms.localhost`);
        await page.waitForSelector("converse-muc textarea.chat-textarea");
    }
    await say(alice, `hello room, by ${carrier}`, "converse-muc");
    await heard(bob, `hello room, by ${carrier}`);
    await alice.screenshot({ path: `${folder}/${carrier}-4-room.png` });
    await bob.screenshot({ path: `${folder}/${carrier}-5-room-phone.png` });
    seen.room = true;
} catch (error) {
    seen.failed = String(error);
    let number = 0;
    for (const context of browser.contexts()) for (const page of context.pages()) {
        await page.screenshot({ path: `${folder}/${carrier}-failed-${number++}.png` }).catch(() => {});
    }
}
await browser.close();
console.log(JSON.stringify(seen));
process.exit(seen.failed ? 1 : 0);
