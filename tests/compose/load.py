"""Calls that come in all the time, and what must have become of them."""

import collections
import threading

from stack import wait_for

GAP_S = 0.12  # between two calls of one caller
CALLERS = 3


class Load:
    """Callers, each with accounts of its own, that execute for one account after the other."""

    def __init__(self, stack, accounts):
        self.stack = stack
        self.accepted = []
        self.answers = collections.Counter()
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.call, args=(accounts[number::CALLERS],))
                        for number in range(CALLERS)]
        for thread in self.threads:
            thread.start()

    def call(self, accounts):
        for account in accounts:
            if self.is_over.wait(GAP_S):
                return
            try:
                status = self.stack.api(account, "POST", "execute/")[0]
            except OSError as error:
                status = type(error).__name__
            self.answers[status] += 1
            if status == 204:
                self.accepted.append(account)

    def end(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()
        return self.accepted

    def wait_more(self, count=10):
        """Until so many more have been accepted: what was done has been seen by calls."""
        enough = len(self.accepted) + count
        wait_for(lambda: len(self.accepted) >= enough, f"{count} more accepted")


def wait_all_ended(stack, accounts):
    open_ones = list(accounts)

    def have_ended():
        while open_ones:
            status, answer = stack.api(open_ones[-1], "GET", "get_async_status/")
            assert status in (200, 502, 503, 504), (open_ones[-1], status, answer)
            if status != 200 or answer["result"] == "WORKING":
                return False
            report = stack.api(open_ones[-1], "GET", "report/")[1]
            assert answer["result"] == "FINISHED", (
                open_ones[-1], answer, report, stack.lines_about(f"account={open_ones[-1]} "))
            open_ones.pop()
        return True
    wait_for(have_ended, "every accepted job has ended", limit_s=90)


def check_registered(stack, accounts):
    counters = stack.simulator("counters")
    assert not counters["duplicates"], counters["duplicates"]
    created = counters["created_by_user"]
    wrong = {name: created.get(name) for name in accounts if created.get(name) != len(stack.webhooks)}
    assert not wrong, wrong
