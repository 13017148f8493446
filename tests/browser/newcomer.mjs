// A newcomer follows an invitation on a phone: the page, an account, the chat in the browser, a word to who has invited.
//
//   node newcomer.mjs LINK FOLDER  <  {"name": NAME, "password": PASSWORD, "inviter": JID}
//
// Screenshots go to FOLDER. The last line of the output is JSON: what was seen.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(process.env.XMPPD_NODE_MODULES + "/");
const { chromium } = require("playwright-core");
const [link, folder] = process.argv.slice(2);
const { name, password, inviter } = JSON.parse(readFileSync(0, "utf8"));
const PATIENCE = 60000;
const seen = { violations: [], errors: [], narrow: [] };

const browser = await chromium.launch({
    executablePath: process.env.XMPPD_CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const phone = {
    viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, locale: "en",
    userAgent: "Mozilla/5.0 (Linux; Android 14; Mobile) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36",
};

// Whether nothing stands beyond the right edge, so that nobody has to push the page to and fro.
async function look(page, picture) {
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    if (wide > room) seen.narrow.push(`${picture}: ${wide} > ${room}`);
    await page.screenshot({ path: `${folder}/newcomer-${picture}.png`, fullPage: true });
}

async function visit(context) {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("console", (line) => {
        if (/status of 422/.test(line.text())) return; // the mistake
        if (/conversejs.org.media.logos|OMEMO devices|^<iq/.test(line.text())) return;
        if (/Content Security Policy/.test(line.text())) seen.violations.push(line.text());
        else if (line.type() === "error") seen.errors.push(line.text());
    });
    return page;
}

let page;
try {
    // The page needs no JavaScript, so it is read and filled in without.
    const plain = await browser.newContext({ ...phone, javaScriptEnabled: false });
    page = await visit(plain);
    await page.goto(link);
    await page.screenshot({ path: `${folder}/newcomer-1-invitation.png`, fullPage: true });
    await page.fill("input[name=username]", name);
    await page.fill("input[name=password]", password);
    await page.fill("input[name=repeat]", `${password}?`);
    await page.click("button[type=submit]");
    seen.mistake = await page.locator("#errors").innerText();
    await page.screenshot({ path: `${folder}/newcomer-2-mistake.png`, fullPage: true });
    seen.kept = await page.inputValue("input[name=username]");
    const address = page.url();
    await plain.close();

    const context = await browser.newContext(phone);
    page = await visit(context);
    await page.goto(link);
    await look(page, "3-invitation");
    await page.goto(address);
    await page.fill("input[name=username]", name);
    await page.fill("input[name=password]", password);
    await page.fill("input[name=repeat]", password);
    await look(page, "4-form");
    await page.click("button[type=submit]");
    await page.waitForSelector("p.jid");
    seen.account = await page.locator("p.jid").innerText();
    await look(page, "5-account");

    await page.click("ul.clients a[href='/']");
    await page.fill("input[name=jid]", name);
    await page.fill("input[name=password]", password);
    await page.click("converse-login-form [type=submit]");
    await page.waitForSelector("converse-user-profile");
    await page.waitForFunction((jid) => document.body.innerText.includes(jid), inviter);
    seen.contact = true;
    await look(page, "6-contacts");
    await page.evaluate((to) => { window.location.hash = to; }, `converse/chat?jid=${inviter}`);
    const field = page.locator("textarea.chat-textarea:visible").first();
    await field.fill("here I am");
    await field.press("Enter");
    await page.waitForSelector('.chat-msg__text:has-text("here I am")');
    await look(page, "7-chat");
    seen.chat = true;
} catch (error) {
    seen.failed = String(error);
    await page?.screenshot({ path: `${folder}/newcomer-failed.png` }).catch(() => {});
}
await browser.close();
console.log(JSON.stringify(seen));
process.exit(seen.failed ? 1 : 0);
