// Looks at a report as a person's browser does: node check.mjs REPORT.html [SCREENSHOTS-FOLDER]
//
// It opens from disk, asks nothing of the network, says nothing on the console, does not scroll
// sideways at any width, its links lead somewhere in it, and neither a validator nor a checker of
// accessibility finds anything, in light and in dark.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { HtmlValidate } from "html-validate";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const [page_file, screenshots] = process.argv.slice(2);
const found = [];
let looked = 0;
const look = (what, bad) => {
  looked += 1;
  for (const text of [bad].flat().filter(Boolean)) found.push(`${what}: ${text}`);
};

const text = await readFile(page_file, "utf8");
const validator = new HtmlValidate({
  extends: ["html-validate:recommended"],
  rules: {
    "long-title": "off",
    // A time is text here, not for programs; and the style is the page's own.
    "no-inline-style": "error",
    // The templates write void elements and entities as HTML has them.
    "void-style": "off",
    "doctype-style": "off",
    "no-trailing-whitespace": "off",
  },
});
const report = await validator.validateString(text);
look(
  "validator",
  report.results.flatMap((result) => result.messages.map((m) => `${m.line}:${m.column} ${m.ruleId} ${m.message}`)),
);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
for (const colorScheme of ["light", "dark"]) {
  for (const width of [360, 768, 1280, 1920]) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    const where = `${colorScheme}, ${width} px`;
    const outside = [];
    const said = [];
    page.on("request", (request) => {
      if (!request.url().startsWith("file:") && !request.url().startsWith("data:")) outside.push(request.url());
    });
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    page.on("dialog", (dialog) => {
      said.push(`a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    await page.goto(pathToFileURL(resolve(page_file)).href);
    const opened = await page.evaluate(() => {
      const details = [...document.querySelectorAll("details")];
      for (const one of details) one.open = true;
      return details.length;
    });
    look(`${where}: executions to open`, opened === 0 && "none");
    look(`${where}: network`, outside);
    look(
      `${where}: sideways`,
      await page.evaluate(() => {
        const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
        return over > 0 ? `${over} px too wide` : "";
      }),
    );
    look(
      `${where}: links`,
      await page.evaluate(() =>
        [...document.querySelectorAll("a")]
          .map((a) => a.getAttribute("href"))
          .filter((to) => !to?.startsWith("#") || !document.getElementById(to.slice(1))),
      ),
    );
    look(`${where}: headings`, (await page.locator("h1").count()) !== 1 && "there is not one h1");
    look(`${where}: scripts`, (await page.locator("script").count()) !== 0 && "there is one");
    if (screenshots) await page.screenshot({ path: `${screenshots}/${colorScheme}-${width}.png`, fullPage: true });
    if (width === 360 || width === 1280) {
      // The checker is a script: the page's own policy would refuse it.
      await page.evaluate(await readFile(require.resolve("axe-core/axe.min.js"), "utf8"));
      const axe = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      look(
        `${where}: accessibility`,
        axe.violations.flatMap((v) => v.nodes.slice(0, 3).map((node) => `${v.id}: ${node.html.slice(0, 160)}`)),
      );
    }
    // What the checker itself says is not the page's.
    look(`${where}: console`, said.filter((line) => !line.startsWith("Framed page")));
    await context.close();
  }
}
const paper = await browser.newPage();
await paper.goto(pathToFileURL(resolve(page_file)).href);
const pdf = await paper.pdf({ format: "A4" });
look("paper", pdf.length < 1000 && "nothing was printed");
await browser.close();

for (const line of found) console.log(line);
console.log(`${looked - found.length < 0 ? 0 : looked} looks, ${found.length} findings`);
process.exit(found.length === 0 ? 0 : 1);
