"""The dashboard as an operator uses it: a real browser, the real programs, a simulated Omnitron.

Usage: test_dashboard.py <folder of the programs> [Dashboard.test_...]
OMNIHOOK_SCREENSHOTS=<folder> keeps pictures of what was seen.
"""

import pathlib
import signal
import sys
import time
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from installation import wait_for  # noqa: E402
from programs import LIMIT_S, digest_of  # noqa: E402
from watched import Visit, button, row  # noqa: E402

ACCESSIBLE = (HERE / "accessible.js").read_text()
# Every state and progress that the row of acme shows from now on.
RECORD = """
    const row = document.querySelector("tr[data-account='acme']");
    window.seen = [];
    const note = () => window.seen.push([row.querySelector('.state').textContent, row.querySelector('progress').value,
                                         row.querySelector('progress').max]);
    note();
    new MutationObserver(note).observe(row, {subtree: true, childList: true, characterData: true, attributes: true});
"""


# Answers to paths that match window.late come when window.pass or window.fail is called, or window.lateMs later.
LATE = """
    const real = window.fetch;
    window.asked = 0;
    window.answered = 0;
    window.late = new RegExp(arguments[0]);
    window.lateMs = arguments[1];
    window.fetch = async (path, options) => {
        const answer = await real(path, options);
        if (window.late.test(path)) {
            window.asked++;
            await new Promise((resolve, reject) => {
                window.pass = resolve;
                window.fail = () => reject(new TypeError('lost'));
                options.signal.addEventListener('abort', () => reject(options.signal.reason));
                if (window.lateMs !== null) {
                    setTimeout(resolve, window.lateMs);
                }
            });
            window.answered++;
        }
        return answer;
    };
"""
NONE = "(?!)"  # matches nothing
# From now on the workers are refused to who shows a key, and window.shown counts how often one does.
REFUSE = """
    const real = window.fetch;
    window.shown = 0;
    window.fetch = async (path, options) => {
        if (path !== 'ops/workers' || options.headers.Authorization === undefined) {
            return real(path, options);
        }
        window.shown++;
        return new Response('{"detail": "Invalid token."}', {status: 401});
    };
"""
NEXT = "#accounts-pager button:last-child"
# From now on window.strays has what of the lists is read while the page is not live, since window.brokenAt.
WATCH_STRAYS = """
    const real = window.fetch;
    window.strays = [];
    window.fetch = (path, options) => {
        if (document.body.dataset.stale === 'true' && /^ops\\/(accounts|dead|workers)/.test(path)) {
            window.strays.push(path);
        }
        return real(path, options);
    };
    new MutationObserver(() => window.brokenAt ??= performance.now()).observe(document.body, {attributeFilter: ['data-stale']});
"""


class Dashboard(Visit):
    # ---- Following and reading ----

    def test_a_job_is_followed_from_ready_to_finished(self):
        system, browser = self.visit()
        system.be_slow()
        self.give_key(browser, system.operator_key)
        self.assertEqual(browser.text(f"{row()} .state"), "READY")
        browser.script(RECORD)
        browser.click(button("execute"))
        browser.wait_text(f"{row()} .state", "FINISHED")
        seen = browser.script("return window.seen")
        states = [state for state, _, _ in seen]
        self.assertEqual(states[0], "READY")
        self.assertIn("WORKING running", states)
        self.assertEqual(states[-1], "FINISHED")
        values = [value for state, value, _ in seen if state == "WORKING running"]
        print(f"bar: {sorted(set(values))} of {seen[-1][2]}")
        self.assertGreater(len(set(values)), 4, "the bar moves")
        self.assertEqual(values, sorted(values), "and never back")
        browser.wait("document.querySelector(arguments[0]).value === 12", f"{row()} progress")
        browser.wait_text("#tile-finished", "1")
        self.assertEqual(system.report()["state"], "FINISHED")

    def test_with_several_processes(self):
        system, browser = self.visit(OMNIHOOK_PROCESSES="2")
        self.give_key(browser, system.operator_key)
        browser.wait_text("#tile-workers", "2")
        browser.click(button("execute"))
        browser.wait_text(f"{row()} .state", "FINISHED")

    def test_which_webhook_failed_and_why(self):
        system, browser = self.visit()
        system.refuse(system.webhooks[7])
        system.run("FAILED")
        browser.wait_text(f"{row()} .state", "FAILED")
        browser.wait_text(f"{row()} .error", "event.number7")
        browser.click(f"{row()} .actions button")
        first = "#details-webhooks li:first-child"
        browser.wait_text(first, "failed")
        for words in ("event.number7", "HTTP 400", "Not a <b>known</b> event."):
            self.assertIn(words, browser.text(first))
        self.assertIn("11 created, 1 failed", browser.text("#details-webhooks"))
        browser.wait_text("#details[open] #details-history", "FAILED")
        browser.click("#plan-ask")
        browser.wait_text("#plan-summary", "Execute is required: 1 create, 11 registered.")
        browser.wait_text("#details-plan", "create event.number7")
        browser.wait_text("#dead-rows", "acme")
        browser.screenshot("details")

    def test_an_address_opens_the_panel(self):
        system, browser = self.visit()
        system.run("FINISHED")
        browser.script("location.hash = 'account=acme'")
        browser.wait_text("#details[open] #details-webhooks", "12 created")
        browser.click("#details-close")
        browser.wait("!document.querySelector('#details').open && location.hash === ''")

    def test_active_lists_what_is_under_way(self):
        system, browser = self.visit(more=["idle"])
        browser.wait("document.querySelector(arguments[0])", row("idle"))
        browser.click("#view-active")
        browser.wait_text("#accounts-empty", "No account has a job under way.")
        system.be_slow(1000)
        system.execute()
        browser.wait_text(f"{row()} .state", "running")
        self.assertFalse(browser.script("return document.querySelector(arguments[0]) !== null", row("idle")))
        self.assertEqual(system.call("POST", "abort/")[0], 204)
        browser.wait_text("#accounts-empty", "No account has a job under way.")
        browser.click("#view-all")
        browser.wait_text(f"{row()} .state", "ABORTED")
        browser.wait("document.querySelector(arguments[0])", row("idle"))

    def test_many_active_accounts_come_by_pages(self):
        names = [f"busy-{i:03d}" for i in range(620)]  # Redis gives so many in parts of its own
        system, browser = self.visit(more=names)
        system.workers[0].stop()
        for name in names:
            system.execute_as(name)
        browser.click("#view-active")
        browser.wait_text("#accounts-pager", "here, 620 active")
        seen = []
        while True:
            seen += browser.script("return [...document.querySelectorAll('#accounts-rows tr')].map((row) => row.dataset.account)")
            if browser.script("return document.querySelector('#accounts-pager button:last-child').ariaDisabled") == "true":
                break
            before = browser.text("#accounts-rows th")
            browser.click("#accounts-pager button:last-child")
            browser.wait("document.querySelector('#accounts-rows th').innerText !== arguments[0]", before)
            self.assertLessEqual(browser.script("return document.querySelectorAll('#accounts-rows tr').length"), 50)
        self.assertEqual(sorted(set(seen)), names)

    def test_next_is_one_page_also_when_it_is_pressed_twice_or_a_read_fails(self):
        _, browser = self.visit(more=[f"shop-{i:03d}" for i in range(219)])
        browser.wait_text("#accounts-pager", "1–50 of 220")
        browser.script(LATE, "ops/accounts", None)
        browser.click(NEXT)
        browser.wait("window.asked === 1")
        browser.click(NEXT)
        browser.script("window.pass()")
        browser.wait_text("#accounts-pager", "51–100 of 220")
        browser.click(NEXT)
        browser.wait("window.asked === 2")
        browser.script("window.fail()")
        browser.wait_text("#accounts-notice", "Not up to date: The server cannot be reached.")
        browser.script(f"window.late = /{NONE}/")
        browser.click(NEXT)
        browser.wait_text("#accounts-pager", "101–150 of 220")
        browser.click(NEXT)
        browser.wait_text("#accounts-pager", "151–200 of 220")
        self.assertTrue(browser.script("return document.querySelector('#accounts-notice').hidden"))

    def test_steady_changes_are_shown_although_the_server_is_slow(self):
        system, browser = self.visit()
        browser.script(LATE, "ops/accounts", 1500)
        end = time.monotonic() + LIMIT_S
        while browser.script("return window.answered") < 2:
            self.assertLess(time.monotonic(), end, "the table is never read to the end")
            system.run("FINISHED")
        browser.wait_text(f"{row()} td:nth-child(4)", "1")  # the attempt, which no event tells

    def test_after_a_call_without_an_answer_the_panel_goes_on(self):
        system, browser = self.visit()
        browser.script(LATE, "ops/plan", None)
        browser.script("""const real = window.realTimeout = window.setTimeout;
            window.setTimeout = (what, ms, ...more) => real(what, ms === 45000 ? 10 : ms, ...more);""")
        browser.script("location.hash = 'account=acme'")
        browser.wait_text("#details[open] #details-history", "No job has ended yet.")
        browser.click("#plan-ask")
        browser.wait_text("#details-plan", "The server did not answer in time.")
        browser.script(f"window.late = /{NONE}/; window.setTimeout = window.realTimeout")
        browser.click("#plan-ask")
        browser.wait_text("#plan-summary", "Execute is required: 12 create.")
        system.run("FINISHED")
        browser.wait_text("#details-webhooks", "12 created")

    # ---- Acting ----

    def test_dead_jobs_are_retried_and_dropped(self):
        system, browser = self.visit()
        self.give_key(browser, system.operator_key)
        system.refuse(system.webhooks[7])
        ids = [system.run("FAILED")["job"] for _ in range(2)]
        dead = [f"tr[data-job='{job}']" for job in ids]
        browser.wait("document.querySelector(arguments[0])", dead[1])
        browser.click(f"{dead[0]} [data-act=drop]")
        browser.wait_text("#confirm-text", ids[0][:12])
        browser.click("#confirm-no")
        self.assertEqual(browser.script("return document.querySelectorAll('#dead-rows tr').length"), 2)
        browser.click(f"{dead[0]} [data-act=drop]")
        browser.click("#confirm-yes")
        browser.wait("!document.querySelector(arguments[0])", dead[0])
        system.control("faults", method="DELETE")
        browser.click(f"{dead[1]} [data-act=retry]")
        browser.wait("!document.querySelector(arguments[0])", dead[1])
        browser.wait_text("#dead-empty", "No job has failed.")
        browser.wait_text(f"{row()} .state", "FINISHED")
        wait_for(lambda: all(any(f"act={act} " in line and "event=operator_act" in line for line in system.log())
                             for act in ("drop", "retry")), "both acts are in the log")
        self.assertNotIn(system.operator_key, "\n".join(system.log()))

    def test_a_running_job_is_aborted(self):
        system, browser = self.visit(more=["other"])
        system.be_slow(1000)
        self.give_key(browser, system.operator_key)
        self.assert_refuses_click(browser, button("abort"))
        browser.script(RECORD)
        browser.click(button("execute"))
        browser.wait_text(f"{row()} .state", "running")
        worker = system.workers[0].process
        worker.send_signal(signal.SIGSTOP)  # so that the abort is asked for, and not done yet
        browser.click(button("abort"))
        browser.wait_text("#says", "its job is to end")
        browser.click(button("execute", "other"))
        browser.wait_text(f"{row('other')} .state", "queued")
        worker.send_signal(signal.SIGCONT)
        browser.wait_text(f"{row()} .state", "ABORTED")
        self.assertEqual(system.report()["state"], "ABORTED")
        seen = {state for state, _, _ in browser.script("return window.seen")}
        self.assertLessEqual(seen, {"READY", "WORKING queued", "WORKING running", "ABORTED"})

    def test_without_a_key_nothing_can_be_done(self):
        system, browser = self.visit()
        system.refuse(system.webhooks[7])
        system.run("FAILED")
        browser.wait("document.querySelector('#dead-rows [data-act]')")
        self.assertEqual(browser.text("#key-state"), "Read only")
        for selector in (button("execute"), button("abort"), "#dead-rows [data-act=retry]", "#dead-rows [data-act=drop]"):
            self.assert_refuses_click(browser, selector)
        self.assertEqual(system.report()["state"], "FAILED")

    def test_a_wrong_key_changes_nothing_and_says_so(self):
        self.allowed = [r"/ops/(session|execute) .* 401 "]
        system, browser = self.visit()
        browser.click("#key-button")
        browser.type("#key-input", "not-the-key")
        browser.press("Enter")
        browser.wait_text("#key-fault", "refused: Invalid token.")
        browser.screenshot("wrong-key")
        browser.press("Escape")
        self.assertEqual(browser.text("#key-state"), "Read only")
        self.assert_refuses_click(browser, button("execute"))
        # A key that was good when the page got it, and is not any more.
        self.give_key(browser, system.operator_key)
        browser.script("sessionStorage.setItem('omnihook-operator-key', 'not-the-key')")
        self.look_again(browser, system)
        browser.wait_text("#says", "The operator key is refused")
        browser.wait_text("#connection", "Live")
        self.assertEqual(browser.text("#key-state"), "Read only")
        self.assertIsNone(browser.script("return sessionStorage.getItem('omnihook-operator-key')"))
        self.assertEqual(system.call("GET", "get_async_status/")[1], {"result": "READY"})

    def test_a_key_that_a_read_finds_refused_is_not_shown_again(self):
        system, browser = self.visit()
        self.give_key(browser, system.operator_key)
        browser.wait_text("#connection", "Live")
        browser.script(REFUSE)  # the workers are read every five seconds
        browser.wait_text("#says", "The operator key is refused: Invalid token. It is forgotten.")
        browser.wait_text("#key-state", "Read only")
        browser.wait_text("#connection", "Live")
        browser.wait("document.querySelector('#workers-notice').hidden")
        self.assertIsNone(browser.script("return sessionStorage.getItem('omnihook-operator-key')"))
        self.assertEqual(browser.script("return window.shown"), 1)

    def test_from_elsewhere_a_key_is_needed_to_read(self):
        self.allowed = [r"/ops/\S+ .* 401 "]
        system, browser = self.visit()
        browser.devtools("Network.enable")
        browser.devtools("Network.setExtraHTTPHeaders", headers={"X-Forwarded-For": "192.0.2.7"})
        self.look_again(browser, system)
        browser.wait_text("#connection", "An operator key is needed")
        browser.wait("document.querySelector('#key-dialog').open")
        self.assertEqual(browser.text("#accounts-rows"), "")
        browser.type("#key-input", system.operator_key)
        browser.press("Enter")
        browser.wait_text("#connection", "Live")
        browser.wait_text("#key-state", "May act")
        browser.wait_text(row(), "READY")

    # ---- Many ----

    def test_ten_thousand_accounts(self):
        system, browser = self.visit(more=[f"shop-{i:05d}" for i in range(9999)])
        paint = browser.script("return performance.getEntriesByName('first-contentful-paint')[0].startTime")
        table = browser.script("""return performance.getEntriesByType('resource').find(
            (entry) => entry.name.includes('/ops/accounts')).responseEnd""")
        self.assertEqual(browser.text("#accounts-count"), "10,000")
        count = "document.querySelectorAll('#accounts-rows tr').length"
        self.assertEqual(browser.script(f"return {count}"), 50)
        browser.screenshot("ten-thousand")
        begun = time.monotonic()
        browser.type("#accounts-search", "SHOP-0998")
        browser.wait(f"{count} === 10 && document.querySelector(arguments[0])", row("shop-09980"))
        search_ms = (time.monotonic() - begun) * 1000
        self.assertEqual(browser.text("#accounts-count"), "10")
        browser.script("document.querySelector('#accounts-search').value = ''")
        browser.type("#accounts-search", "shop")
        browser.wait_text("#accounts-pager", "1–50 of 9,999")
        for page in range(1, 4):
            browser.click("#accounts-pager button:last-child")
            browser.wait_text("#accounts-pager", f"{page * 50 + 1}–{page * 50 + 50} of 9,999")
        self.assertEqual(browser.script(f"return {count}"), 50)
        print(f"10,000 accounts: first contentful paint {paint:.0f} ms, the table read at {table:.0f} ms, "
              f"found by search after {search_ms:.0f} ms (200 ms of it the pause for typing)")
        self.assertLess(paint, 5000)  # the figure is printed; the machine may be busy

    # ---- The connection ----

    def test_redis_goes_away_and_comes_back(self):
        self.allowed = [r"/ops/\S+ .* 503 "]
        system, browser = self.visit()
        system.redis.process.kill()
        system.redis.process.wait(LIMIT_S)
        browser.wait_text("#connection", "Redis is away")
        browser.wait_text("#overview-notice", "may have changed")
        browser.screenshot("redis-away")
        self.look_again(browser, system)
        browser.wait_text("#connection", "Redis is away")
        system.start_redis()
        browser.wait_text("#connection", "Live")
        system.run("FINISHED")
        browser.wait_text(f"{row()} .state", "FINISHED")

    def test_the_api_is_started_again(self):
        self.allowed = [r"/ops/\S+ .*(ERR_| 503 | 401 )"]  # 401: any read may be the first to find it out
        system, browser = self.visit(is_relayed=True)
        self.give_key(browser, system.operator_key)
        system.stop_api()
        browser.wait_text("#connection", "Reconnecting")
        system.run_without_api()
        system.start_api()
        browser.wait_text("#connection", "Live")
        browser.wait_text(f"{row()} .state", "FINISHED")
        self.assertEqual(browser.text("#key-state"), "May act")
        # Once more, with another key: that of the page is no longer good.
        system.stop_api()
        system.start_api(OMNIHOOK_OPERATOR_KEYS=digest_of("another"))
        browser.wait_text("#says", "The operator key is refused")
        browser.wait_text("#key-state", "Read only")
        browser.wait_text("#connection", "Live")
        self.assert_refuses_click(browser, button("execute"))

    def test_nothing_is_read_while_the_page_is_not_live(self):
        self.allowed = [r"/ops/\S+ .*(ERR_| 503 )"]
        system, browser = self.visit(is_relayed=True)
        system.run("FINISHED")
        browser.script(WATCH_STRAYS)
        system.run("FINISHED")  # the lists are to be read soon, at most a second later
        system.stop_api()
        browser.wait("window.brokenAt && performance.now() > window.brokenAt + 1500")
        self.assertEqual(browser.script("return window.strays"), [])
        system.start_api()
        browser.wait_text("#connection", "Live")
        browser.wait_text(f"{row()} .state", "FINISHED")

    def test_pages_that_nobody_sees_take_no_connection(self):
        system, browser = self.visit()
        first = browser.window()
        for _ in range(6):
            browser.minimize()
            browser.wait_text("#connection", "Paused")
            browser.use_new_window()
            browser.go(system.dashboard)
            browser.wait_text("#connection", "Live")
        self.give_key(browser, system.operator_key)
        browser.click(button("execute"))
        browser.wait_text(f"{row()} .state", "FINISHED")
        browser.use(first)
        self.assertEqual(browser.text("#connection"), "Paused while nobody looks")
        self.assertTrue(browser.script("return [...document.querySelectorAll('.notice')].every((notice) => notice.hidden)"))
        self.assertEqual(browser.text(f"{row()} .state"), "READY")
        browser.restore()
        browser.wait_text("#connection", "Live")
        browser.wait_text(f"{row()} .state", "FINISHED")

    # ---- For everybody ----

    def test_the_keyboard_is_enough(self):
        system, browser = self.visit()
        system.run("FINISHED")
        focused = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.id"
        order = []
        while "Details of acme" not in order:
            browser.press("Tab")
            order.append(browser.script(f"return {focused}"))
            self.assertLess(len(order), 20, order)
            outline = browser.script("return getComputedStyle(document.activeElement).outlineStyle")
            self.assertEqual(outline, "solid", f"{order[-1]} shows that it has the focus")
        named = [name for name in order if name]  # links have none
        self.assertEqual(named, ["key-button", "view-all", "view-active", "accounts-search", "Details of acme"])
        browser.press("Enter")
        browser.wait_text("#details[open] #details-webhooks", "12 created")
        self.assertEqual(browser.script("return document.activeElement.id"), "details-heading")
        browser.press("Escape")
        browser.wait("!document.querySelector('#details').open")
        self.assertEqual(browser.script(f"return {focused}"), "Details of acme")

    def test_it_can_be_read_in_light_in_dark_and_on_a_phone(self):
        system, browser = self.visit()
        self.give_key(browser, system.operator_key)
        system.refuse(system.webhooks[7])
        system.run("FAILED")
        browser.wait("document.querySelector('#dead-rows [data-act]')")
        for width, height in ((1280, 900), (1024, 760), (360, 740)):
            browser.resize(width, height)
            for scheme in ("light", "dark"):
                browser.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
                self.assert_accessible(browser, f"{scheme}-{width}")
                browser.script("location.hash = 'account=acme'")
                browser.wait_text("#details[open] #details-history", "FAILED")
                self.assert_accessible(browser, f"{scheme}-{width}-details")
                browser.click("#details-close")
                browser.wait("!document.querySelector('#details').open")

    def assert_accessible(self, browser, name):
        browser.screenshot(name)
        found = browser.script(ACCESSIBLE)
        print(f"{name}: least contrast {found['least']:.2f}")
        self.assertEqual(found["faults"], [], name)
        self.assertEqual(browser.script("return document.documentElement.scrollWidth - innerWidth"), 0, name)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
