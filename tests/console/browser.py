"""A real browser in a machine of the campus: Debian's Chromium, driven by Playwright (bridge.mjs)."""
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SLOW_S = 60  # of waits, on a machine that has much to do


class Browser:
    def __init__(self, machine, url):
        self.url = url
        environment = dict(os.environ, CONSOLE_MODULES=os.path.join(TOP, "console"))

        def begin():
            return subprocess.Popen(["node", os.path.join(HERE, "bridge.mjs")],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                    env=environment, start_new_session=True)
        self.process = machine.call(begin)
        self.open()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait(30)

    def run(self, code, **args):
        """A piece of Playwright; its value."""
        self.process.stdin.write(json.dumps({"run": code, "args": args}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the browser has ended"
        answer = json.loads(line)
        assert "error" not in answer, f"{code}\n{args}\n{answer['error']}"
        return answer.get("value")

    def open(self, width=1280, height=900, japanese=False, dark=False):
        """A new browser profile."""
        self.run("await open(args)", width=width, height=height, dark=dark,
                 locale="ja-JP" if japanese else "en-US")

    def goto(self, path=""):
        self.run("await page.goto(args.url)", url=f"{self.url}/{path}")

    def fill(self, label, text):
        self.run("await page.getByLabel(args.label, {exact: true}).fill(args.text)", label=label,
                 text=text)

    def click(self, name, role="button", nth=0, exact=True):
        self.run("await page.getByRole(args.role, {name: args.name, exact: args.exact})"
                 ".nth(args.nth).click()", role=role, name=name, nth=nth, exact=exact)

    def see(self, text, timeout_s=SLOW_S):
        """Waits until that is to be seen, letter by letter ("not saved." is no "Saved.")."""
        self.run("await seen(args.text).waitFor({timeout: args.ms})", text=text, ms=int(timeout_s * 1000))

    def gone(self, text, timeout_s=SLOW_S):
        """Waits until that is not to be seen any more."""
        self.run("""await page.waitForFunction((text) => !document.body.innerText.includes(text), args.text,
            {timeout: args.ms})""", text=text, ms=int(timeout_s * 1000))

    def visit(self, screen):
        """Goes there, and waits until nothing is loading any more."""
        self.run("""const name = (url) => new URL(url).hash.replace(/^#\\/?/, '').split('?')[0] || 'dashboard';
            const before = page.url();
            await page.evaluate(() => document.querySelector('main h1')?.setAttribute('data-left', ''));
            await page.goto(args.url);
            const isNew = name(before) !== name(args.url); /* else the screen stays as it stands */
            await page.locator(isNew ? 'main h1:not([data-left])' : 'main h1').first().waitFor();
            await page.waitForFunction(() => !/Loading…|読み込み中…/.test(document.querySelector('main').innerText));
            await page.waitForTimeout(100)""", url=f"{self.url}/#/{screen}")

    def closed(self):
        """Waits until no dialog is open: what it asked for was answered."""
        self.run("await page.getByRole('dialog').waitFor({state: 'detached'})")

    def heading(self, text, timeout_s=SLOW_S):
        self.run("await page.getByRole('heading', {level: 1, name: args.text}).waitFor("
                 "{timeout: args.ms})", text=text, ms=int(timeout_s * 1000))

    def text(self):
        return self.run("return await page.locator('body').innerText()")

    def sign_in(self, name, password, japanese=False):
        self.goto()
        self.fill("アカウント名" if japanese else "Account name", name)
        self.fill("パスワード" if japanese else "Password", password)
        self.click("サインイン" if japanese else "Sign in")

    def shot(self, path):
        self.run("await page.screenshot({path: args.path})", path=path)

    def troubles(self):
        """Errors in the page, refused by its policy, or requests to other hosts, since last asked."""
        return self.run("return troubles.splice(0)")

    def violations(self):
        """What axe-core finds against WCAG 2.1 AA."""
        return self.run("""
            await page.evaluate(axe);
            const found = await page.evaluate(async () => (await window.axe.run(document, {
                runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})).violations);
            return found.map((one) => `${one.id}: ${one.nodes.map((n) => n.html).slice(0, 3)}`);""")
